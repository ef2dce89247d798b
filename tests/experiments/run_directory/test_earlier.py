"""Runs of earlier versions lack the keys that were declared since then."""

import copy
import json
from pathlib import Path

import pytest

from experiments.building.ranges import keys_of
from experiments.building.registry import REGISTRY
from experiments.command_line.arguments import CONFIGS, HELPERS, OPTIONS, parse
from experiments.run_directory import files
from experiments.run_directory.earlier import MODELS, TASKS, completed

NAMES = sorted(path.stem for path in CONFIGS.glob("*.py") if path.stem not in HELPERS)


def test_every_model_and_task_is_known() -> None:
    assert {name: model.keys for name, model in REGISTRY.models.items()} == MODELS
    assert {name: task.keys for name, task in REGISTRY.tasks.items()} == TASKS


@pytest.mark.parametrize("name", NAMES)
def test_a_config_that_lacks_a_key_at_its_default_is_completed_to_itself(name: str) -> None:
    words = parse([f"--config={name}"], OPTIONS).config
    config = files.decode(files.encode(words.to_dict()))
    assert not any(files.compare(config, completed(config)))
    for path, key in keys_of(words, REGISTRY).items() if "train" in config else ():
        section, _, last = path.rpartition(".")
        if "." in section or last == "name" or section not in config or config[section].get(last) != key.default:
            continue
        if section == "model" and last not in MODELS.get(config["model"]["name"], {}):
            continue  # of another model, to which members of the sweep switch
        older = copy.deepcopy(config)
        del older[section][last]
        assert completed(older)[section][last] == key.default, path


def test_a_run_of_before_is_read_with_the_defaults_of_today(tmp_path: Path) -> None:
    config = parse(["--config=gpt_quick"], OPTIONS).config.to_dict()
    files.write_config(tmp_path, config)
    path = tmp_path / "config.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    for section in ("mesh", "log", "search"):
        del content["config"][section]
    for section, key in (("model", "remat"), ("data", "field"), ("train", "max_skips"), ("hparams", "l2")):
        del content["config"][section][key]
    path.write_text(json.dumps(content), encoding="utf-8", newline="\n")
    held = files.read_config(tmp_path)
    assert held is not None and not any(files.compare(held["config"], files.decode(files.encode(config))))
    assert held["config"]["model"]["remat"] is False and held["config"]["mesh"]["fsdp"] == 1
