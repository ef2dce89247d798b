"""From a base model to an assistant: answers, preferences, rewards, and policies that learn from them (F168-F171, F180).

Everything is a pure function of arrays. A row's answer is marked by a mask; padding is in no mean, return or KL.
"""
