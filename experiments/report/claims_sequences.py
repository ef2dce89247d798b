"""Claims about recurrent networks: what they remember, and that they read the order of words. A claim is a row.

In a comparison A - B > 0, A is the side that the claim calls larger.
"""

from experiments.report.records import Claim
from nn_core.evidence.claims import Part, Side

SEQUENCES = (
    Claim(
        "C13a",
        "Simple recurrent networks struggle to retain what was seen long ago; the gates of LSTM and GRU retain it",
        "recurrent",
        "rnn_memory",
        (
            Part(
                "test accuracy at length 100, LSTM − vanilla (share right)",
                Side("LSTM: length 100", "test_accuracy"),
                Side("vanilla: length 100", "test_accuracy"),
                smallest_effect=0.1,
            ),
            Part(
                "test accuracy at length 100, GRU − vanilla (share right)",
                Side("GRU: length 100", "test_accuracy"),
                Side("vanilla: length 100", "test_accuracy"),
                smallest_effect=0.1,
            ),
        ),
        "The gate that keeps the state starts at log 100; how much that matters is in the table of the run.",
    ),
    Claim(
        "C13b",
        "GRU is a simplified LSTM with fewer parameters and often similar performance",
        "recurrent",
        "rnn_memory",
        (
            Part(
                "test accuracy at length 100, GRU near LSTM's 1 (± 0.05)",
                Side("GRU: length 100", "test_accuracy"),
                1.0,
                tolerance=0.05,
            ),
            Part(
                "test accuracy at length 100, LSTM near 1 (± 0.05)",
                Side("LSTM: length 100", "test_accuracy"),
                1.0,
                tolerance=0.05,
            ),
        ),
        "The table of the run holds the numbers of parameters: the recurrent layer of a GRU has three quarters of an LSTM's.",
    ),
    Claim(
        "C19b",
        "A bag of words ignores the order of the words; a recurrent network reads it",
        "recurrent",
        "word_order",
        (
            Part(
                "test accuracy where only the order tells, LSTM − bag of words (share right)",
                Side("LSTM", "test_accuracy"),
                Side("bag of words", "test_accuracy"),
                smallest_effect=0.1,
            ),
            Part(
                "test accuracy of the bag of words, near one half (± 0.05)",
                Side("bag of words", "test_accuracy"),
                0.5,
                tolerance=0.05,
            ),
        ),
    ),
)
