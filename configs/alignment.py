"""From a base model to an assistant in one command: pre-training, fine-tuning, a reward model, PPO, GRPO and DPO (F168-F171).

python -m experiments.run --config=configs/alignment.py
python -m experiments.sample --checkpoint=checkpoints/alignment/ppo --member=8 --chat

Each stage is a run in a folder of its own that starts from the run of the one before (the whole may be moved); the page is figures/alignment.png,
and answers.txt holds the same questions as each stage answers them.

Measured over 12 seeds (report, 2026-11-30, one of 2 shared x86 cores, 27 minutes): held-out questions answered 0.943 ± 0.016,
before 0; pairs ordered rightly 0.965 ± 0.004; true reward 0.444 at the start, 0.796 PPO, 0.777 GRPO, 0.569 DPO, 1.120 the best
of 16 answers. The claims C22 and F170 are supported; of F171 PPO and GRPO are, DPO's gain of 0.125 ± 0.052 is not beyond 0.1
after the correction; F171b holds for GRPO and is not seen for PPO. The whole command with
its 4 seeds took 6 min 32 s with nothing compiled before (2026-11-30, other jobs beside it at low priority); with 8 it was not
timed.
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    config = ConfigDict()
    config.name = "alignment"
    config.seed = 0  # of the base model; the other stages have the seeds from 0 on
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
