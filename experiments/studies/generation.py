"""Decoding strategies compared on the same prompts (F197)."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from configs import base
from experiments.building.backbones import load_whole
from experiments.building.corpus import load_corpus
from experiments.building.language import family_of, make_language_module, make_run_decoder
from experiments.building.own_code import registry_of_run
from experiments.building.registry import REGISTRY
from experiments.command_line.output import say
from experiments.run_directory.results import Row
from experiments.run_directory.stored_run import Stored
from experiments.studies.base import Outcome, Study, seeds_of
from experiments.trained import language_model
from experiments.trained.language_model import LanguageModel
from experiments.training import plan
from experiments.training.loop import Cadence, Hooks, train
from nn_core.data.checks import check_choice, check_int
from nn_core.data.text import TEXTS
from nn_core.generation.beam import beam_search
from nn_core.generation.decode import generate
from nn_core.generation.filters import Sampling
from nn_core.generation.measures import distinct_n, mean_log_probability, repetition_rate, self_bleu
from nn_core.generation.options import check_options
from nn_core.text.interface import continuation
from nn_core.training.manifest import CheckpointError
from nn_core.training.population import member, place
from nn_core.training.state import selected_params

REFERENCE = "the text itself"
MAX_COUNT = 100_000


class Written(NamedTuple):
    """Continuations of all prompts: new ids (B, N) and their log-probabilities under the model (B, N)."""

    ids_BN: np.ndarray
    log_probs_BN: np.ndarray


Strategy = Callable[[LanguageModel, list[list[int]], jax.Array, int], Written]


def draw(sampling: Sampling, model: LanguageModel, prompts: list[list[int]], keys_B: jax.Array, new: int) -> Written:
    """Draws every token."""
    made = generate(model.decoder, model.params, prompts, key=keys_B, sampling=sampling, max_new_tokens=new)
    return Written(np.asarray(made.ids_BN)[:, :new], np.asarray(made.log_probs_BN)[:, :new])


def take_best(
    sampling: Sampling, model: LanguageModel, prompts: list[list[int]], keys_B: jax.Array, new: int
) -> Written:
    """Takes the most probable token each time; the keys are not used."""
    made = generate(model.decoder, model.params, prompts, sampling=sampling, max_new_tokens=new)
    return Written(np.asarray(made.ids_BN)[:, :new], np.asarray(made.log_probs_BN)[:, :new])


def search(beams: int, model: LanguageModel, prompts: list[list[int]], keys_B: jax.Array, new: int) -> Written:
    """The best text of a beam search; its log-probability is spread evenly over its tokens."""
    found = beam_search(model.decoder, model.params, prompts, num_beams=beams, max_new_tokens=new)
    means_B1 = np.asarray(found.log_probs_PK)[:, :1] / new
    return Written(np.asarray(found.ids_PKN)[:, 0, :new], np.repeat(means_B1, new, axis=1))


def strategies(task: ConfigDict) -> dict[str, Strategy]:
    """The compared strategies, by label."""
    table: dict[str, Strategy] = {"greedy": partial(take_best, Sampling())}
    table |= {f"beam search {beams}": partial(search, beams) for beams in task.num_beams}
    table |= {
        f"greedy, penalty {penalty:g}": partial(take_best, Sampling(repetition_penalty=penalty))
        for penalty in task.repetition_penalties
    }
    table |= {f"top-k {k}": partial(draw, Sampling(top_k=k)) for k in task.top_k}
    table |= {f"top-p {p:g}": partial(draw, Sampling(top_p=p)) for p in task.top_p}
    table |= {f"temperature {t:g}": partial(draw, Sampling(temperature=t)) for t in task.temperatures}
    return table | {"multinomial": partial(draw, Sampling())}


def check(config: ConfigDict) -> None:
    """Raises ValueError for numbers out of range, a checkpoint that cannot be read, a text that is too short."""
    task = config.task
    check_int("config.task.train_steps", task.train_steps, 1, MAX_COUNT)
    check_int("config.task.texts", task.texts, 2, 1000)
    check_int("config.task.prompt_tokens", task.prompt_tokens, 1, 10_000)
    check_int("config.task.new_tokens", task.new_tokens, 8, 10_000)
    for name, values in (("temperature", task.temperatures), ("top_k", task.top_k), ("top_p", task.top_p)):
        for value in values:
            check_options(**{name: value})
    for penalty in task.repetition_penalties:
        check_options(repetition_penalty=penalty)
    for beams in task.num_beams:
        check_int("config.task.num_beams", beams, 2, 4096)
    if any(not value > 0 for value in task.temperatures):
        raise ValueError(f"config.task.temperatures={task.temperatures} must be > 0; greedy decoding is there anyway")
    check_choice("config.task.text", task.text, tuple(TEXTS))
    try:
        ids_N = (
            restore_model(task.checkpoint)[1] if task.checkpoint else small_group(task).experiment.data["validation"]
        )
    except CheckpointError as error:
        raise ValueError(str(error)) from None
    cut_prompts(ids_N, task, seeds_of(config))


def run(config: ConfigDict) -> Outcome:
    """All strategies continue the same prompts; each seed has its own."""
    task, seeds = config.task, seeds_of(config)
    model, ids_N = restore_model(task.checkpoint) if task.checkpoint else train_model(task)
    prompts, truth_BN = cut_prompts(ids_N, task, seeds)
    keys_B = jnp.concatenate(
        [jax.vmap(jax.random.fold_in, (None, 0))(jax.random.key(seed), jnp.arange(task.texts)) for seed in seeds]
    )
    written = {label: strategy(model, prompts, keys_B, task.new_tokens) for label, strategy in strategies(task).items()}
    written[REFERENCE] = Written(truth_BN, reference_log_probs(model, prompts, truth_BN))
    rows: list[Row] = []
    samples = []
    for label, (ids_BN, log_probs_BN) in written.items():
        texts = [continuation(model.tokenizer, ids, new_N) for ids, new_N in zip(prompts, ids_BN, strict=True)]
        samples.append(model.tokenizer.decode(prompts[0]) + "|" + texts[0])
        for index, seed in enumerate(seeds):
            part = slice(index * task.texts, (index + 1) * task.texts)
            cost = {} if label == REFERENCE else {"evaluations": cost_of(label)}
            rows.append({"label": label, "seed": seed} | measure(texts[part], log_probs_BN[part]) | cost)
    return Outcome(rows, {"labels": np.array(list(written)), "samples": np.array(samples)})


def cost_of(label: str) -> int:
    """Rows that the network reads for each token: a beam search reads all its hypotheses.

    >>> cost_of("beam search 4"), cost_of("top-k 10")
    (4, 1)
    """
    return int(label.rsplit(" ", 1)[1]) if label.startswith("beam search") else 1


def measure(texts: list[str], log_probs_BN: np.ndarray) -> dict[str, float]:
    """The measures of some texts; n-grams are of words, so models of characters and of pieces are comparable."""
    words = [text.split() for text in texts]
    lengths_B = np.full(len(texts), log_probs_BN.shape[1])
    return {
        "log_probability": mean_log_probability(log_probs_BN, lengths_B),
        "repetition": repetition_rate(words, 2),
        "distinct_1": distinct_n(words, 1),
        "distinct_2": distinct_n(words, 2),
        "self_bleu": self_bleu(words),
    }


def cut_prompts(ids_N: np.ndarray, task: ConfigDict, seeds: range) -> tuple[list[list[int]], np.ndarray]:
    """Pieces of the validation text: prompts and their true continuations, the same for every strategy.

    Raises:
        ValueError: the text is too short.
    """
    length = task.prompt_tokens + task.new_tokens
    last = len(ids_N) - length
    if last < task.texts:
        raise ValueError(
            f"the validation text has {len(ids_N)} tokens, too few for {task.texts} pieces of {length}; "
            "lower config.task.new_tokens or texts"
        )
    starts = np.concatenate([np.random.default_rng(seed).integers(0, last + 1, task.texts) for seed in seeds])
    pieces_BL = np.asarray(ids_N)[starts[:, None] + np.arange(length)].astype(np.int32)
    return pieces_BL[:, : task.prompt_tokens].tolist(), pieces_BL[:, task.prompt_tokens :]


def reference_log_probs(model: LanguageModel, prompts: list[list[int]], truth_BN: np.ndarray) -> np.ndarray:
    """log p of each true token, (B, N), read in windows that overlap by half, as in generation past the window."""
    ids_BL = np.concatenate([np.asarray(prompts, np.int32), truth_BN], axis=1)
    window = min(model.stored.config.data.context_size, ids_BL.shape[1] - 1)
    losses = family_of(model.stored.config, registry_of_run(model.stored.held)).token_losses
    read = jax.jit(lambda params, ids_BT, targets_BT: losses(model.module, params, ids_BT, targets_BT, None))
    log_probs_BL = np.zeros(ids_BL.shape, np.float32)
    known, start = 1, 0
    while known < ids_BL.shape[1]:
        start = min(start, ids_BL.shape[1] - 1 - window)
        inputs_BT, targets_BT = ids_BL[:, start : start + window], ids_BL[:, start + 1 : start + 1 + window]
        found_BT = -np.asarray(read(model.params, inputs_BT, targets_BT))
        log_probs_BL[:, known : start + 1 + window] = found_BT[:, known - start - 1 :]
        known, start = start + 1 + window, start + max(window // 2, 1)
    return log_probs_BL[:, len(prompts[0]) :]


def restore_model(path: str) -> tuple[LanguageModel, np.ndarray]:
    """A trained model and the validation part of its text."""
    stored = load_whole(path)
    model = language_model.language_model(stored, registry_of_run(stored.held))
    corpus = load_corpus(model.stored.config.data, 1, model.tokenizer)
    return model, corpus.data["validation"]


def train_model(task: ConfigDict) -> tuple[LanguageModel, np.ndarray]:
    """A small GPT and the validation part of its text."""
    say(f"training a small model on {task.text!r} first, {task.train_steps} steps", sys.stderr)
    group = small_group(task)
    experiment, config = group.experiment, group.members[0].config
    program, mesh = group.traced.program, group.traced.mesh
    arrays = place(plan.parts(group, 1, 1)[0][1], mesh, by_member=True)
    data = place(experiment.data, mesh, by_member=False)
    cadence = Cadence(task.train_steps, task.train_steps, task.train_steps)
    state, _ = train(program, data, arrays, cadence, experiment.settings.chunk_steps, Hooks())
    params: Any = selected_params(member(state, 0))
    assert experiment.corpus is not None
    tokenizer = experiment.corpus.tokenizer
    stored = Stored(Path(), Path(), config, 0, task.train_steps, params, ())
    module = make_language_module(config, tokenizer.vocabulary_size, REGISTRY)({})
    decoder = make_run_decoder(config, tokenizer.vocabulary_size, REGISTRY)
    return LanguageModel(stored, tokenizer, module, params, decoder), experiment.data["validation"]


def small_group(task: ConfigDict) -> plan.Group:
    """The run of a GPT with 2 layers, 4 heads, width 96, context 64; built, not trained."""
    config = base.experiment()
    config.task = base.language()
    config.model = base.gpt(layers_num=2, heads_num=4, embedding_dim=96)
    config.model.use_bias = False
    config.data = base.text(task.text, context_size=64, batch_size=24)
    config.optimizer.name = "adamw"
    config.hparams.learning_rate = 3e-3
    config.hparams.weight_decay = 0.1
    config.schedule.name = "cosine"
    config.schedule.warmup_steps = min(50, task.train_steps - 1)
    config.schedule.final_factor = 0.1
    config.train.steps = config.train.eval_every = task.train_steps
    config.train.evaluate_train = False
    return plan.group(plan.expand(config, None))[0]


STUDY = Study(
    run,
    settings={
        "checkpoint": "",
        "text": "",
        "train_steps": "",
        "texts": "",
        "prompt_tokens": "",
        "new_tokens": "",
        "temperatures": "(0, inf)",
        "top_k": "",
        "top_p": "",
        "repetition_penalties": "",
        "num_beams": "[2, 4096]",
    },
    columns=("log_probability", "repetition", "distinct_1", "distinct_2", "self_bleu", "evaluations"),
    figures=("generation",),
    check=check,
)
