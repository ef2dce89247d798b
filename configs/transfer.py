"""Transfer learning: the four cases of the notes and their alternatives, where each should be best and elsewhere.

python -m experiments.run --config=configs/transfer.py
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.study(
        "transfer",
        {
            "examples": 6000,  # images of 4 shapes with 4 textures, 16 classes, >= 16
            "noise": 0.1,  # standard deviation of the noise on every pixel, >= 0
            "old_classes": (0, 2, 5, 7, 8, 10, 13, 15),  # of the similar pre-training; the different one sees digits
            "new_classes": (1, 3, 4, 6, 9, 11, 12, 14),  # of the transfer: every shape and every texture again
            "channels": (8, 16, 32),  # filters of each convolution, each >= 1
            "hidden_sizes": (64, 32),  # units of each hidden dense layer, each >= 1
            "early": 1,  # blocks that case 2 keeps, in 1..5
            "sizes": (50, 200, 1000),  # examples of the transfer, each >= 1
            "validation": 300,  # examples that choose, >= 1
            "test": 1000,  # examples that judge, >= 1
            "pretrain_steps": 1000,  # updates, a multiple of 10
            "pretrain_rate": 3e-3,  # learning rate of Adam, > 0
            "steps": 300,  # updates of the transfer, a multiple of 10
            "learning_rates": (1e-3, 3e-3),  # of Adam; the best on validation is shown, each > 0
            "batch_size": 32,  # examples a step, drawn with replacement, >= 1
            "target_accuracy": 0.6,  # `updates` counts to this accuracy on validation, in (0, 1)
        },
    )
    config.num_seeds = 8
    config.table = ("test_accuracy", "test_loss", "updates")
    config.figures = ("transfer", "comparison")
    return config
