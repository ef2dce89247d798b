"""Vectors of sentences, as the modules of a sentence-transformers folder make them one after the other (F176)."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from experiments.pipelines.encoders import feed, reader
from experiments.pipelines.models import Model
from experiments.pipelines.records import Ask
from nn_core.activations import gelu, identity, relu, sigmoid, swish, tanh
from nn_core.pretrained.folder import read_json, tensors
from nn_core.pretrained.tensor_files import PretrainedError, read_into

MODULES, LENGTHS, PROMPTS = "modules.json", "sentence_bert_config.json", "config_sentence_transformers.json"
# Ways to pool, in the order in which several of them stand side by side.
POOLINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "cls_token": lambda states_TD: states_TD[0],
    "max_tokens": lambda states_TD: states_TD.max(axis=0),
    "mean_tokens": lambda states_TD: states_TD.mean(axis=0),
    "mean_sqrt_len_tokens": lambda states_TD: states_TD.sum(axis=0) / np.sqrt(len(states_TD)),
    "weightedmean_tokens": lambda states_TD: np.average(states_TD, axis=0, weights=np.arange(1, len(states_TD) + 1)),
    "lasttoken": lambda states_TD: states_TD[-1],
}
ACTIVATIONS = {
    **{"Identity": identity, "Tanh": tanh, "ReLU": relu},
    **{"GELU": gelu, "Sigmoid": sigmoid, "SiLU": swish},
}
Step = Callable[[np.ndarray], np.ndarray]  # vectors (N, D) -> vectors (N, D')


def sentence_vectors(model: Model, inputs: Sequence[str], truncation: bool) -> np.ndarray:
    """A vector of each text (N, D): the mean of its tokens, or what the folder's modules.json says."""
    modes: tuple[str, ...] = ("mean_tokens",)
    steps: list[Step] = []
    if (model.place / MODULES).is_file():
        modes, steps = read_modules(model.place)
    longest, prompt = _said(model.place)
    fed = [feed(model, prompt + value if isinstance(value, str) else value, truncation, longest) for value in inputs]
    found = reader(model, "hidden")(fed)
    hidden = [np.asarray(states[: len(one.ids)], np.float32) for one, states in zip(fed, found, strict=True)]
    vectors = np.stack([np.concatenate([POOLINGS[mode](states) for mode in modes]) for states in hidden])
    for step in steps:
        vectors = step(vectors)
    return vectors


def read_modules(folder: Path) -> tuple[tuple[str, ...], list[Step]]:
    """What modules.json says: ways to pool, and what is done to the pooled vectors.

    Raises:
        PretrainedError: no modules, or one that is not computed.
    """
    path = folder / MODULES
    try:
        entries = json.loads(path.read_bytes().decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise PretrainedError(f"{path} is not JSON ({str(error).splitlines()[0]}); download it again") from None
    if not isinstance(entries, list) or not all(_is_module(entry) for entry in entries):
        raise PretrainedError(f'{path} is not a list of modules {{"type": …, "path": …}}; download it again')
    kinds = [entry["type"].rsplit(".", 1)[-1] for entry in entries]
    if kinds[:2] != ["Transformer", "Pooling"]:
        raise PretrainedError(f"{path} has the modules {', '.join(kinds)}; the first two must be Transformer, Pooling")
    steps: list[Step] = []
    for kind, entry in zip(kinds[2:], entries[2:], strict=True):
        if kind == "Normalize":
            steps.append(normalised)
        elif kind == "Dense":
            steps.append(_dense(folder / entry["path"]))
        elif kind != "Dropout":
            raise PretrainedError(
                f"{path} has a module {kind!r}, which is not computed; Transformer, Pooling, Dense and Normalize are"
            )
    return _pooling(folder / entries[1]["path"] / "config.json"), steps


def _is_module(entry: Any) -> bool:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("type"), str):
        return False
    path = entry.get("path", "")
    return isinstance(path, str) and Path(path).name == path and path != ".." and "\\" not in path and "\0" not in path


