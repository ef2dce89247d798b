"""The demonstration network on the digits: three convolutions and three dense layers, several seeds as one population.

python -m experiments.run --config=configs/digits_cnn.py
python -m experiments.predict --checkpoint=checkpoints/digits_cnn --member=0 digit.png

32, 64 and 128 filters, 1,200 training images that are shifted by up to a pixel. `filters` shows what the first layer
looks for and what each layer makes of an image. Sizes and steps were chosen on the validation split.

Measured over 4 seeds, mean and 95 % interval (2026-11-23, 2 x86 cores): test accuracy 0.986 ± 0.010 on 397 digits, loss
0.055 ± 0.040 nats, 23 s for all four with compilation. Half the filters and 800 steps: 0.975 ± 0.009.
"""

from ml_collections import ConfigDict

from configs import base
from configs.grid import Sweep, axis


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "digits_cnn"
    config.num_seeds = 4
    config.hparams.learning_rate = 3e-3
    config.hparams.dropout_rate = 0.2
    config.task.record = ("filters",)
    config.model = base.cnn(channels=(32, 64, 128))
    config.data = base.examples("digits", train=1200, validation=200, test=397)
    config.data.standardize = "all"
    config.data.augmentation.shift = 1
    config.schedule.name = "cosine"
    config.schedule.final_factor = 0.01
    config.train.steps = 1500
    config.train.evaluate_train = False
    config.figures = ("learning_curves", "filters")
    return config


def get_sweep(config: ConfigDict) -> Sweep:
    return axis("seed", range(config.num_seeds))
