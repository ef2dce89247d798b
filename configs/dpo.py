"""DPO: preferences without a reward model and without draws; chosen answers may become less probable too (F171).

python -m experiments.run --config=configs/assistant_base.py
python -m experiments.run --config=configs/assistant_sft.py
python -m experiments.run --config=configs/dpo.py

It learns from the pairs of configs/reward_model.py and draws nothing; the sweep also has IPO and log-ratios by length.

Pairs of your own, from a run or folder of your own: --sweep=false --config.transfer.source=BASE --config.transfer.by_seed=False
--config.data.name=file --config.data.path=pairs.jsonl, with lines {"prompt": "…", "chosen": "…", "rejected": "…"}; a prompt may
be a list of messages. What only the hidden rule tells is left out of the table.

Measured over 12 seeds in the chain of configs/alignment.py (report F171, 2026-11-30, 2 shared x86 cores) at beta 0.3: margin on
test pairs 0.970 ± 0.058, 0.892 ± 0.009 of them ordered rightly. Chosen answers become less probable too, by 0.82 ± 0.14 nats,
rejected ones by 4.05 ± 0.33. True reward of test questions 0.569 ± 0.044, at the start 0.444 ± 0.022, paired 0.125 ± 0.052
(above 0, not beyond 0.1 after the correction); 0.567 ± 0.022 of answers beat the start's; KL 2.76 ± 0.79 nats an answer; length
11.5 ± 0.5 tokens. PPO (0.796) and the best of 4 (0.928, configs/ppo.py) reach more.

The strength and the learning rate were chosen by the true reward of the validation questions (2026-11-30, 3 seeds), of beta 0.1,
0.3 and 1 at 5e-5 and 1e-4: 0.61, 0.55; 0.68, 0.73; 0.71, 0.72.

The other losses: IPO stays near its start, KL 0.268 ± 0.023 nats, its chosen answers gain 0.040 ± 0.007 nats, 0.956 ± 0.004 of
test pairs ordered rightly, true reward 0.630 ± 0.020, paired 0.186 ± 0.025: the best of the four. By length at beta 1: KL 4.2 ±
1.0, chosen answers lose 3.29 ± 0.51, 0.834 ± 0.008 ordered rightly, true reward 0.507 ± 0.042, paired 0.063 ± 0.051. Beta 0.1:
paired -0.010 ± 0.089 at 7.7 ± 3.1 nats.
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
        "reference_length",
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
