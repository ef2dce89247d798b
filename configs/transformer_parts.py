"""Residuals and layer norms in deep transformers: what training is like without one of them, or both.

python -m experiments.run --config=configs/transformer_parts.py

Measured over 12 seeds (report C14a, C14b, 2026-11-30, 2 shared x86 cores, 7 minutes on one of them), 12 blocks, each setting
at the rate with the lowest training loss, inside the grid. Training loss in nats: residual and norm 0.383 ± 0.042, neither
1.701 ± 0.062, no residual 1.919 ± 0.056, no norm 36.5 ± 6.7. Test accuracy: 0.837 ± 0.015, 0.350 ± 0.022, 0.284 ± 0.030,
0.184 ± 0.027 (chance: 0.1). `first gradient`, the power of ten of the gradient that reaches the first block: 0.17 ± 0.11,
-3.70 ± 0.25, 0.01 ± 0.35, 4.71 ± 0.48. (The images were standardized by all of them; by those of the training, as now, the scale is
0.1 to 0.3 % another.)

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
            "steps": 300,  # updates, in [1, 100000]
            "batch_size": 16,  # digits a step, >= 1
            "train_examples": 1000,  # >= 1
            "validation_examples": 300,  # examples that choose, >= 1
            "test_examples": 497,  # examples that judge, >= 1
        },
    )
    config.table = ("train_loss", "validation_loss", "test_loss", "test_accuracy", "first_gradient")
    config.figures = ("comparison",)
    return config
