"""Forecasting a noisy sine by recurrent networks, beside naive forecasts and the best linear one.

python -m experiments.run --config=configs/forecasting.py
"""

from ml_collections import ConfigDict

from configs import base
from configs.grid import Sweep, axis, product, union


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "forecasting"
    config.num_seeds = 4
    config.task = base.forecasting(season=25)
    config.model = base.recurrent("gru", features=32)
    config.data = base.sequences(
        "noisy_sine",
        train=1400,
        validation=250,
        test=250,
        num_steps=2000,
        window=50,
        period=25.0,
        noise=0.2,
    )
    config.data.shuffle = False
    config.hparams.learning_rate = 3e-3
    config.hparams.clip_norm = 1.0
    config.train.steps = 600
    config.train.eval_every = 50
    config.train.log_every = 50
    config.train.keep_best = True
    config.table = ("rmse", "last_value_rmse", "season_rmse", "linear_rmse", "horizon_rmse", "coverage")
    config.figures = ("forecast",)
    return config


def get_sweep(config: ConfigDict) -> Sweep:
    settings = union(
        [{"label": "vanilla", "model.cell": "vanilla"}],
        [{"label": "LSTM", "model.cell": "lstm"}],
        [{"label": "GRU", "model.cell": "gru"}],
    )
    return product(settings, axis("seed", range(config.num_seeds)))
