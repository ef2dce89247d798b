"""Builds the tasks that read a text and write another one: translation, and whatever a prefix asks for."""

import importlib.util
from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from ml_collections import ConfigDict

from experiments.building.corpus import Corpus
from experiments.building.kept_tokenizer import inherited
from experiments.building.own_pairs import load_pairs
from experiments.building.ranges import check_batch
from experiments.building.records import PRETRAINED, Registry, Sizes, Use, serving
from experiments.command_line.choices import choose
from nn_core.data.packing import Marks, PairRows, check_lengths, pack_pairs
from nn_core.data.sequence_sources import SEQUENCE
from nn_core.data.splits import SplitSizes
from nn_core.data.text_pairs import TEXT_PAIRS, TextPairs
from nn_core.data.text_tasks import TASKS
from nn_core.generation.decoder import Decoder
from nn_core.models.transformer.encoder_decoder import EncoderDecoder
from nn_core.models.transformer.translation import attention_maps
from nn_core.pretrained.folder_tokenizer import FolderTokenizer
from nn_core.tasks.base import Data, Hparams, Params, Task
from nn_core.tasks.describe import count_parameters
from nn_core.tasks.examples import View
from nn_core.tasks.sequence_records import decoded
from nn_core.tasks.supervised import MakeModel, Problem, make_supervised
from nn_core.text.interface import SPECIAL_TOKENS, Tokenizer
from nn_core.text.tokenizers import make_tokenizer

MEASURES = {"bleu": "BLEU", "chrf": "CHRF"}  # config.task.measures -> sacrebleu's name
SPLITS = ("train", "validation", "test")


def build(config: ConfigDict, registry: Registry, tokenizer: Tokenizer | None = None) -> tuple[Task, Data, Corpus]:
    """The task, its rows on the device, and the tokenizer with what judges the written texts.

    Args:
        config: of a run that writes a text for a text.
        registry: models and tasks by name.
        tokenizer: the one of a run that goes on; None: that of the run it starts from, or trained on the training pairs.
    Raises:
        ValueError: an unknown name, a pair that does not fit a row, batches that cannot be, a model that cannot read
            packed rows, a tokenizer without a mark that the data need, sacrebleu missing.
    """
    section = config.data
    choose(section.name, TEXT_PAIRS, "data.name")
    use = choose(config.model.name, serving(registry, SEQUENCE), "model.name")
    check_measures(config.task.measures)
    if config.model.name == PRETRAINED:
        use.make(config, Sizes(1, (1, 1)))  # whether the source is one is told before its tokens are judged
    pairs = load_pairs(section)
    tokenizer = inherited(config) if tokenizer is None else tokenizer
    tokenizer = train_tokenizer(section, pairs) if tokenizer is None else tokenizer
    rows = [make_rows(config, tokenizer, pairs, name) for name in SPLITS]
    sizes = SplitSizes(*(len(part.source_RS) for part in rows))
    check_batch(
        section.batch_size, sizes.train, "rows, into which the pairs are packed," if section.packed else "pairs"
    )
    source_RS, target_RT, answer_RT, *segments = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    make_model = use.make(config, sizes_of(config, tokenizer))
    inputs = (source_RS, target_RT, *segments) if section.packed else (source_RS, target_RT)
    if section.packed and not isinstance(make_model({}), EncoderDecoder):
        raise ValueError(
            f"config.data.packed=True needs model.name='encoder_decoder'; {config.model.name!r} reads one pair a row"
        )
    view = View(
        sizes, 0, section.batch_size, shuffle=False, standardize="none", evaluation_batch=section.evaluation_batch
    )
    head = registry.tasks[config.task.name].head
    example = tuple(array[0] for array in inputs)
    task = make_supervised(Problem(make_model, head, view, example, proximal=config.optimizer.proximal))
    corpus = Corpus(tokenizer, {}, figures={"padding": rows[0].padding}, judge=make_judge(config, tokenizer, pairs))
    describe = make_describe(config, make_model, use, tokenizer)
    return task._replace(describe=describe), {"inputs": inputs, "targets": answer_RT}, corpus


def train_tokenizer(section: ConfigDict, pairs: TextPairs) -> Tokenizer:
    """One tokenizer for both sides, from the training pairs alone; the marks of the data are special tokens."""
    options: dict[str, Any] = {} if section.vocabulary_size is None else {"vocabulary_size": section.vocabulary_size}
    special = (*SPECIAL_TOKENS, *pairs.marks)
    texts = pairs.texts or (*pairs.train[0], *pairs.train[1])
    return make_tokenizer(section.tokenizer, texts, special_tokens=special, **options)


def sizes_of(config: ConfigDict, tokenizer: Tokenizer) -> Sizes:
    """What tokenizer and rows decide about a model."""
    size, section = tokenizer.vocabulary_size, config.data
    context = max(section.source_size, section.target_size)
    return Sizes(size, (size, size), context_size=context, pad_id=marks_of(tokenizer).pad)


