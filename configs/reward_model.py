"""A reward model learns from pairs of answers which one people prefer: right, polite and short ones (F170).

python -m experiments.run --config=configs/assistant_base.py
python -m experiments.run --config=configs/assistant_sft.py
python -m experiments.run --config=configs/reward_model.py
python -m experiments.predict --checkpoint=checkpoints/reward_model --member=0 pairs.jsonl

Pairs of answers about all facts, ranked by a hidden rule (right 1, polite 0.6, rude -0.6, a word -0.04) with wrong labels;
`test_accuracy` is on 500 other pairs with right labels, `validation_accuracy` on 500 with wrong ones among them. The score
is a sum over the answer's tokens with a share of their log-probability: two blocks cannot carry a verdict on one word to the
last token (`task.pooling=last` ends at 0.74, one seed).

Pairs of your own, whose file configs/dpo.py describes: --sweep=false --config.transfer.source=BASE
--config.transfer.by_seed=False --config.data.name=file --config.data.path=pairs.jsonl. experiments.predict scores pairs, or
answers, of such a file.

Measured over 8 seeds (2026-11-30, 2 shared x86 cores), mean and 95 % interval: 4,000 pairs with 5 % noise 0.965 ± 0.006 (0.889
± 0.005 against noisy labels, of which 0.95 could be met), calibration error 0.078 ± 0.008: it is less sure than it might be.
500 pairs with 5 % noise 0.793 ± 0.011, and it is too sure (error 0.120 ± 0.006); 4,000 pairs with 30 % noise 0.858 ± 0.025,
error 0.036 ± 0.011.
"""

from ml_collections import ConfigDict

from configs import assistant_base, base
from configs.grid import Sweep, axis, product, union, zipped


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "reward_model"
    config.task = base.section(base.REWARD_MODEL, pooling="likelihood")
    config.model = assistant_base.model()
    config.data = base.conversations(context_size=assistant_base.CONTEXT, batch_size=32)
    config.data.pairs_about = "all"
    config.transfer.source = "checkpoints/assistant_sft"
    config.transfer.by_seed = True
    config.transfer.load = (("score_head/*", "new"), ("*", "load"))
    config.optimizer.name = "adamw"
    config.hparams.learning_rate = 3e-3
    config.hparams.weight_decay = 0.01
    config.hparams.clip_norm = 1.0
    config.hparams.centring = 0.01
    config.schedule.name = "cosine"
    config.schedule.warmup_steps = 20
    config.schedule.final_factor = 0.05
    config.train.steps = 400
    config.train.eval_every = 50
    config.train.log_every = 10
    config.train.chunk_steps = 50
    config.train.evaluate_train = False
    config.table = ("test_accuracy", "validation_accuracy", "calibration_error", "test_loss")
    config.figures = ("learning_curves", "calibration")
    return config


def get_sweep(config: ConfigDict) -> Sweep:
    if config.data.path is not None:  # pairs of one's own are as many, and as right, as they are
        return axis("seed", range(config.num_seeds))
    settings = union(
        zipped({"label": ("4000 pairs, 5 % noise",), "data.pairs": (4000,), "data.label_noise": (0.05,)}),
        zipped({"label": ("500 pairs, 5 % noise",), "data.pairs": (500,), "data.label_noise": (0.05,)}),
        zipped({"label": ("4000 pairs, 30 % noise",), "data.pairs": (4000,), "data.label_noise": (0.3,)}),
    )
    return product(settings, axis("seed", range(config.num_seeds)))
