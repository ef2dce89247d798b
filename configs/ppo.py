"""PPO: the assistant's own answers, a learned reward, a value function, and a KL that holds it near its start (F171).

python -m experiments.run --config=configs/assistant_base.py
python -m experiments.run --config=configs/assistant_sft.py
python -m experiments.run --config=configs/reward_model.py
python -m experiments.run --config=configs/ppo.py

Each step draws 64 answers, scores them, and makes 4 updates; four strengths of the KL and all seeds are one program. The
true reward is known (configs/reward_model.py), so that what the learned one claims beyond it, `overstated`, is measured:
both gains in standard deviations of the start's answers. figures/frontier.png draws reward against KL, beside the best of n.

Questions of your own: --sweep=false --config.transfer.source=BASE --config.transfer.by_seed=False
--config.task.reward_model=RUN --config.data.name=file --config.data.path=questions.jsonl, with lines {"prompt": "…"}, or those
of configs/dpo.py; RUN is a reward model on pairs of your own. What only the hidden rule tells is left out of the table.

Measured over 12 seeds in the chain of configs/alignment.py (report F171, 2026-11-30, 2 shared x86 cores) at beta 0.05, test
questions, whose facts no stage was told the answer to but the reward model: true reward 0.796 ± 0.053, at the start 0.444 ±
0.035, paired 0.353 ± 0.067; KL 3.38 ± 0.42 nats an answer; 0.697 ± 0.039 of answers beat the start's. The best of 4 answers of
the start by the reward model is worth 0.928 ± 0.027, of 16 1.120 ± 0.014, without any training: of fewer answers to a question
than PPO has drawn, 2,560 to 126 questions, and at a KL of at most 0.64 and 1.84 nats (ln n - (n - 1) / n).

A KL of 1 nat asked for, beta from 1: the answers to test questions, which the controller does not see, end at 0.744 ± 0.095
nats, below the limit with their interval; true reward 0.631 ± 0.017, paired 0.188 ± 0.037, 0.16 ± 0.10 overstated. (Another 8
seeds on the same day: 0.94 ± 0.29 nats, while the answers that it learns from were at 0.36 ± 0.04.) From beta 0.5 with a
horizon of 512 answers the KL of test questions ends at 1.58 ± 0.22 (8 seeds). A target of 2 from beta 0.2 with a horizon of
256 or 128 is overshot (4 seeds: 3.7 ± 1.1 and 4.5 ± 1.1 of test questions): beta falls to 0.01 to 0.03 while the KL is still
small.

The frontier, true reward at KL: beta 0.01 0.848 ± 0.056 at 4.31 ± 0.58 nats, 0.05 0.796 ± 0.053 at 3.38 ± 0.42, 0.2 0.681 ±
0.031 at 1.65 ± 0.21, 1 0.610 ± 0.035 at 0.71 ± 0.14. That more KL means more of a reward that is not true is not seen in these
40 updates: `overstated` is 0.05 ± 0.10 at beta 0.01 and 0.13 ± 0.19 at 1, paired -0.08 ± 0.17. configs/grpo.py shows it.
"""

from ml_collections import ConfigDict

from configs import assistant_base, base
from configs.grid import Sweep, axis, product, union, zipped

BETAS = (0.01, 0.05, 0.2, 1.0)
# beta adapts: it begins so large and falls so slowly that the KL comes up to the target from below.
ADAPTIVE = {"label": "KL target 1", "hparams.beta": 1.0, "hparams.kl_target": 1.0, "hparams.kl_horizon": 2048.0}


def policy(name: str) -> ConfigDict:
    """What PPO and GRPO share."""
    config = base.experiment()
    config.name = name
    config.model = assistant_base.model()
    config.data = base.conversations(context_size=assistant_base.CONTEXT, batch_size=64)
    config.transfer.source = "checkpoints/assistant_sft"
    config.transfer.by_seed = True
    config.hparams.beta = 0.05
    config.hparams.clip_range = 0.2
    config.hparams.clip_norm = 1.0
    config.hparams.learning_rate = 1e-4
    config.train.steps = 40
    config.train.eval_every = 20
    config.train.log_every = 1
    config.train.chunk_steps = 20
    config.train.evaluate_train = False
    config.train.divergence_factor = 1e6  # the loss is not a distance: it may start near 0
    config.table = (
        "true_reward",
        "reference_true_reward",
        "best_of_16_true_reward",
        "win_rate",
        "overstated",
        "kl",
        "length",
        "right",
    )
    config.figures = ("policy_curves", "frontier")
    return config


def get_config() -> ConfigDict:
    config = policy("ppo")
    config.task = base.section(base.PPO, prompts=64, epochs=2, minibatches=2, reward_model="checkpoints/reward_model")
    config.transfer.load = (("value_head/*", "new"), ("*", "load"))
    config.hparams.value_coefficient = 0.1
    config.hparams.value_clip = 0.5
    config.hparams.entropy_coefficient = 0.0
    config.hparams.discount = 1.0
    config.hparams.gae_decay = 0.95
    return config


def get_sweep(config: ConfigDict) -> Sweep:
    fixed = zipped({"label": tuple(f"beta {beta:g}" for beta in BETAS), "hparams.beta": BETAS})
    return product(union(fixed, [ADAPTIVE]), axis("seed", range(config.num_seeds)))
