"""Knowledge distillation: a student of 6 hidden units learns digits from a teacher of 256, and alone.

python -m experiments.run --config=configs/distillation.py
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.study(
        "distillation",
        {
            "teacher_sizes": (256,),  # units of each hidden layer, each >= 1
            "student_sizes": (6,),  # likewise
            "temperatures": (1.0, 2.0, 4.0, 8.0),  # T, each > 0
            "alphas": (0.5, 1.0),  # share of the soft targets in the loss, each in [0, 1]
            "learning_rate": 3e-3,  # of Adam, > 0
            "steps": 600,  # updates, in [1, 100000]
            "batch_size": 64,  # digits a step, in 1..train_examples
            "train_examples": 300,  # >= 1
            "validation_examples": 300,  # >= 1
            "test_examples": 1197,  # examples that judge, >= 1
        },
    )
    config.num_seeds = 16
    config.table = ("test_accuracy", "test_loss", "validation_accuracy", "train_accuracy")
    config.figures = ("distillation", "comparison")
    return config
