"""Samples that a run writes while it trains, of text or of answers: samples/STEP.txt in the run directory."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.typing import ArrayLike
from ml_collections import ConfigDict

from experiments.building.experiment import Experiment
from experiments.building.language import make_run_decoder
from experiments.building.prompts import encode_prompt
from experiments.building.records import Registry
from experiments.building.sequences import make_run_translator
from experiments.building.text_to_text import make_run_writer, marks_of
from experiments.caching.traced_programs import Kept, digest_of
from experiments.command_line import processes
from experiments.run_directory.files import entry
from nn_core.data.sequence_sources import SEQUENCE
from nn_core.data.sequences import END_ID, START_ID, spell
from nn_core.generation.decode import Generation, completions, generate
from nn_core.generation.decoder import Decoder
from nn_core.generation.filters import Sampling
from nn_core.tasks.base import Data
from nn_core.text.interface import Tokenizer
from nn_core.text.interface import continuation as continued
from nn_core.training.manifest import to_host
from nn_core.training.population import member
from nn_core.training.state import TrainState, run_keys

FOLDER = "samples"
NUM_SOURCES = 20  # sources of the validation split in a translator's sample
Write = Callable[[int, Any], str]


def make_sampler(
    config: ConfigDict, folder: Path, experiment: Experiment, keep: Path | None = None
) -> Callable[[int, TrainState], Callable[[], None]]:
    """(step, state) -> what writes a sample from the first member's parameters at that step, if the config wants samples.

    The same compiled loop serves every sample, and a resumed run writes the same files.

    Args:
        config: says what to sample, and how often.
        folder: where the samples go.
        experiment: the run.
        keep: where the program is kept for the next start; None: nowhere.
    """
    if not config.train.sample_every:
        return nothing
    if experiment.registry.tasks[config.task.name].form == SEQUENCE:
        write = answers(config, experiment)
    elif experiment.corpus is not None:
        write = continuation(config, experiment.registry, experiment.corpus.tokenizer, keep)
    else:
        return nothing

    def sample(step: int, state: TrainState) -> Callable[[], None]:
        params = first_member(state.params) if processes.alone() else jax.tree.map(on_host, state.params)

        def write_it() -> None:
            if not processes.leads():
                return
            entry(folder, FOLDER).mkdir(exist_ok=True)
            text = write(step, params)
            (folder / FOLDER / f"{step:06d}.txt").write_text(text, encoding="utf-8", newline="\n")

        return write_it

    return sample


def nothing(step: int, state: TrainState) -> Callable[[], None]:
    """The sample of a run that writes none."""
    del step, state
    return lambda: None


def on_host(leaf_P: jax.Array) -> np.ndarray:
    """The first member's array, gathered from all processes."""
    return to_host(leaf_P)[0]


@jax.jit
def first_member(tree: Any) -> Any:
    """The first member's part of a population's tree, taken by one program for all leaves."""
    return member(tree, 0)


def answers(config: ConfigDict, experiment: Experiment) -> Write:
    """(step, params) -> sources and the translator's answers, line by line."""
    data = experiment.data

    @jax.jit
    def prepared(data: Data, seed: ArrayLike) -> Data:
        return experiment.task.prepare(data, run_keys(jax.random.key(seed)).split)

    rows_N = np.asarray(prepared(data, np.uint32(config.seed))["validation"])[:NUM_SOURCES]
    source_NS, targets_NU = np.asarray(data["inputs"][0])[rows_N], np.asarray(data["targets"])[rows_N]
    speech = speech_of(config, experiment)
    asked = [[speech.start]] * len(rows_N)

    def write(step: int, params: Any) -> str:
        ids = generate(
            speech.decoder, (params, source_NS), asked, max_new_tokens=targets_NU.shape[1], eos_id=speech.end
        )
        texts = (map(speech.spell, each) for each in (source_NS, completions(ids), targets_NU))
        return "".join(
            f"{source}{speech.between}{made}" + ("\n" if made == right else f"  (right: {right})\n")
            for source, made, right in zip(*texts, strict=True)
        )

    return write


class Speech(NamedTuple):
    """How the sources and answers of a run are written.

    Attributes:
        decoder: what generates.
        start, end: ids that an answer begins and ends with.
        spell: ids, below 0 at padding, -> text.
        between: stands between a source and its answer.
    """

    decoder: Decoder
    start: int
    end: int
    spell: Callable[[Any], str]
    between: str


def speech_of(config: ConfigDict, experiment: Experiment) -> Speech:
    """The run's own tokenizer where it has one; else digits."""
    if experiment.corpus is None:
        return Speech(make_run_translator(config, experiment.registry)[1], START_ID, END_ID, spell, " = ")
    tokenizer = experiment.corpus.tokenizer
    marks = marks_of(tokenizer)
    decoder = make_run_writer(config, tokenizer, experiment.registry)[1]
    return Speech(decoder, marks.start, marks.end, lambda ids: tokenizer.decode([i for i in ids if i >= 0]), "\n    ")


def continuation(config: ConfigDict, registry: Registry, tokenizer: Tokenizer, keep: Path | None) -> Write:
    """(step, params) -> the run's prompt and its continuation, by one program that includes key and prompt."""
    decoder = make_run_decoder(config, tokenizer.vocabulary_size, registry)
    prompt = config.sample.prompt
    ids = encode_prompt(tokenizer, prompt)
    sampling = Sampling(temperature=config.sample.temperature)

    def sample(params: Any, seed: ArrayLike, step: ArrayLike) -> dict[str, jax.Array]:
        key = jax.random.fold_in(jax.random.key(seed), step)
        count = config.sample.max_new_tokens
        return generate(decoder, params, [ids], key=key, sampling=sampling, max_new_tokens=count)._asdict()

    program: Callable | None = None  # made at the first sample, when the shapes are known

    def write(step: int, params: Any) -> str:
        arguments = params, np.uint32(config.seed), np.uint32(step)
        nonlocal program
        if program is None:
            name = f"sample_{digest_of(repr((ids, tokenizer.vocabulary_size)).encode())[:12]}"
            program = jax.jit(sample) if keep is None else Kept(sample, arguments, keep / name)
        return prompt + continued(tokenizer, ids, completions(Generation(**program(*arguments)))[0])

    return write
