"""GRPO: eight answers to each question, each judged against the others; no value function (F171).

python -m experiments.run --config=configs/assistant_base.py
python -m experiments.run --config=configs/assistant_sft.py
python -m experiments.run --config=configs/reward_model.py
python -m experiments.run --config=configs/grpo.py

Questions of your own: as in configs/ppo.py.

Measured over 12 seeds in the chain of configs/alignment.py (report F171, F171b, 2026-11-30, 2 shared x86 cores) at beta 0.05,
test questions: true reward 0.777 ± 0.026, at the start 0.444 ± 0.035, paired 0.333 ± 0.037; KL 4.07 ± 0.46 nats an answer; 0.688
± 0.022 of answers beat the start's. The reward model is fooled: in standard deviations of the start's answers the learned
reward gains 0.72 ± 0.17 more than the true one. Answers grow to 14.7 ± 0.4 tokens: a second polite phrase, which the hidden
rule counts once, is paid for again.

A KL of 1 nat asked for, beta from 1: answers to test questions at 0.514 ± 0.041 nats, below the target; true reward 0.734 ±
0.023, paired 0.290 ± 0.035; right answers 0.833 ± 0.021; 0.17 ± 0.11 overstated: 0.56 ± 0.14 less than at beta 0.05, seed by
seed. So more KL means more of a reward that is not true.

From beta 0.5 with a horizon of 512 the target is missed (8 seeds): 1.42 ± 0.17 nats, of test questions 1.80 ± 0.26, at a true
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
