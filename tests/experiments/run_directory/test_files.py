"""What a run directory says of itself comes back equal, and another config is told apart key by key."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ml_collections import ConfigDict

from configs.base import experiment
from experiments.run_directory import files

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=10,
)
CONFIG = {"name": "a", "seed": 1, "hparams": {"learning_rate": 0.1, "l2": None}, "model": {"hidden_sizes": (3, 4)}}


def deep_types(value: object) -> object:
    if isinstance(value, dict):
        return {key: deep_types(inner) for key, inner in value.items()}
    return [deep_types(inner) for inner in value] if isinstance(value, tuple) else (type(value), repr(value))


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(max_size=4), VALUES, max_size=4))
def test_a_config_comes_back_equal_in_value_and_type(config: dict) -> None:
    back = files.decode(json.loads(json.dumps(files.encode(config), allow_nan=False)))
    assert back == config
    assert deep_types(back) == deep_types(config)  # 1 and 1.0 and True, () and None


def test_the_base_config_comes_back_as_a_config(tmp_path: Path) -> None:
    config = experiment()
    files.write_config(tmp_path, config.to_dict(), overrides={"seed": "3"}, sweep=({"seed": 1}, {"seed": 2}))
    content = files.read_config(tmp_path)
    assert content["config"] == config.to_dict()
    assert ConfigDict(content["config"]).model.hidden_sizes == (32,)
    assert content["overrides"] == {"seed": "3"} and content["sweep"] == ({"seed": 1}, {"seed": 2})
    assert content["environment"]["versions"]["jax"] and content["environment"]["devices"]["count"] >= 1


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": {"b": [1]}}, "config.a.b is of type list; a config holds"),
        ({"a": float("nan")}, "config.a=nan is not a finite number"),
        ({"a": (1, float("inf"))}, r"config.a\[1\]=inf is not a finite number"),
        ({"a": np.float64(1)}, "config.a is of type float64"),
        ({"a": {1: 2}}, "config.a has the key 1; keys must be strings"),
        ({"a": print}, "of type builtin_function_or_method"),
    ],
)
def test_what_would_not_come_back_equal_is_refused(value: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        files.encode(value)


def test_a_missing_config_is_none_and_a_damaged_one_an_error(tmp_path: Path) -> None:
    assert files.read_config(tmp_path) is None
    files.write_config(tmp_path, CONFIG)
    raw = (tmp_path / "config.json").read_bytes()
    for bad in (b"", raw[:-20], b"\xff" + raw, b"[]", b'{"format": 2, "config": {}}', b"[" * 100_000):
        (tmp_path / "config.json").write_bytes(bad)
        with pytest.raises(ValueError, match="config.json is damaged or of another version"):
            files.read_config(tmp_path)


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    files.write_json(tmp_path / "file.json", {"a": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "file.json", {"a": float("nan")})
    assert json.loads((tmp_path / "file.json").read_text()) == {"a": 1}


def test_the_status_survives_and_a_damaged_one_is_unknown(tmp_path: Path) -> None:
    assert files.read_status(tmp_path) == {"status": "unknown"}
    files.write_status(tmp_path, "finished", step=10)
    assert files.read_status(tmp_path) == {"status": "finished", "step": 10}
    for bad in (b"", b"[]", b'{"status": 3}', b"\xff"):
        (tmp_path / "status.json").write_bytes(bad)
        assert files.read_status(tmp_path) == {"status": "unknown"}


def test_a_log_that_is_cut_and_continued_equals_one_that_never_was(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    rows = [{"member": 0, "step": step, "loss": None if step == 3 else 1 / step} for step in range(1, 9)]
    files.append_rows(whole, rows)
    files.append_rows(cut, rows[:4])
    size = cut.stat().st_size
    files.append_rows(cut, rows[4:6])
    with cut.open("ab") as file:
        file.write(b'{"member": 0, "st')  # killed inside a write
    assert files.cut_metrics(cut, size) is None
    files.append_rows(cut, rows[4:])
    assert cut.read_bytes() == whole.read_bytes()


def test_a_log_starts_empty_and_lost_rows_are_told(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    assert files.cut_metrics(path, 0) is None and path.read_bytes() == b""
    files.append_rows(path, [{"step": 1}])
    assert files.cut_metrics(path, 0) is None and path.read_bytes() == b""
    files.append_rows(path, [{"step": 1}])
    note = files.cut_metrics(path, 112)
    assert "has lost 100 bytes from before the checkpoint" in note and path.stat().st_size == 12


def changed(**changes: object) -> files.Changes:
    return files.compare(CONFIG, CONFIG | changes)


def test_structure_values_and_names_are_told_apart() -> None:
    assert changed() == ({}, {})
    assert changed(name="b", label="x", figures=(), checkpoint={"resume": "auto"}) == ({}, {})
    assert changed(seed=2) == ({}, {"seed": (1, 2)})
    assert changed(hparams={"learning_rate": 0.2, "l2": None}) == ({}, {"hparams.learning_rate": (0.1, 0.2)})
    # Presence is structure: an hparam that is unset is not in the program.
    assert changed(hparams={"learning_rate": 0.1, "l2": 0.0}) == ({"hparams.l2": (None, 0.0)}, {})
    assert changed(model={"hidden_sizes": (3, 4.0)}).structure == {"model.hidden_sizes": ((3, 4), (3, 4.0))}
    assert changed(model={}).structure.keys() == {"model.hidden_sizes"}
    assert changed(model={"hidden_sizes": (3, 4), "new": True}).structure.keys() == {"model.new"}


def test_the_refusal_lists_every_key_and_the_way_out(tmp_path: Path) -> None:
    changes = changed(model={"width": 8}, seed=2)
    text = files.refusal(tmp_path, changes.structure | changes.values)
    assert text == (
        f"{tmp_path} holds a run with another config (model.hidden_sizes (3, 4) -> absent; model.width absent -> 8; "
        "seed 1 -> 2); choose another --workdir, or begin again with --config.checkpoint.resume=fresh"
    )
    text = files.refusal(tmp_path, {"data.digest": ("0" * 64, "1" * 64), "data.train": (5, 6)})
    assert "holds a run with other data (data.digest 000000000000… -> 111111111111…; data.train 5 -> 6)" in text


def test_the_commit_is_a_hash_and_none_outside_of_a_checkout(tmp_path: Path) -> None:
    commit = files.commit(Path(__file__).parent)
    assert commit is None or len(commit.removesuffix("-dirty")) == 40
    assert files.commit(tmp_path) is None
    assert files.installed("no-such-package") is None


def test_a_file_that_resume_fresh_would_forget_cannot_be_written(tmp_path: Path) -> None:
    assert files.entry(tmp_path, "images.npz") == tmp_path / "images.npz"
    with pytest.raises(KeyError, match="resume=fresh would leave it"):
        files.entry(tmp_path, "new.npz")


def test_a_stage_names_the_runs_beside_it_wherever_its_chain_is(tmp_path: Path) -> None:
    chain, stage = tmp_path / "chain", tmp_path / "chain" / "ppo"
    stage.mkdir(parents=True)
    config = {"transfer": {"source": str(chain / "sft"), "load": (("*", "load"),)}, "data": {"path": str(tmp_path)}}
    files.write_config(chain, {"name": "chain"})
    files.write_config(stage, config, overrides={"transfer.source": str(chain / "sft")})
    assert str(chain) not in (stage / files.CONFIG).read_text(encoding="utf-8").replace("\\\\", "\\")
    chain.rename(tmp_path / "moved")
    held = files.read_config(tmp_path / "moved" / "ppo")
    assert held is not None and held["overrides"] == {"transfer.source": str(tmp_path / "moved" / "sft")}
    assert held["config"] == config | {"transfer": config["transfer"] | {"source": str(tmp_path / "moved" / "sft")}}
