"""What the course's rows ask of the results of whole runs: test_configs.py holds those against it that it runs for real.

Rows whose check needs no whole run have tests beside their code.
"""

from collections.abc import Callable, Mapping

import numpy as np

from experiments.run_directory.results import Row
from nn_core.by_hand.diagnosis import OVERFITS, RIGHT, UNDERFITS, diagnose

Mean = Callable[[str, str], float]  # (label, column) -> the mean over the seeds
Check = Callable[[Mean], bool]

SIZES = {"1 x 8": 0.01, "1 x 16": 0.01, "2 x 24": 0.01, "2 x 40": 0.005, "3 x 56": 0.005}  # with good rates
HELD = ("ppo: KL target 1", "grpo: KL target 1")
TASKS_OF_T5 = ("translate", "reverse", "answer", "summarize")


def moons(mean: Mean) -> list[str]:
    """The verdicts on the three sizes of configs/underfit_overfit.py."""
    losses = [
        (mean(size, "train_loss"), mean(size, "validation_loss")) for size in ("1 unit", "4 units", "2 x 64 units")
    ]
    best = min(validation for _, validation in losses)
    return [diagnose(train, validation, best).verdict for train, validation in losses]


ACCEPTED: Mapping[str, Mapping[str, Check]] = {
    "multiclass": {
        "F018, S9: weights find the rarer class": lambda mean: (
            mean("imbalanced 9 to 1: balanced class weights", "rare_recall")
            > mean("imbalanced 9 to 1: no class weights", "rare_recall") + 0.2
        ),
        "F029: 97 % by softmax, one versus rest within 2 points": lambda mean: (
            abs(mean("digits: softmax", "test_accuracy") - mean("digits: one versus rest", "test_accuracy")) < 0.02
            and round(mean("digits: softmax", "test_accuracy"), 2) >= 0.97
        ),
    },
    "underfit_overfit": {
        "F043: too simple, just right, too complex": lambda mean: moons(mean) == [UNDERFITS, RIGHT, OVERFITS],
    },
    "contextual_vectors": {
        "F095: a word has another vector in each sentence, and one in a table": lambda mean: (
            mean("encoder", "between") < 0.99 and min(mean("table", way) for way in ("within", "between")) > 0.9999
        ),
    },
    "digits_cnn": {"F072: 95 %": lambda mean: mean("", "test_accuracy") >= 0.95},
    "vit": {"F150: 95 %": lambda mean: mean("", "test_accuracy") >= 0.95},
    "rnn_memory": {
        "F114: a simple cell forgets the first of 100 tokens, gates do not": lambda mean: (
            min(mean(f"{cell}: length 100", "test_accuracy") for cell in ("LSTM", "GRU")) >= 0.95
            and mean("vanilla: length 100", "test_accuracy") < 0.5
        ),
    },
    "forecasting": {
        "F116: a step ahead better than the last value": lambda mean: (
            max(mean(cell, "rmse") - mean(cell, "last_value_rmse") for cell in ("vanilla", "LSTM", "GRU")) < 0
        ),
    },
    "addition": {"F117: 95 % of new sums": lambda mean: mean("", "greedy_exact") >= 0.95},
    "toy_translation": {"F137: 98 % of new sentences": lambda mean: mean("Transformer", "greedy_exact") >= 0.98},
    "bert_quick": {
        "F138: more hidden words than by counting": lambda mean: (
            mean("pre-training", "masked_accuracy") > mean("pre-training", "unigram_accuracy")
        ),
        "F138: 60 % of next sentences": lambda mean: mean("pre-training", "next_sentence_accuracy") > 0.6,
    },
    "t5_quick": {
        "F140: 95 % of each task": lambda mean: min(mean("", f"{task}_exact") for task in TASKS_OF_T5) > 0.95,
    },
    "distillation": {
        "F147: a taught student is better than one alone": lambda mean: (
            mean("taught: T 4, α 1", "test_accuracy") > mean("student alone", "test_accuracy")
        ),
    },
    "pruning": {
        "F148: four weights of five are not needed": lambda mean: (
            mean("pruned: sparsity 0.8", "test_accuracy") > mean("dense", "test_accuracy") - 0.02
            and abs(mean("pruned: sparsity 0.8", "exact_zeros") - 0.8) < 0.001
        ),
    },
    "scaling": {
        "F185: each larger size is better": lambda mean: (
            np.diff([mean(f"{size} | rate {rate}", "validation_loss") for size, rate in SIZES.items()]).max() < 0
        ),
    },
    "alignment": {
        "F168: the base continues, 90 % are answered after fine-tuning": lambda mean: (
            mean("assistant_sft: full", "test_exact") >= 0.9 and mean("assistant_sft: full", "start_exact") < 0.1
        ),
        "F170: 90 % of held-out pairs": lambda mean: (
            mean("reward_model: 4000 pairs, 5 % noise", "test_accuracy") >= 0.9
        ),
        "F171: more true reward within the limit of the KL": lambda mean: (
            min(mean(kind, "true_reward") - mean(kind, "reference_true_reward") for kind in HELD) > 0.1
            and max(mean(kind, "kl") for kind in HELD) < 1
        ),
        "F171: preferred answers are more probable than the reference makes them": lambda mean: (
            mean("dpo: DPO, beta 0.3", "test_margin") > 0
        ),
    },
}


def mean_of(rows: list[Row]) -> Mean:
    """The mean over the rows of a label; "" stands for all."""

    def mean(label: str, column: str) -> float:
        return float(np.mean([row[column] for row in rows if label in ("", row.get("label", ""))]))

    return mean


def missed(name: str, rows: list[Row]) -> list[str]:
    """The checks of a config that the rows do not meet."""
    mean = mean_of(rows)
    return [check for check, holds in ACCEPTED.get(name, {}).items() if not holds(mean)]
