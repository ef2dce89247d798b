"""T5's pre-training in small: gaps in unlabelled texts, marked by sentinels, are filled; see configs/t5_quick.py.

python -m experiments.run --config=configs/t5_pretrain.py

Measured (2026-11-30, seed 0, 1,000 unseen texts, 4.1 processor minutes): 0.923 of the missing tokens are right, at 0.243 nats a
token; 0.41 of the texts have all gaps filled right by 2 beams. 20 % of the tokens are padding.
"""

from ml_collections import ConfigDict

from configs import t5_quick


def get_config() -> ConfigDict:
    config = t5_quick.get_config()
    config.name = "t5_pretrain"
    config.data.name = "span_corruption"
    config.data.target_size = 64
    config.sample.prompt = "translate: the <extra_0> sees a star. le chat <extra_1> une étoile."
    config.table = ("beam_exact", "test_accuracy", "test_loss", "padding", "parameters")
    return config
