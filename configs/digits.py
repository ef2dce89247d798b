"""The smallest run: a multi-layer perceptron learns the digits.

python -m experiments.run --config=configs/digits.py
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "digits"
    config.hparams.learning_rate = 1e-3
    return config
