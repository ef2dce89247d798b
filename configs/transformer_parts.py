"""Residuals and layer norms in deep transformers: what training is like without one of them, or both.

python -m experiments.run --config=configs/transformer_parts.py

Measured over 12 seeds (2026-12-01, 2 shared x86 cores beside a load of 10, 11 minutes), 12 blocks, each setting at the rate
with the lowest training loss, inside the grid. Training loss in nats: residual and norm 0.416 ± 0.034, neither 1.720 ± 0.057,
no residual 1.915 ± 0.059, no norm 32.6 ± 6.3. Test accuracy: 0.825 ± 0.021, 0.331 ± 0.022, 0.283 ± 0.029, 0.192 ± 0.033
(chance: 0.1). `first gradient`, the power of ten of the gradient that reaches the first block: 0.17 ± 0.11, -3.70 ± 0.25,
0.01 ± 0.35, 5.00 ± 0.33. The report of 2026-11-30 (C14a, C14b) has images that were standardized by all of them: 0.383 ± 0.042,
1.701 ± 0.062, 1.919 ± 0.056 and 36.5 ± 6.7 nats.

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
