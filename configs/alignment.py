"""From a base model to an assistant in one command: pre-training, fine-tuning, a reward model, PPO, GRPO and DPO (F168-F171).

python -m experiments.run --config=configs/alignment.py
python -m experiments.sample --checkpoint=checkpoints/alignment/ppo --member=8 --chat

Each stage is a run in a folder of its own that starts from the run of the one before (the whole may be moved); the page is figures/alignment.png,
and answers.txt holds the same questions as each stage answers them.

Measured stage by stage over 8 seeds (2026-11-29, 2 x86 cores under a load of 15, docstrings of the stages): held-out questions
answered 0.924, before 0.021; pairs ordered rightly 0.963; true reward 0.418 at the start, 0.790 PPO, 0.776 GRPO, 0.552 DPO, 1.079
the best of 16 answers. CPU time of 8 seeds with compilation: PPO at one beta 84 s, GRPO 70 s, DPO 87 s. The whole command with
its 4 seeds took 6 min 32 s with nothing compiled before (2026-11-30, other jobs beside it at low priority); with 8 it was not
timed.
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    config = ConfigDict()
    config.name = "alignment"
    config.seed = 0
    config.num_seeds = 4  # of every stage but the base model, which is one, >= 1
    config.task = ConfigDict(
        {
            "name": "chain",
            "stages": (  # each (config, config key = stage whose run directory it names, …)
                ("assistant_base",),
                ("assistant_sft", "transfer.source=assistant_base"),
                ("reward_model", "transfer.source=assistant_sft"),
                ("ppo", "transfer.source=assistant_sft", "task.reward_model=reward_model"),
                ("grpo", "transfer.source=assistant_sft", "task.reward_model=reward_model"),
                ("dpo", "transfer.source=assistant_sft"),
            ),
            "changes": (),  # "STAGE.key=value" of single stages
        }
    )
    config.checkpoint = ConfigDict({"resume": "auto"})  # auto: continue where it was left; fresh: run all again; never
    config.table = ("test_exact", "start_exact", "test_accuracy", "true_reward", "win_rate", "kl", "length", "right")
    config.figures = ("alignment",)
    return config
