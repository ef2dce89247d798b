"""Pipelines that read a text from both sides: words, classes, vectors of tokens."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from experiments.building.prompts import lacking_characters
from experiments.pipelines.calls import text_of
from experiments.pipelines.models import Model, in_batches, note
from experiments.pipelines.records import Ask
from nn_core.models.transformer.fine_tuned import NOTHING, FineTuned
from nn_core.pretrained.folder_tokenizer import Fed, FolderTokenizer, part
from nn_core.pretrained.tensor_files import PretrainedError


class Reading(NamedTuple):
    """What is fed to a model that reads texts.

    Attributes:
        longest: tokens.
        pad_id: behind the end of a text.
        with_segments: whether it tells the first text from the second.
    """

    longest: int
    pad_id: int
    with_segments: bool


def reading_of(model: Model) -> Reading:
    """Of an encoder with a head, or of a network that was fine-tuned here."""
    if isinstance(model.module, FineTuned):
        return Reading(model.settings["max_tokens"], NOTHING, False)
    encoder = model.module.encoder
    return Reading(encoder.context_size, encoder.pad_id, encoder.num_segments > 1)


def reader(model: Model, method: str | None = None) -> Any:
    """(texts as fed) -> what the model says of each."""
    module, reading = model.module, reading_of(model)

    @jax.jit
    def apply(params: Any, ids: Any, segments: Any) -> Any:
        given = (ids, segments) if reading.with_segments else (ids,)
        if method == "hidden":
            own = isinstance(module, FineTuned)
            return module.apply({"params": params}, *given, method="hidden" if own else _encoded)
        return module.apply({"params": params}, *given)

    def read(fed: Sequence[Fed]) -> list[Any]:
        rows, segments = [one.ids for one in fed], [one.segments for one in fed]
        return in_batches(
            rows, segments, reading.pad_id, lambda ids, kinds: apply(model.params, ids, kinds), longest=reading.longest
        )

    return read


def _encoded(module: Any, *given: Any) -> Any:
    """Hidden states, by the encoder below a head."""
    return module.encoder(*given)


def feed(model: Model, value: Any, truncation: bool = False, most: int | None = None, only_first: bool = False) -> Fed:
    """A text, or {"text": …, "text_pair": …}, as the model reads it: `most` tokens, or as many as it can.

    Raises:
        ValueError: no text, or a longer one without truncation.
    """
    text, pair = _pair(value)
    if lacking_characters(model.the_tokenizer(), text + (pair or ""), special=True):
        note(f"{model.place}: texts have characters outside the vocabulary, which are left out")
    fed = model.the_tokenizer().feed(text, pair)
    longest = min(reading_of(model).longest, len(fed.ids) if most is None else most)
    if len(fed.ids) > longest and not truncation:
        raise ValueError(f"a text has {len(fed.ids)} tokens and the model reads {longest}; use --truncation")
    return fed if len(fed.ids) <= longest else cut(fed, longest, only_first)


def cut(fed: Fed, longest: int, only_first: bool = False) -> Fed:
    """So many tokens, as transformers cuts: from the end of the longer text, then of both alike; special ones are kept.

    Args:
        fed: of more tokens.
        longest: that are kept.
        only_first: the second text is kept whole.
    Raises:
        ValueError: there is room for special tokens, or for the second text, only.
    """
    first, second = ([i for i, source in enumerate(fed.texts) if source == number] for number in (0, 1))
    room = longest - (len(fed.ids) - len(first) - len(second))
    if room < 1 or (only_first and room <= len(second)):
        raise ValueError(f"the model reads {longest} tokens, which leaves no room for a text; give a shorter one")
    short, long = sorted((first, second), key=len)
    if only_first or not second:
        first = first[: room - len(second)]
    elif 2 * len(short) <= room:
        del long[room - len(short) :]
    else:
        del short[room // 2 :], long[room // 2 + room % 2 :]
    kept = {*first, *second}
    return part(fed, [i for i, source in enumerate(fed.texts) if source is None or i in kept])


def _pair(value: Any) -> tuple[str, str | None]:
    pair = value.get("text_pair") if isinstance(value, Mapping) else None
    if pair is not None and not isinstance(pair, str):
        raise ValueError(f'{str(value)[:60]!r} is no pair of texts; give {{"text": …, "text_pair": …}}')
    return text_of(value), pair


def at_least_one(options: Mapping[str, Any], *names: str) -> None:
    """Raises ValueError where a count that is given is below 1."""
    for name in names:
        if options[name] is not None and options[name] < 1:
            raise ValueError(f"{name}={options[name]} must be a whole number >= 1; raise it, or leave it out")


def named(value: Any) -> list[str]:
    """A list of texts, or one text with commas between them, as a list."""
    given = (value or "").split(",") if isinstance(value, str | None) else value
    return [text.strip() for text in given if text.strip()]


def softmax(logits: np.ndarray) -> np.ndarray:
    """Over the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """1 / (1 + e^-x)."""
    return 1 / (1 + np.exp(-logits))


