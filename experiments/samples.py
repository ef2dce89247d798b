"""Samples of a language model while it trains: samples/STEP.txt in the run directory."""

from collections.abc import Callable
from pathlib import Path

import jax
from ml_collections import ConfigDict

from experiments.build_language import make_run_decoder
from experiments.texts import encode_prompt
from nn_core.generation.decode import completions, generate
from nn_core.generation.filters import Sampling
from nn_core.text.interface import Tokenizer
from nn_core.training.population import member
from nn_core.training.state import TrainState

FOLDER = "samples"


def make_sampler(config: ConfigDict, folder: Path, tokenizer: Tokenizer | None) -> Callable[[int, TrainState], None]:
    """(step, state) -> writes a sample of the first member's current parameters; nothing where none is asked for.

    The same compiled loop serves every sample, and a resumed run writes the same files.
    """
    if not config.train.sample_every or tokenizer is None:
        return lambda step, state: None
    decoder = make_run_decoder(config, tokenizer.vocabulary_size)
    prompt = config.sample.prompt
    sampling = Sampling(temperature=config.sample.temperature)

    def sample(step: int, state: TrainState) -> None:
        key = jax.random.fold_in(jax.random.key(config.seed), step)
        made = generate(
            decoder,
            member(state.params, 0),
            [encode_prompt(tokenizer, prompt)],
            key=key,
            sampling=sampling,
            max_new_tokens=config.sample.max_new_tokens,
        )
        (folder / FOLDER).mkdir(exist_ok=True)
        text = prompt + tokenizer.decode(completions(made)[0])
        (folder / FOLDER / f"{step:06d}.txt").write_text(text, encoding="utf-8")

    return sample
