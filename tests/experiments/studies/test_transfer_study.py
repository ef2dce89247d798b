"""F071-F077: the four cases as populations, one program each; C12's rows as the report reads them."""

import functools
import tempfile
from pathlib import Path

import numpy as np
import pytest

from configs import transfer as transfer_config
from experiments import studies
from experiments.execution.study import run_study
from experiments.figures import FIGURES
from experiments.report.claims import TABLES
from experiments.run_directory import results
from experiments.studies import transfer
from nn_core.evidence.claims import choose_setting
from tests.experiments.studies.runs import counting_programs

REDUCED = {
    "examples": 480,
    "channels": (2,),
    "hidden_sizes": (3,),
    "sizes": (8, 24),
    "validation": 16,
    "test": 40,
    "pretrain_steps": 10,
    "steps": 20,
    "batch_size": 4,
    "learning_rates": (1e-3, 3e-3),
}


def reduced_config(**changes):
    config = transfer_config.get_config()
    config.num_seeds = 3
    with config.unlocked():
        config.task.update(REDUCED | changes)
    return config


@functools.cache
def reduced():
    """(the outcome, the programs that were made)."""
    with tempfile.TemporaryDirectory() as folder:
        return counting_programs(lambda: run_study(transfer.STUDY, reduced_config(), Path(folder)))


@pytest.mark.slow
def test_every_case_is_one_program_over_rates_sizes_sources_and_seeds():
    _, programs = reduced()
    assert len(programs) == 2 + 4  # two pre-trainings, four cases
    assert [program._cache_size() for program in programs] == [1] * 6


def test_every_setting_has_a_row_for_every_seed():
    rows = reduced()[0].rows
    settings = {(row["label"], row["seed"]) for row in rows}
    assert len(settings) == len(rows) == 2 * 2 * 4 * 2 * 3
    assert {"8 similar: case 1, new head on the frozen network | rate 0.001"} <= {label for label, _ in settings}
    assert all(np.isfinite(row["test_accuracy"]) and row["updates"] in (*range(0, 21, 2), np.inf) for row in rows)


def values(label, column="validation_loss"):
    return [row[column] for row in reduced()[0].rows if row["label"].startswith(label)]


def test_a_random_start_is_the_same_whatever_the_source_and_the_others_differ():
    assert values("8 similar: case 4") == values("8 different: case 4")
    for case in (1, 2, 3):
        assert values(f"8 similar: case {case}") != values(f"8 different: case {case}")


def test_the_claim_finds_its_settings():
    run = results.Results(None, {}, reduced()[0].rows, [], {})
    rows = [dict(row) | {"setting": row["label"]} for row in run.rows]
    claim = next(claim for claim in TABLES.claims if claim.id == "C12")
    for part in claim.parts:
        for side in (part.a, part.b):
            pattern = side.setting.replace("50 ", "8 ", 1).replace("1000 ", "24 ", 1)
            assert choose_setting(rows, pattern)


def test_the_figure_names_its_axes_and_cases(tmp_path):
    config = reduced_config()
    outcome = reduced()[0]
    run = results.Results(
        tmp_path, {"task": config.task.to_dict(), "table": config.table}, outcome.rows, [], outcome.arrays
    )
    figure = FIGURES["transfer"](run)
    assert len(figure.axes) == 4
    assert figure.axes[2].get_xlabel() == "update" and "accuracy" in figure.axes[0].get_ylabel()
    assert [text.get_text()[:6] for text in figure.legends[0].get_texts()] == ["case 1", "case 2", "case 3", "case 4"]


def test_the_first_blocks_of_a_network():
    network = transfer.Network((8, 16, 32), (64, 32))
    assert network.blocks == ("conv_0", "conv_1", "conv_2", "dense_0", "dense_1", "dense_2")
    assert network.first(2) == transfer.Network((8, 16), ()) and network.first(2).blocks == (
        "conv_0",
        "conv_1",
        "dense_0",
    )
    assert network.first(5) == network


def test_the_halves_share_shapes_and_textures_but_no_class():
    config = transfer_config.get_config()
    old, new = set(config.task.old_classes), set(config.task.new_classes)
    assert not old & new and old | new == set(range(16))
    for half in (old, new):
        assert {number // 4 for number in half} == {number % 4 for number in half} == set(range(4))


def test_digits_are_enlarged_to_the_size_of_the_shapes():
    similar, different, new = transfer.domains(reduced_config().task)
    assert similar["inputs"].shape[1:] == different["inputs"].shape[1:] == new["inputs"].shape[1:] == (16, 16, 1)
    np.testing.assert_array_equal(different["inputs"][:, ::2, ::2], different["inputs"][:, 1::2, 1::2])
    assert len(similar["targets"]) + len(new["targets"]) == REDUCED["examples"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sizes": (8, 2000)}, "exceed the 2.. examples there are"),
        ({"new_classes": (1, 1)}, "must hold different class ids from 0 to 15"),
        ({"early": 4}, "early=4 must keep at least 1 and at most 2"),
        ({"steps": 25}, "config.task.steps=25 must be a multiple of 10"),
        ({"sizes": (8.5,)}, "whole numbers"),
        ({"noise": -0.1}, "config.task.noise=-0.1 is outside"),
    ],
)
def test_settings_that_do_not_fit_are_told(changes, message):
    with pytest.raises(ValueError, match=message):
        studies.check(reduced_config(**changes))


def test_updates_until_an_accuracy():
    curves = np.array([[0.2, 0.8, 0.9], [0.1, 0.1, 0.1]])
    assert transfer.updates_to(curves, 0.8, np.array([0, 10, 20])).tolist() == [10, np.inf]
    assert curves[1, 2] == 0.1