def fill_mask(model: Model, options: Mapping[str, Any]) -> Ask:
    """The words that may stand in the place of the mask: [{score, token, token_str, sequence}], best first."""
    tokenizer = model.the_tokenizer()
    mask = tokenizer.special_id("mask_token")
    if mask is None:
        raise PretrainedError(f"{model.place}: its tokenizer has no mask token")
    at_least_one(options, "top_k")
    read, targets = reader(model), [_target(tokenizer, text) for text in named(options["targets"])]

    def words(fed: Fed, logits_TV: np.ndarray) -> Any:
        places = [i for i, token in enumerate(fed.ids) if token == mask]
        found = []
        for place in places:
            shares = softmax(logits_TV[place])
            best = np.argsort(-shares, kind="stable")
            best = best[np.isin(best, targets)] if targets else best
            best = best[: options["top_k"]]
            found.append([_word(fed, place, int(token), float(shares[token]), len(places) == 1) for token in best])
        return found[0] if len(found) == 1 else found

    def _word(fed: Fed, place: int, token: int, score: float, alone: bool) -> dict[str, Any]:
        ids = [token if i == place else one for i, one in enumerate(fed.ids)]
        return {
            "score": score,
            "token": token,
            "token_str": tokenizer.decode([token], skip_special=False),
            "sequence": tokenizer.decode(ids, skip_special=alone),
        }

    def ask(inputs: Sequence[Any]) -> list[Any]:
        fed = [feed(model, value, options["truncation"]) for value in inputs]
        for value, one in zip(inputs, fed, strict=True):
            if mask not in one.ids:
                raise ValueError(
                    f"no {tokenizer.special['mask_token']} in {str(value)[:60]!r}; write it where a word is missing"
                )
        logits = [one[0] if isinstance(one, tuple) else one for one in read(fed)]
        return [words(one, scores) for one, scores in zip(fed, logits, strict=True)]

    return ask


def _target(tokenizer: FolderTokenizer, text: str) -> int:
    """The token that a word is."""
    found = tokenizer.backend.token_to_id(text)
    ids = tokenizer.encode(text) if found is None else [found]
    if len(ids) != 1:
        raise ValueError(
            f"the target {text!r} is {len(ids)} tokens, and a mask stands for one; give words of one token"
        )
    if found is None and int(ids[0]) == tokenizer.special_id("unk_token"):
        raise ValueError(f"the target {text!r} is not in the vocabulary; give words that the model knows")
    return int(ids[0])


def class_shares(model: Model, logits: np.ndarray, function: str | None) -> np.ndarray:
    """Scores of the classes, as the model was trained: softmax, sigmoids where several may hold, numbers as they are."""
    problem = model.settings.get("problem_type")
    several = problem == "multi_label_classification" or logits.shape[-1] == 1
    usual = "none" if problem == "regression" else "sigmoid" if several else "softmax"
    function = (function or usual).lower()
    if function not in ("softmax", "sigmoid", "none"):
        raise ValueError(f"function_to_apply={function!r} is unknown; use softmax, sigmoid or none")
    return {"softmax": softmax, "sigmoid": sigmoid, "none": lambda x: x}[function](logits)


def text_classification(model: Model, options: Mapping[str, Any]) -> Ask:
    """[{label, score}] of a text or a pair, best first: top_k of them, else the best one."""
    read, top_k = reader(model), options["top_k"]
    at_least_one(options, "top_k")

    def ask(inputs: Sequence[Any]) -> list[Any]:
        found = []
        for logits in read([feed(model, value, options["truncation"]) for value in inputs]):
            scores = class_shares(model, logits, options["function_to_apply"])
            order = np.argsort(-scores, kind="stable")
            rows = [{"label": model.labels[i], "score": float(scores[i])} for i in order]
            found.append(rows[: 1 if top_k is None else top_k])
        return found

    return ask


def zero_shot(model: Model, options: Mapping[str, Any]) -> Ask:
    """{sequence, labels, scores}: which of some labels a text entails, by a model of entailment."""
    labels = named(options["candidate_labels"])
    lower = [label.lower() for label in model.labels]
    yes = next((i for i, label in enumerate(lower) if label.startswith("entail")), None)
    if yes is None:
        raise PretrainedError(f"{model.place} has no class of entailment among {', '.join(model.labels)}")
    no = next((i for i, label in enumerate(lower) if label.startswith("contradict")), 1 - yes if len(lower) == 2 else 0)
    template = options["hypothesis_template"]
    if "{}" not in template:
        raise ValueError(f"hypothesis_template={template!r} has no {{}}, where a label stands; write one")
    read = reader(model)

    def ask(inputs: Sequence[Any]) -> list[Any]:
        if not labels:
            raise ValueError("candidate_labels is empty; give labels with commas between them, or a list")
        texts = [text_of(value) for value in inputs]
        pairs = [{"text": text, "text_pair": template.replace("{}", label)} for text in texts for label in labels]
        logits = np.stack(read([feed(model, pair, options["truncation"], only_first=True) for pair in pairs]))
        logits = logits.reshape(len(inputs), len(labels), -1)
        if options["multi_label"] or len(labels) == 1:
            scores = softmax(logits[..., [no, yes]])[..., 1]
        else:
            scores = softmax(logits[..., yes])
        found = []
        for text, row in zip(texts, scores, strict=True):
            order = np.argsort(-row, kind="stable")
            ranked = {"labels": [labels[i] for i in order], "scores": [float(row[i]) for i in order]}
            found.append({"sequence": text, **ranked})
        return found

    return ask


def features(model: Model, options: Mapping[str, Any]) -> Ask:
    """Hidden states of each token, as transformers gives them: [1][T][D]."""
    read = reader(model, "hidden")

    def ask(inputs: Sequence[Any]) -> list[Any]:
        fed = [feed(model, value, options["truncation"]) for value in inputs]
        return [[hidden[: len(one.ids)].tolist()] for one, hidden in zip(fed, read(fed), strict=True)]

    return ask
