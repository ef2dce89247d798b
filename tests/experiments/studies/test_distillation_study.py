"""F147: teachers and students of one seed share their examples; all students are one program."""

import functools

import numpy as np
import pytest

from configs import distillation as distillation_config
from experiments import studies
from experiments.figures import FIGURES
from experiments.run_directory import results
from experiments.studies import distillation
from tests.experiments.studies.runs import counting_programs

REDUCED = {"teacher_sizes": (16,), "student_sizes": (3,), "steps": 30, "temperatures": (1.0, 4.0)}
SMALL = {"train_examples": 60, "validation_examples": 40, "test_examples": 90, "batch_size": 13}


def reduced_config(**changes):
    config = distillation_config.get_config()
    config.num_seeds = 3
    config.task.update(REDUCED | SMALL | changes)
    return config


@functools.cache
def reduced():
    return counting_programs(lambda: distillation.run(reduced_config()))


def test_teachers_are_one_program_and_all_students_another():
    assert [program._cache_size() for program in reduced()[1]] == [1, 1]


def test_every_setting_has_a_row_for_every_seed():
    rows = reduced()[0].rows
    labels = list(dict.fromkeys(row["label"] for row in rows))
    assert labels[:3] == ["teacher", "student alone", "taught: T 1, α 0.5"]
    assert len(rows) == len(labels) * 3 == (2 + 4) * 3
    assert all(np.isfinite(row["test_loss"]) for row in rows)


def test_soft_targets_change_the_student():
    by_label = {(row["label"], row["seed"]): row["test_loss"] for row in reduced()[0].rows}
    for seed in range(3):
        assert len({loss for (_, other), loss in by_label.items() if other == seed}) == 6


def test_the_figure_shows_teacher_student_and_shares(tmp_path):
    config = reduced_config()
    run = results.Results(tmp_path, {"task": config.task.to_dict()}, reduced()[0].rows, [], {})
    figure = FIGURES["distillation"](run)
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["teacher", "student alone", "taught, α = 0.5", "taught, α = 1"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_examples": 1700}, "exceed the 1797 examples"),
        ({"batch_size": 61}, "batch_size=61 must be between 1 and the 60"),
        ({"temperatures": (0.0,)}, "config.task.temperatures=\\(0.0,\\) must hold numbers in \\(0, inf\\)"),
        ({"alphas": (1.5,)}, "must hold numbers in \\[0, 1\\]"),
    ],
)
def test_settings_that_do_not_fit_are_told(changes, message):
    with pytest.raises(ValueError, match=message):
        studies.check(reduced_config(**changes))