def marks_of(tokenizer: Tokenizer, more: Sequence[str] = ()) -> Marks:
    """Ids of padding, start and end; an answer of a Hugging Face folder without a start token begins with padding (T5).

    Raises:
        ValueError: a mark that the vocabulary does not hold.
    """
    if isinstance(tokenizer, FolderTokenizer):
        pad, end = tokenizer.special_id("pad_token"), tokenizer.special_id("eos_token")
        start = tokenizer.special_id("bos_token")
        if pad is None or end is None:
            raise ValueError("the vocabulary names no pad_token or no eos_token; tokenizer_config.json should")
        return Marks(pad, pad if start is None else start, end)
    needed = ("[PAD]", "[SOS]", "[EOS]", *more)
    missing = [mark for mark in needed if mark not in tokenizer.special_ids]
    if missing:
        raise ValueError(f"the vocabulary holds no {', '.join(missing)}; train a tokenizer with these special tokens")
    return Marks(*(tokenizer.special_ids[mark] for mark in needed[:3]))


def make_rows(config: ConfigDict, tokenizer: Tokenizer, pairs: TextPairs, split: str) -> PairRows:
    """The rows of a split; only training pairs are packed, so that the others are judged sentence by sentence."""
    section, chosen = config.data, pairs._asdict()[split]
    sources, targets = ([tokenizer.encode(text, allow_special=bool(pairs.marks)) for text in side] for side in chosen)
    lengths_N2 = np.array([(len(a) + 1, len(b) + 1) for a, b in zip(sources, targets, strict=True)])
    check_lengths(lengths_N2, (section.source_size, section.target_size), f"the {split} pairs")
    widths, marks = (section.source_size, section.target_size), marks_of(tokenizer, pairs.marks)
    return pack_pairs(sources, targets, widths, marks, packed=section.packed and split == "train")


def make_describe(config: ConfigDict, make_model: MakeModel, use: Use, tokenizer: Tokenizer) -> Any:
    """What the results tell beside losses: the size, what is written, where one sentence's words look."""
    task, marks = config.task, marks_of(tokenizer)

    def describe(params: Params, data: Data, hparams: Hparams, key: Array) -> dict[str, Array]:
        model: Any = make_model({name: hparams[name] for name in hparams if name != "dropout_rate"})
        found = {"parameters": count_parameters(params)}
        found |= decoded(
            use.make_decoder(model),
            params,
            data,
            num_examples=task.decoded,
            num_beams=task.num_beams,
            length_penalty=task.length_penalty,
            start_id=marks.start,
            end_id=marks.end,
            pad_id=marks.pad,
        )
        wanted_NU = data["targets"][data["test"][: task.decoded]]
        found["wanted"] = jnp.where(wanted_NU < 0, marks.pad, wanted_NU)
        if isinstance(model, EncoderDecoder) and model.attention != "linear":
            row = data["test"][:1]
            maps = attention_maps(model, params, data["inputs"][0][row], data["inputs"][1][row])
            found["cross_attention"] = jnp.mean(maps["cross"][-1, 0], axis=0)
            found["attended"] = data["inputs"][1][row][0]
        return found

    return describe


def make_run_writer(config: ConfigDict, tokenizer: Tokenizer, registry: Registry) -> tuple[Any, Decoder]:
    """The structure of a run's model, without its data, and what writes with it; dropout is off."""
    use = choose(config.model.name, serving(registry, SEQUENCE), "model.name")
    module = use.make(config, sizes_of(config, tokenizer))({})
    return module, use.make_decoder(module)


def check_measures(measures: Sequence[str]) -> None:
    """Raises ValueError for an unknown measure, or where the library that computes it is missing."""
    for name in measures:
        choose(name, MEASURES, "task.measures")
    if measures and importlib.util.find_spec("sacrebleu") is None:
        raise ValueError("config.task.measures needs sacrebleu; pip install 'nn_core[translation]', or use measures=()")


def make_judge(config: ConfigDict, tokenizer: Tokenizer, pairs: TextPairs) -> Any:
    """A row of results -> what is measured on the host: sacrebleu's measures of what was written, and each task's share
    of exact answers where a prefix says which task it is and one of them was asked."""
    sources, references = (side[: config.task.decoded] for side in pairs.test)
    if not config.task.measures and not pairs.prefixes:
        return None

    def judge(row: Mapping[str, Any]) -> dict[str, Any]:
        texts = {
            way: [tokenizer.decode(ids) for ids in np.asarray(row["decoded"])[:, place]]
            for place, way in ((1, "greedy"), (2, "beam"))
        }
        exact = [text == right for text, right in zip(texts["beam"], references, strict=True)]
        by_task = {
            prefix: [right for source, right in zip(sources, exact, strict=True) if source.startswith(f"{prefix}:")]
            for prefix in pairs.prefixes
        }
        found: dict[str, Any] = {f"{name}_exact": float(np.mean(each)) for name, each in by_task.items() if each}
        return found | (by_sacrebleu(config.task.measures, texts, references) if config.task.measures else {})

    return judge


def by_sacrebleu(measures: Sequence[str], texts: Mapping[str, list[str]], references: Sequence[str]) -> dict[str, Any]:
    """Each measure of each way to decode, and the measure's signature."""
    import sacrebleu

    found: dict[str, Any] = {}
    for name in measures:
        metric = sacrebleu.metrics.METRICS[MEASURES[name]]()
        for way, written in texts.items():
            found[f"{way}_{name}"] = metric.corpus_score(written, [list(references)]).score
        found[f"{name}_signature"] = str(metric.get_signature())
    return found


def judged(config: ConfigDict) -> list[str]:
    """Columns that a judge adds to a row of results."""
    prefixes = TASKS if "name" in config.data and config.data.name == "text_tasks" else ()
    measured = [f"{way}_{name}" for name in config.task.measures for way in ("greedy", "beam")]
    return measured + [f"{prefix}_exact" for prefix in prefixes]
