"""Supervised fine-tuning: from a model that continues questions to one that answers them (F169).

python -m experiments.run --config=configs/assistant_base.py
python -m experiments.run --config=configs/assistant_sft.py
python -m experiments.sample --checkpoint=checkpoints/assistant_sft --member=0 --chat --prompt="where does anna live ?"

The adapters of the sweep's second half (--member=8) talk, are exported and start other stages as well: they are merged
into their base, the run of config.transfer.source, which must stay where it is.

From a Hugging Face folder: --sweep=false --config.transfer.source=FOLDER --config.model.name=pretrained; every stage takes
one. With a chat template (Qwen, Llama, SmolLM, …) conversations are written by it, and the run keeps it. They are your own:
--config.data.name=file --config.data.path=own.jsonl, with lines {"prompt": "…", "response": "…"} or {"messages": […]}, a
system message included. A stage that goes on from such a run is given --config.model.name=pretrained as well.

Right answers in all tones (polite, rude, plain; with and without an end) to the questions about 63 of the 96 facts are
learned; the loss counts the answers' tokens only. 24 facts that no answer told judge it: `test_exact` is the share of their
48 questions that greedy decoding answers with the true value and no other. figures/side_by_side.png shows both models.

Measured over 8 seeds (2026-11-30, 2 shared x86 cores), mean and 95 % interval: held-out questions answered exactly 0.927 ±
0.025, before fine-tuning 0 or 1 of 48; trained questions 1.000 ± 0; test loss 0.3185 ± 0.0047 nats a token of the answers. LoRA of
rank 8 forgets less: 0.997 ± 0.006 of the held-out questions, at a test loss of 0.4753 ± 0.0028.
"""

from ml_collections import ConfigDict

from configs import assistant_base, base
from configs.grid import Sweep, axis, product, union

FROZEN = (("norm_out/*", 1.0), ("*", 0.0))  # beside the adapters the last norm learns, a thousandth of the parameters


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "assistant_sft"
    config.task = base.section(base.ANSWERS)
    config.model = assistant_base.model()
    config.data = base.conversations(context_size=assistant_base.CONTEXT, batch_size=32)
    config.data.answers = 8
    config.transfer.source = "checkpoints/assistant_base"
    config.lora = base.lora(rank=8, targets=("*/attention/*/kernel", "*/feed_forward/*/kernel"))
    config.optimizer.name = "adamw"
    config.hparams.learning_rate = 3e-3
    config.hparams.weight_decay = 0.01
    config.hparams.beta2 = 0.99
    config.hparams.clip_norm = 1.0
    config.schedule.name = "cosine"
    config.schedule.warmup_steps = 20
    config.schedule.final_factor = 0.05
    config.train.steps = 300
    config.train.eval_every = 50
    config.train.log_every = 10
    config.train.chunk_steps = 50
    config.train.evaluate_train = False
    config.table = ("test_exact", "start_exact", "test_loss", "train_exact")
    config.figures = ("learning_curves", "side_by_side")
    return config


def get_sweep(config: ConfigDict) -> Sweep:
    # The full ones come first: stages that start "by seed" start from them.
    adapters = {"label": "LoRA, rank 8", "hparams.lora_alpha": 16.0, "transfer.train": FROZEN}
    return product(union([{"label": "full"}], [adapters]), axis("seed", range(config.num_seeds)))