def normalised(vectors_ND: np.ndarray) -> np.ndarray:
    """Vectors of length 1."""
    return vectors_ND / np.maximum(np.linalg.norm(vectors_ND, axis=1, keepdims=True), 1e-12)


def _pooling(path: Path) -> tuple[str, ...]:
    said = {name.removeprefix("pooling_mode_"): value for name, value in read_json(path).items()}
    asked = said | {"mean_tokens": said.get("mean_tokens", True)}
    unknown = [name for name, value in asked.items() if value is True and name.endswith(("_tokens", "_token"))]
    unknown = [name for name in unknown if name not in POOLINGS]
    modes = tuple(name for name in POOLINGS if asked.get(name))
    if "pooling_mode" in asked:
        name = asked["pooling_mode"]
        modes, unknown = tuple(one for one in POOLINGS if one in (name, f"{name}_token", f"{name}_tokens")), []
    if unknown or not modes or asked.get("include_prompt", True) is not True:
        raise PretrainedError(f"{path} pools in a way that is not computed; only {', '.join(POOLINGS)} are")
    return modes


def _dense(folder: Path) -> Step:
    """activation(W x + b)."""
    path = folder / "config.json"
    said, found = read_json(path), tensors(folder)
    name = str(said.get("activation_function", "Tanh")).rsplit(".", 1)[-1]
    if name not in ACTIVATIONS:
        raise PretrainedError(
            f"{path} has the activation {name!r}, which is not computed; only {', '.join(ACTIVATIONS)} are"
        )
    wanted = {"linear.weight", "linear.bias"} if said.get("bias", True) else {"linear.weight"}
    if found.keys() != wanted or len(found["linear.weight"].shape) != 2:
        raise PretrainedError(f"{folder} holds {', '.join(sorted(found))} instead of {', '.join(sorted(wanted))}")
    arrays = {name: np.empty(stored.shape, np.float32) for name, stored in found.items()}
    for key, stored in found.items():
        read_into(stored, arrays[key])
    weight_FD, bias_F = arrays["linear.weight"], arrays.get("linear.bias", np.float32(0))

    def step(vectors_ND: np.ndarray) -> np.ndarray:
        if vectors_ND.shape[1] != weight_FD.shape[1]:
            raise PretrainedError(
                f"{folder} reads vectors of {weight_FD.shape[1]}, and {vectors_ND.shape[1]} are pooled"
            )
        return np.asarray(ACTIVATIONS[name](jnp.asarray(vectors_ND @ weight_FD.T + bias_F)))

    return step


def _said(folder: Path) -> tuple[int | None, str]:
    """Most tokens of a text, and what is put before each."""
    lengths, prompts = (read_json(folder / name) if (folder / name).is_file() else {} for name in (LENGTHS, PROMPTS))
    longest, name = lengths.get("max_seq_length"), prompts.get("default_prompt_name")
    known = prompts.get("prompts") or {}
    if longest is not None and (type(longest) is not int or longest < 1):
        raise PretrainedError(f"{folder / LENGTHS} has max_seq_length={longest!r}; it must be a whole number >= 1")
    if name is not None and not (isinstance(known, Mapping) and isinstance(known.get(name), str)):
        raise PretrainedError(f"{folder / PROMPTS} has default_prompt_name={name!r}, which is none of its prompts")
    return longest, "" if name is None else known[name]


def sentence_similarity(model: Model, options: Mapping[str, Any]) -> Ask:
    """{"source_sentence": …, "sentences": […]} -> the cosine of each sentence with the source."""

    def ask(inputs: Sequence[Any]) -> list[Any]:
        found = []
        for value in inputs:
            good = isinstance(value, Mapping) and {"source_sentence", "sentences"} <= value.keys()
            if not good or not isinstance(value["sentences"], (list, tuple)):
                raise ValueError('sentence-similarity reads {"source_sentence": "…", "sentences": ["…", …]}')
            texts = [value["source_sentence"], *value["sentences"]]
            vectors = normalised(sentence_vectors(model, texts, options["truncation"]))
            found.append((vectors[1:] @ vectors[0]).astype(float).tolist())
        return found

    return ask
