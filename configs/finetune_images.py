"""A trained network learns new classes of images from 50 examples: a Vision Transformer from a folder, or a run of this project.

python -m experiments.run --config=configs/vit_of_five.py
python -m experiments.run --config=configs/finetune_images.py

A folder of ViT or DeiT, with a head or without, and images of your own, which are resized to what it reads:

python -m experiments.run --config=configs/finetune_images.py --sweep=false --config.transfer.source=FOLDER --config.data.name=image_folder --config.data.path=photos

Measured over 8 seeds (2026-12-01, 2 shared x86 cores, 2.4 processor minutes), each way at its rate that is best on validation,
all of them inside their grid; test accuracy on the digits 5 to 9: all of the network 0.764 ± 0.032, its new head alone 0.691 ±
0.045, the same network from nothing 0.739 ± 0.028. What it learned from 600 other digits is worth little here: 0.025 ± 0.048
over nothing, seed by seed, not beyond chance; only over the head alone is the difference clear (0.073 ± 0.061).
"""

from typing import Any

from ml_collections import ConfigDict

from configs import base
from configs.grid import Sweep, axis, product

NEW_HEAD = (("*head/*", "new"), ("*", "load"))
WAYS: dict[str, dict[str, Any]] = {
    "all of it": {"transfer.train": (("*", 1.0),)},
    "its head": {"transfer.train": (("*head/*", 1.0), ("*", 0.0))},
    "from nothing": {"transfer.load": (("*", "new"),), "transfer.train": (("*", 1.0),)},
}
RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1)


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "finetune_images"
    config.num_seeds = 8
    config.model = base.pretrained()
    config.data = base.examples("digits", train=50, validation=100, test=500)
    config.data.classes = (5, 6, 7, 8, 9)
    config.data.standardize = "source"
    config.data.batch_size = 25
    config.transfer.source = "checkpoints/vit_of_five"
    config.transfer.load = NEW_HEAD
    config.hparams.learning_rate = 1e-3
    config.train.steps = 200
    config.train.eval_every = 50
    config.train.log_every = 50
    config.train.chunk_steps = 50
    config.train.evaluate_train = False
    config.table = ("test_accuracy", "validation_loss", "trained_share")
    config.figures = ("comparison",)
    return config


def get_sweep(config: ConfigDict) -> Sweep:
    ways = [
        {"label": f"{name}: rate {rate:g}", "hparams.learning_rate": rate, **way}
        for name, way in WAYS.items()
        for rate in RATES
    ]
    return product(ways, axis("seed", range(config.num_seeds)))
