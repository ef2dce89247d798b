"""Runs of earlier versions: keys that were declared since then have their defaults, which is what was done before."""

from collections.abc import Iterable, Mapping
from typing import Any

from configs import base

MODELS = {
    keys["name"].default: keys
    for keys in (
        *(base.MLP, base.CNN, base.VIT, base.GPT),
        *(base.RECURRENT, base.ENCODER_DECODER, base.BAG, base.PRETRAINED),
    )
}
TASKS = {
    keys["name"].default: keys
    for keys in (
        *(base.CLASSIFICATION, base.LANGUAGE, base.SEQUENCE_CLASSIFICATION, base.TEXT_CLASSIFICATION),
        *(base.FORECASTING, base.TAGGING, base.TRANSLATION, base.TEXT_TO_TEXT),
        *(base.ANSWERS, base.REWARD_MODEL, base.DPO, base.PPO, base.GRPO),
    )
} | dict.fromkeys(("binary", "one_vs_rest", "regression"), base.CLASSIFICATION)
PARTS = {"augmentation": base.AUGMENTATION, "table": base.TABLE}  # of data that are examples


def completed(config: Mapping[str, Any]) -> dict[str, Any]:
    """A stored config with the keys that it lacks because they did not exist when it was written.

    Args:
        config: nested dicts with tuples; that of a study is returned as it is, its record declares its keys.
    Returns:
        A new dict. Sections that a config may lack (pruning, lora) are not added, nor models or tasks of one's own.
    """
    if "train" not in config:
        return dict(config)
    plain = base.experiment().to_dict()
    whole = {name: plain[name] for name in plain if name not in ("model", "task", "data")} | dict(config)
    for path, keys in base.SECTIONS.items():
        if path in whole and "." not in path:
            whole[path] = filled(whole[path], keys)
    for path, tables in (("model", MODELS), ("task", TASKS)):
        if path in whole:
            whole[path] = filled(whole[path], tables.get(whole[path]["name"], {}))
    if "data" in whole:
        keys = data_keys(whole["data"])
        if keys is base.SEQUENCES and whole.get("task", {}).get("name") == base.TEXT_CLASSIFICATION["name"].default:
            keys = base.LABELLED_TEXTS
        whole["data"] = filled(whole["data"], keys)
    return whole


def filled(section: Mapping[str, Any], keys: Mapping[str, base.Key]) -> dict[str, Any]:
    """A section with the defaults of the keys that it lacks."""
    values = dict(section)
    for name, key in keys.items():
        if key.default is dict:
            values[name] = filled(values.get(name, {}), PARTS.get(name, {}))
        elif name not in values:
            values[name] = None if isinstance(key.default, type) else key.default
    return values


def data_keys(section: Iterable[str]) -> Mapping[str, base.Key]:
    """The keys of the kind of data whose section has these names: of all that know them, the kind with the fewest others."""
    fitting = [keys for keys in base.DATA if set(section) <= set(keys)]
    return min(fitting, key=lambda keys: len(set(keys) - set(section)), default={})
