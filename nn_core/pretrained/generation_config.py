"""generation_config.json: how a folder's model is meant to write (F186-F197)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from nn_core.pretrained.folder import CONFIG, read_json
from nn_core.pretrained.tensor_files import PretrainedError

GENERATION = "generation_config.json"
# What steers a draw, and what steers a search; values that do nothing are left out.
DRAWING = ("temperature", "top_k", "top_p", "min_p")
WHOLE = ("top_k", "num_beams", "max_new_tokens", "max_length")
NEVER = "never"  # early_stopping as a word: a search that goes on until nothing can become better
_NOTHING: dict[str, Any] = {"temperature": 1.0, "top_p": 1.0, "top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0}
# Rules that change texts and are not computed here, with the value that does nothing: `passed_over` names those that a
# folder sets.
_UNKNOWN: dict[str, Any] = {
    **dict.fromkeys(("no_repeat_ngram_size", "encoder_no_repeat_ngram_size", "min_length", "min_new_tokens"), 0),
    **dict.fromkeys(("diversity_penalty", "penalty_alpha", "epsilon_cutoff", "eta_cutoff"), 0),
    **dict.fromkeys(("num_beam_groups", "guidance_scale", "typical_p", "encoder_repetition_penalty"), 1),
    **dict.fromkeys(("bad_words_ids", "suppress_tokens", "begin_suppress_tokens", "stop_strings"), []),
    **dict.fromkeys(("forced_bos_token_id", "forced_eos_token_id", "sequence_bias")),
    "exponential_decay_length_penalty": None,
}


class Writing(NamedTuple):
    """A folder's way of writing.

    Attributes:
        options: of DRAWING, repetition_penalty, num_beams, length_penalty, early_stopping, max_new_tokens, max_length.
        draws: do_sample.
        end_ids: tokens that end a text.
        pad_id: what fills it up; None: not said.
        start_id: what an encoder-decoder's text begins with; None: not said.
        passed_over: rules of the file that are not computed.
    """

    options: dict[str, Any]
    draws: bool
    end_ids: tuple[int, ...]
    pad_id: int | None
    start_id: int | None
    passed_over: tuple[str, ...]


def read_writing(folder: Path, config: Mapping[str, Any], task: str = "") -> Writing:
    """What config.json says for a task, as in the T5s and GPT-2s of the hub, else generation_config.json, else config.json.

    Args:
        folder: of the model.
        config: its config.json.
        task: of a pipeline, such as "summarization".
    Raises:
        PretrainedError: ids that are none, values that are not numbers.
    """
    path = folder / GENERATION
    given = read_json(path) if path.is_file() else {}
    if own := of_task(config, task):
        path, given = folder / CONFIG, {**given, **own}
    both = {**{name: value for name, value in config.items() if name.endswith("_token_id")}, **_set(given)}
    options: dict[str, Any] = {}
    for name in (*_NOTHING, "num_beams", "length_penalty", "early_stopping", "max_new_tokens", "max_length"):
        value = given.get(name)
        if value is None or value == _NOTHING.get(name) or (name == "num_beams" and value == 1):
            continue
        if name == "early_stopping" and value == NEVER:
            continue
        options[name] = _checked(path, name, value)
    odd = tuple(name for name, nothing in _UNKNOWN.items() if given.get(name) not in (None, nothing))
    odd += ("early_stopping",) if given.get("early_stopping") == NEVER else ()
    ends = both.get("eos_token_id")
    return Writing(
        options=options,
        draws=bool(given.get("do_sample", False)),
        end_ids=tuple(_ids(path, "eos_token_id", ends if isinstance(ends, list) else [ends])),
        pad_id=next(iter(_ids(path, "pad_token_id", [both.get("pad_token_id")])), None),
        start_id=next(iter(_ids(path, "decoder_start_token_id", [both.get("decoder_start_token_id")])), None),
        passed_over=odd,
    )


def of_task(config: Mapping[str, Any], task: str) -> Mapping[str, Any]:
    """What a config.json says for a task; {} where it says nothing."""
    tasks = config.get("task_specific_params")
    own = tasks.get(task) if isinstance(tasks, Mapping) else None
    return own if isinstance(own, Mapping) else {}


def _checked(path: Path, name: str, value: Any) -> Any:
    """A number in its range, whole where it counts; true or false for early_stopping."""
    if name == "early_stopping":
        good = isinstance(value, bool)
    else:
        good = isinstance(value, (int, float)) and not isinstance(value, bool)
        good = good and value > (-100 if name == "length_penalty" else -1) and value < 2**31
        good = good and (name not in WHOLE or value == int(value))
    if not good:
        wanted = "true or false" if name == "early_stopping" else "a whole number" if name in WHOLE else "a number"
        raise PretrainedError(f"{path} has {name}={str(value)[:40]!r}, which is not {wanted} in its range; correct it")
    return int(value) if name in WHOLE else value


def _set(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _ids(path: Path, name: str, values: Sequence[Any]) -> list[int]:
    found = [value for value in values if value is not None]
    for value in found:
        if type(value) is not int or not 0 <= value < 2**31:
            raise PretrainedError(f"{path} has {name}={str(value)[:40]!r}; it must be an id, or a list of ids")
    return found
