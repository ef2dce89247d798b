"""T5's pre-training in small: gaps in unlabelled texts, marked by sentinels, are filled; see configs/t5_quick.py.

python -m experiments.run --config=configs/t5_pretrain.py

Not measured yet.
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
