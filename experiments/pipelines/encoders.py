"""Pipelines that read a text from both sides: words, classes, entities, vectors."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from experiments.pipelines.models import Model, in_batches
from experiments.pipelines.records import Ask
from nn_core.models.transformer.fine_tuned import NOTHING, FineTuned
from nn_core.pretrained.folder import read_json
from nn_core.pretrained.folder_tokenizer import Fed, part
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
            return module.apply({"params": params}, *given, method=lambda m, *inputs: m.encoder(*inputs))
        return module.apply({"params": params}, *given)

    def read(fed: Sequence[Fed]) -> list[Any]:
        for one in fed:
            if len(one.ids) > reading.longest:
                raise ValueError(
                    f"a text has {len(one.ids)} tokens and the model reads {reading.longest}; use --truncation"
                )
        rows, segments = [one.ids for one in fed], [one.segments for one in fed]
        return in_batches(
            rows, segments, reading.pad_id, lambda ids, kinds: apply(model.params, ids, kinds), longest=reading.longest
        )

    return read


def feed(model: Model, value: Any, truncation: bool = False) -> Fed:
    """A text, or {"text": …, "text_pair": …}, as the model reads it."""
    text, pair = (value, None) if isinstance(value, str) else _pair(value)
    fed = model.the_tokenizer().feed(text, pair)
    longest = reading_of(model).longest
    if truncation and len(fed.ids) > longest:
        # What stands behind the last text (such as [SEP]) is kept.
        tail = next((i for i, source in enumerate(reversed(fed.texts)) if source is not None), 0)
        keep = [*range(longest - tail), *range(len(fed.ids) - tail, len(fed.ids))]
        return part(fed, keep)
    return fed


def _pair(value: Any) -> tuple[str, str | None]:
    if not isinstance(value, Mapping) or "text" not in value:
        raise ValueError(f'{str(value)[:60]!r} is not a text; give a text, or {{"text": …, "text_pair": …}}')
    return value["text"], value.get("text_pair")


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
    read = reader(model)

    def words(fed: Fed, logits_TV: np.ndarray) -> Any:
        places = [i for i, token in enumerate(fed.ids) if token == mask]
        found = []
        for place in places:
            shares = softmax(logits_TV[place])
            best = np.argsort(-shares, kind="stable")[: options["top_k"]]
            found.append([_word(fed, place, int(token), float(shares[token]), len(places) == 1) for token in best])
        return found[0] if len(found) == 1 else found

    def _word(fed: Fed, place: int, token: int, score: float, alone: bool) -> dict[str, Any]:
        ids = [token if i == place else one for i, one in enumerate(fed.ids)]
        text = tokenizer.decode([token])
        return {
            "score": score,
            "token": token,
            "token_str": text,
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


def class_shares(model: Model, logits: np.ndarray, function: str | None) -> np.ndarray:
    """Scores of the classes, as the model was trained: softmax, or sigmoids where several may hold."""
    several = model.settings.get("problem_type") == "multi_label_classification" or logits.shape[-1] == 1
    function = function or ("sigmoid" if several else "softmax")
    if function not in ("softmax", "sigmoid", "none"):
        raise ValueError(f"function_to_apply={function!r} is unknown; use softmax, sigmoid or none")
    return {"softmax": softmax, "sigmoid": sigmoid, "none": lambda x: x}[function](logits)


def text_classification(model: Model, options: Mapping[str, Any]) -> Ask:
    """[{label, score}] of a text or a pair, best first: top_k of them, else the best one."""
    read, top_k = reader(model), options["top_k"]

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
    labels = [label.strip() for label in (options["candidate_labels"] or "").split(",") if label.strip()]
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
            raise ValueError("candidate_labels is empty; give labels with commas between them")
        pairs = [{"text": text, "text_pair": template.replace("{}", label)} for text in inputs for label in labels]
        logits = np.stack(read([feed(model, pair, options["truncation"]) for pair in pairs]))
        logits = logits.reshape(len(inputs), len(labels), -1)
        if options["multi_label"] or len(labels) == 1:
            scores = softmax(logits[..., [no, yes]])[..., 1]
        else:
            scores = softmax(logits[..., yes])
        found = []
        for text, row in zip(inputs, scores, strict=True):
            order = np.argsort(-row, kind="stable")
            named = {"labels": [labels[i] for i in order], "scores": [float(row[i]) for i in order]}
            found.append({"sequence": text, **named})
        return found

    return ask


def features(model: Model, options: Mapping[str, Any]) -> Ask:
    """Hidden states of each token, as transformers gives them: [1][T][D]."""
    read = reader(model, "hidden")

    def ask(inputs: Sequence[Any]) -> list[Any]:
        fed = [feed(model, value, options["truncation"]) for value in inputs]
        return [[hidden[: len(one.ids)].tolist()] for one, hidden in zip(fed, read(fed), strict=True)]

    return ask


def sentence_vectors(model: Model, inputs: Sequence[str], truncation: bool) -> np.ndarray:
    """A vector of each text, as the folder's modules.json says: the mean of its tokens (or the first), normalised or not."""
    pooling, normalise = "mean", True
    modules = model.place / "modules.json"
    if modules.is_file():
        pooling, normalise = _pooling(model, modules)
    read = reader(model, "hidden")
    fed = [feed(model, value, truncation) for value in inputs]
    hidden = [states[: len(one.ids)] for one, states in zip(fed, read(fed), strict=True)]
    vectors = np.stack([states[0] if pooling == "first" else states.mean(axis=0) for states in hidden])
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12) if normalise else vectors


def _pooling(model: Model, modules: Any) -> tuple[str, bool]:

    entries = json.loads(modules.read_text(encoding="utf-8"))
    kinds = {str(entry.get("type", "")).rsplit(".", 1)[-1]: entry.get("path", "") for entry in entries}
    pooling = "mean"
    if "Pooling" in kinds and "/" not in kinds["Pooling"] and ".." not in kinds["Pooling"]:
        said = read_json(model.place / kinds["Pooling"] / "config.json")
        if said.get("pooling_mode_cls_token"):
            pooling = "first"
        elif not said.get("pooling_mode_mean_tokens", True):
            raise PretrainedError(
                f"{modules} pools in a way that is not computed; only the mean and the first token are"
            )
    return pooling, "Normalize" in kinds


def sentence_similarity(model: Model, options: Mapping[str, Any]) -> Ask:
    """{"source_sentence": …, "sentences": […]} -> the cosine of each sentence with the source."""

    def ask(inputs: Sequence[Any]) -> list[Any]:
        found = []
        for value in inputs:
            if not isinstance(value, Mapping) or not {"source_sentence", "sentences"} <= value.keys():
                raise ValueError('sentence-similarity reads {"source_sentence": "…", "sentences": ["…", …]}')
            vectors = sentence_vectors(model, [value["source_sentence"], *value["sentences"]], options["truncation"])
            vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
            found.append((vectors[1:] @ vectors[0]).astype(float).tolist())
        return found

    return ask
