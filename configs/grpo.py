"""GRPO: eight answers to each question, each judged against the others; no value function (F171).

python -m experiments.run --config=configs/assistant_base.py
python -m experiments.run --config=configs/assistant_sft.py
python -m experiments.run --config=configs/reward_model.py
python -m experiments.run --config=configs/grpo.py
"""

from ml_collections import ConfigDict

from configs import base, ppo
from configs.grid import Sweep, axis, product


def get_config() -> ConfigDict:
    config = ppo.policy("grpo")
    config.task = base.section(base.GRPO, prompts=8, epochs=2, minibatches=2, reward_model="checkpoints/reward_model")
    return config


def get_sweep(config: ConfigDict) -> Sweep:
    return product([{"label": f"beta {config.hparams.beta:g}"}], axis("seed", range(config.num_seeds)))
