"""GRPO: eight answers to each question, each judged against the others; no value function (F171).

python -m experiments.run --config=configs/assistant_base.py
python -m experiments.run --config=configs/assistant_sft.py
python -m experiments.run --config=configs/reward_model.py
python -m experiments.run --config=configs/grpo.py

Measured over 8 seeds (2026-11-29, 2 shared x86 cores) at beta 0.05, test questions: true reward 0.776 ± 0.038, at the start
0.418 ± 0.019, paired 0.358 ± 0.043; KL 4.2 ± 0.5 nats an answer; 0.698 ± 0.040 of answers beat the start's; right answers 0.762
± 0.040, at the start 0.837 ± 0.011. The reward model is fooled: in standard deviations of the start's answers the learned
reward gains 1.30 ± 0.12 and the true one 0.62 ± 0.07. Answers grow from 12.0 to 14.5 ± 0.4 tokens: a second polite phrase,
which the hidden rule counts once, is paid for again.
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
