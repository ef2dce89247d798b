"""An iteration of TRL's `GRPOTrainer`, the peer of the benchmark; TRL has no PPO since its version 1.

The same work as ours: answers to prompts in groups, a reward model and a reference that score them, epochs of minibatches
with the clipped objective, Adam, gradients clipped by their global norm. Answers have all of their tokens.
"""

import logging
import tempfile
import time
from collections.abc import Callable

import datasets
import numpy as np
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers
from trl import GRPOConfig, GRPOTrainer

from experiments.benchmark.torch_gpt import Size, transformers_gpt
from experiments.benchmark.torch_ppo import Work

END, PAD = "[END]", "[PAD]"


class Clock(transformers.TrainerCallback):
    """Remembers when each update ended."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_step_end(self, *arguments: object, **more: object) -> None:
        self.ends.append(time.perf_counter())


def words(vocabulary: int) -> transformers.PreTrainedTokenizerFast:
    """A tokenizer of as many words."""
    names = [END, PAD, *(f"w{number}" for number in range(vocabulary - 2))]
    tokenizer = Tokenizer(models.WordLevel({name: index for index, name in enumerate(names)}, unk_token=END))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, pad_token=PAD)


def settings_of(work: Work, group: int, folder: str, steps: int) -> GRPOConfig:
    """So many updates of the work, with nothing saved or logged."""
    return GRPOConfig(
        output_dir=folder,
        use_cpu=True,
        bf16=False,
        per_device_train_batch_size=work.rows // work.minibatches,
        steps_per_generation=work.minibatches,
        num_iterations=work.epochs,
        num_generations=group,
        max_completion_length=work.new_tokens,
        generation_kwargs={"min_new_tokens": work.new_tokens},
        beta=0.05,
        learning_rate=1e-5,
        max_grad_norm=1.0,
        gradient_checkpointing=False,
        max_steps=steps,
        report_to=[],
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
    )


def iterations(size: Size, work: Work, group: int) -> Callable[[int], list[float]]:
    """A function that makes some iterations after one that is not counted, and returns the seconds of each.

    Args:
        size: of the three networks.
        work: of an iteration.
        group: answers to each prompt.
    """
    tokenizer = words(size.vocabulary)
    tokenizer.padding_side = "left"
    drawn = np.random.default_rng(0).integers(0, size.vocabulary - 2, (work.rows // group, work.prompt_tokens))
    prompts = [" ".join(f"w{number}" for number in row) for row in drawn.tolist()]
    policy = transformers_gpt(size)
    policy.config.eos_token_id = policy.generation_config.eos_token_id = tokenizer.eos_token_id
    of_judge = policy.config.to_dict() | {"num_labels": 1, "pad_token_id": tokenizer.pad_token_id}
    judge = transformers.GPT2ForSequenceClassification(transformers.GPT2Config(**of_judge))
    updates = work.epochs * work.minibatches

    def run(count: int) -> list[float]:
        with tempfile.TemporaryDirectory() as folder:
            policy.save_pretrained(folder)  # the trainer reads its reference from there
            clock, steps = Clock(), updates * (count + 1)
            trainer = GRPOTrainer(
                folder,
                reward_funcs=judge,
                args=settings_of(work, group, folder, steps),
                train_dataset=datasets.Dataset.from_dict({"prompt": prompts * steps}),
                processing_class=tokenizer,
                reward_processing_classes=tokenizer,
                callbacks=[clock],
            )
            logging.getLogger("transformers").setLevel(logging.ERROR)
            trainer.train()
        return np.diff(clock.ends[updates - 1 :: updates]).tolist()

    return run
