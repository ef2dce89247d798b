"""Multi30k in three minutes: the config multi30k with a sixth of its updates.

python -m experiments.run --config=configs/multi30k_quick.py
"""

from ml_collections import ConfigDict

from configs import multi30k


def get_config() -> ConfigDict:
    config = multi30k.get_config()
    config.name = "multi30k_quick"
    config.schedule.warmup_steps = 100
    config.train.steps = 700
    config.train.eval_every = 350
    config.train.sample_every = 350
    return config
