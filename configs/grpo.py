"""GRPO: eight answers to each question, each judged against the others; no value function (F171).

python -m experiments.run --config=configs/assistant_base.py
python -m experiments.run --config=configs/assistant_sft.py
python -m experiments.run --config=configs/reward_model.py
python -m experiments.run --config=configs/grpo.py

Questions of your own: as in configs/ppo.py.

Measured over 8 seeds (2026-11-29, 2 shared x86 cores) at beta 0.05, test questions: true reward 0.776 ± 0.038, at the start
0.418 ± 0.019, paired 0.358 ± 0.043; KL 4.2 ± 0.5 nats an answer; 0.698 ± 0.040 of answers beat the start's; right answers 0.762
± 0.040, at the start 0.837 ± 0.011. The reward model is fooled: in standard deviations of the start's answers the learned
reward gains 1.30 ± 0.12 and the true one 0.62 ± 0.07. Answers grow from 12.0 to 14.5 ± 0.4 tokens: a second polite phrase,
which the hidden rule counts once, is paid for again.

A KL of 1 nat asked for, beta from 1 (2026-11-30, start 0.385 ± 0.022): answers that it learns from 0.38 ± 0.04 nats in
the last ten updates, to test questions 0.48 ± 0.06, below the target; true reward 0.671 ± 0.032, paired 0.286 ± 0.042;
right answers 0.794 ± 0.032, at the start 0.813 ± 0.022; the learned reward gains 0.15 ± 0.10 more than the true one.
From beta 0.5 with a horizon of 512 the target is missed: 1.42 ± 0.17 nats, of test questions 1.80 ± 0.26, at a true
reward of 0.789 ± 0.044 (paired 0.404 ± 0.054), and 0.36 ± 0.09 standard deviations of the learned gain are not true:
paired 0.21 ± 0.14 more than at 0.48 nats. Start and horizon were chosen by the KL of validation questions.
"""

from ml_collections import ConfigDict

from configs import base, ppo
from configs.grid import Sweep, axis, product


def get_config() -> ConfigDict:
    config = ppo.policy("grpo")
    config.task = base.section(base.GRPO, prompts=8, epochs=2, minibatches=2, reward_model="checkpoints/reward_model")
    return config


def get_sweep(config: ConfigDict) -> Sweep:
    return product([{"label": f"beta {config.hparams.beta:g}"}, ppo.ADAPTIVE], axis("seed", range(config.num_seeds)))
