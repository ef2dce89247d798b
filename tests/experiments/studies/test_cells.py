"""A study that was stopped between two cells goes on after the last one, and ends as if it had never stopped."""

import importlib

import numpy as np
import pytest

from experiments.execution.study import run_study
from experiments.studies import STUDIES
from experiments.studies.base import Cell, Outcome, Study, make_rows
from tests.experiments.studies.runs import REDUCED, hurried

NAMES = ("first: a", "second?", "third")


class Stopped(Exception):
    """What a test's cell raises."""


def counting(computed, stop_at=None):
    """A study of three cells that notes which of them it computes."""

    def compute(name):
        if name == stop_at:
            raise Stopped
        computed.append(name)
        return {"x": np.arange(3) + len(name), "deep": {"y": np.float32(len(name))}}

    def run(config):
        total = 0
        for name in NAMES:
            found = yield Cell(name, lambda name=name: compute(name))
            total += int(found["x"].sum() + found["deep"]["y"])
        return Outcome(make_rows("total", total=np.array([total])), {"total": np.array(total)})

    return Study(run, settings={}, columns=("total",), figures=())


def test_only_what_is_missing_is_computed(tmp_path):
    whole, computed = tmp_path / "whole", []
    whole.mkdir()
    expected = run_study(counting([]), None, whole).rows
    with pytest.raises(Stopped):
        run_study(counting(computed, stop_at="third"), None, tmp_path)
    assert computed == ["first: a", "second?"]
    assert run_study(counting(computed), None, tmp_path).rows == expected
    assert computed == list(NAMES)
    assert run_study(counting(computed), None, tmp_path).rows == expected and computed == list(NAMES)


@pytest.mark.parametrize("damage", [b"", b"PK\3\4 no archive", None])
def test_a_damaged_cell_and_one_of_another_name_are_computed_again(tmp_path, damage):
    computed = []
    run_study(counting(computed), None, tmp_path)
    first, second = (tmp_path / "cells" / f"{place:03d}.npz" for place in (0, 1))
    second.write_bytes(first.read_bytes() if damage is None else damage)
    run_study(counting(computed), None, tmp_path)
    assert computed == [*NAMES, "second?"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bert_quick", "families", "attention_variants"])
def test_a_stopped_study_ends_as_if_it_had_never_stopped(tmp_path, name):
    config, study = importlib.import_module(f"configs.{name}").get_config(), STUDIES[name]
    config.update_from_flattened_dict(REDUCED[name])

    def stopping(config):
        yield next(study.run(config))
        raise Stopped

    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    whole.mkdir()
    stopped.mkdir()
    with hurried():
        expected = run_study(study, config, whole)
        with pytest.raises(Stopped):
            run_study(study._replace(run=stopping), config, stopped)
        found = run_study(study, config, stopped)
    timed = {"milliseconds", "megabytes"}  # of attention_variants: a clock's numbers differ
    without = [[{k: v for k, v in row.items() if k not in timed} for row in one.rows] for one in (found, expected)]
    assert without[0] == without[1]
