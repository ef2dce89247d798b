"""DPO: preferences without a reward model and without draws; chosen answers may become less probable too (F171).

python -m experiments.run --config=configs/assistant_base.py
python -m experiments.run --config=configs/assistant_sft.py
python -m experiments.run --config=configs/dpo.py

It learns from the pairs of configs/reward_model.py and draws nothing; the sweep also has IPO and log-ratios by length.

Pairs of your own, from a run or folder of your own: --sweep=false --config.transfer.source=BASE --config.transfer.by_seed=False
--config.data.name=file --config.data.path=pairs.jsonl, with lines {"prompt": "…", "chosen": "…", "rejected": "…"}; a prompt may
be a list of messages. What only the hidden rule tells is left out of the table.

Measured over 8 seeds (2026-11-29, 2 shared x86 cores) at beta 0.3: margin on test pairs 0.945 ± 0.136, 0.901 ± 0.007 of
them ordered rightly. Chosen answers become less probable too, by 0.708 ± 0.199 nats, rejected ones by
3.858 ± 0.644. True reward of test questions 0.552 ± 0.053, at the start 0.427 ± 0.037, paired
0.125 ± 0.062; 0.564 ± 0.031 of answers beat the start's; KL 2.872 ± 1.209 nats an answer; length 10.938 ± 0.407 tokens, before
11.829 ± 0.311. PPO (0.790) and the best of 4 (0.890, configs/ppo.py) reach more.

The strength and the learning rate were chosen by the true reward of the validation questions (2026-11-30, 3 seeds), of beta 0.1,
0.3 and 1 at 5e-5 and 1e-4: 0.61, 0.55; 0.68, 0.73; 0.71, 0.72.

The other losses, 4 seeds (2026-11-30): IPO stays near its start, KL 0.29 ± 0.08 nats, its chosen answers gain 0.05 ± 0.01
nats, 0.956 ± 0.011 of test pairs ordered rightly, true reward 0.581 ± 0.078, paired 0.148 ± 0.052. By length at beta 1: KL 4.6
± 2.3, chosen answers lose 3.3 ± 1.3, 0.819 ± 0.032 ordered rightly, true reward 0.51 ± 0.16, paired 0.08 ± 0.10.
"""

from ml_collections import ConfigDict

from configs import assistant_base, base
from configs.grid import Sweep, axis, product, union, zipped

BETAS = (0.1, 0.3)


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "dpo"
    config.task = base.section(base.DPO)
    config.model = assistant_base.model()
    config.data = base.conversations(context_size=assistant_base.CONTEXT, batch_size=32)
    config.data.pairs_about = "all"  # the same pairs as those of configs/reward_model.py
    config.transfer.source = "checkpoints/assistant_sft"
    config.transfer.by_seed = True
    config.hparams.beta = 0.3
    config.hparams.learning_rate = 1e-4
    config.hparams.clip_norm = 1.0
    config.train.steps = 200
    config.train.eval_every = 40
    config.train.log_every = 10
    config.train.chunk_steps = 40
    config.train.evaluate_train = False
    config.table = (
        "true_reward",
        "reference_true_reward",
        "win_rate",
        "test_margin",
        "test_chosen_moved",
        "kl",
        "length",
    )
    config.figures = ("preference_curves", "frontier")
    return config


def get_sweep(config: ConfigDict) -> Sweep:
    settings = union(
        zipped({"label": tuple(f"DPO, beta {beta:g}" for beta in BETAS), "hparams.beta": BETAS}),
        zipped({"label": ("IPO, beta 0.3",), "task.kind": ("identity",)}),
        zipped({"label": ("by length, beta 1",), "task.normalise": (True,), "hparams.beta": (1.0,)}),
    )
    return product(settings, axis("seed", range(config.num_seeds)))
