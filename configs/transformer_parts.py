"""Residuals and layer norms in deep transformers: what training is like without one of them, or both.

python -m experiments.run --config=configs/transformer_parts.py

Measured over 10 seeds, 12 blocks, each setting at the better of the two middle rates of the grid (2026-11-23, 2 x86
cores, 66 s), test accuracy:
residual and norm 0.791 ± 0.023; neither 0.290 ± 0.031; no norm 0.177 ± 0.034; no residual 0.129 ± 0.032 (chance: 0.1).
`first gradient`, the power of ten of the gradient that reaches the first block: 0.20, -3.64, 4.68, -0.02.

As the notes say, both are needed. Residuals without norms are worse than neither: the stream grows with every block.
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.study(
        "transformer_parts",
        {
            "width": 16,  # of the residual stream, in [1, 64]
            "num_heads": 2,  # a divisor of the width, >= 1
            "depths": (12,),  # blocks, each in [1, 1000]
            "learning_rates": (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2),  # of Adam; the best is shown, each > 0
            "steps": 200,  # updates, in [1, 100000]
            "batch_size": 16,  # digits a step, >= 1
            "train_examples": 1000,  # >= 1
            "validation_examples": 300,  # examples that choose, >= 1
            "test_examples": 497,  # examples that judge, >= 1
        },
    )
    config.table = ("train_loss", "validation_loss", "test_loss", "test_accuracy", "first_gradient")
    config.figures = ("comparison",)
    return config
