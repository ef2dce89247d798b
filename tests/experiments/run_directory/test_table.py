"""The table: settings by value, numbers as digits allow, and what is not there named."""

import math

import pytest

from experiments.run_directory.settings import Summary, at_the_edge, by_setting, choice, shown
from experiments.run_directory.table import make_table, remarks, show_cell, show_number, show_summary, verdicts
from nn_core.by_hand.diagnosis import OVERFITS, RIGHT, UNDERFITS, UNKNOWN


def rows(name: str, *values: float, column: str = "test_loss", **more: object) -> list[dict]:
    """A row for each seed."""
    return [{"label": name, "overrides": {}, "seed": i, column: v, **more} for i, v in enumerate(values)]


def test_settings_are_told_apart_by_value():
    betas = (0.999, 0.9999, 0.99999, 0.999999)
    found = by_setting([{"overrides": {"hparams.beta2": beta, "seed": s}, "seed": s} for beta in betas for s in (0, 1)])
    assert [len(members) for members in found.values()] == [2, 2, 2, 2]
    assert list(found)[-1] == "beta2=0.999999"


def test_members_of_one_label_that_differ_in_value_stay_apart():
    found = by_setting([{"label": "a", "overrides": {"hparams.l2": l2}} for l2 in (0.1, 0.2)])
    assert list(found) == ["a, l2=0.1", "a, l2=0.2"]


@pytest.mark.parametrize(
    ("summary", "text"),
    [
        ((1604326818750000.0, 942318971104637.0, 8), "(1.60 ± 0.94)e15"),
        ((27.0, 1e-6, 8), "27.0000000 ± 0.0000010"),
        ((10240.0, 0.0, 8), "10240 ± 0"),
        ((1280.0, 1e-9, 8), "1280 ± 0"),
        ((0.7643, 0.0251, 8), "0.764 ± 0.025"),
        ((207.4, 48.7, 8), "207 ± 49"),
        ((3e-7, 1e-8, 8), "(3.00 ± 0.10)e-7"),
        ((0.0, 0.02, 8), "0.000 ± 0.020"),
        ((0.25, math.nan, 1), "0.25"),
        ((math.nan, math.nan, 0), "–"),
    ],
)
def test_a_mean_and_its_interval_have_the_same_digits(summary, text):
    assert show_summary(Summary(*summary)) == text


def test_whole_numbers_are_written_out():
    assert [show_number(v) for v in (1280.0, 10240.0, 0.0, 2.5, 1.5e9)] == ["1280", "10240", "0", "2.5", "1.5e+09"]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((300.0, 300.0, math.inf), "300 ± 0 (1 never)"),
        ((math.inf, math.inf), "never"),
        ((math.nan, 300.0, 300.0), "300 ± 0 (1 missing)"),
        ((math.nan, math.nan), "missing"),
    ],
)
def test_what_was_never_reached_or_is_missing_is_no_number(values, text):
    assert show_cell(rows("a", *values, column="updates"), "updates") == text


def test_a_setting_that_diverged_altogether_says_so_and_one_that_has_no_such_number_too():
    assert show_cell(rows("a", 1e30, 2.0, status="diverged"), "test_loss") == "diverged"
    assert show_cell(rows("a", 1.0), "test_error") == "–"
    one = rows("a", 0.5, 0.5) + rows("a", 1e30, status="diverged")
    assert show_cell(one, "test_loss") == "0.5 ± 0"


def tuned(*losses: float) -> list[dict]:
    return [
        row | {"validation_loss": loss, "train_loss": -loss}
        for rate, loss in zip((0.1, 1, 10), losses, strict=True)
        for row in rows(f"a: b | rate {rate:g}", loss, loss, loss)
    ]


def test_the_best_on_validation_is_shown_and_an_edge_of_the_grid_is_marked():
    inside, edge = tuned(3, 1, 2), tuned(3, 2, 1)
    assert list(shown(inside, ("test_loss",))) == ["a: b | rate 1"]
    assert at_the_edge(by_setting(inside)) == {} and at_the_edge(by_setting(edge)) == {"a: b | rate 10": "largest"}
    assert any(
        "a: b | rate 10 is the best of its grid and the largest" in line for line in remarks(edge, ("test_loss",))
    )


def test_an_edge_that_is_no_better_than_a_setting_inside_is_none():
    assert at_the_edge(by_setting(tuned(1, 1, 2))) == {}
    assert at_the_edge(by_setting(tuned(1, 1.01, 2))) == {"a: b | rate 0.1": "smallest"}


def test_a_sweep_of_any_number_without_labels_is_marked_too():
    """By construction: who writes `axis("hparams.learning_rate", RATES)` has named no family and tuned nothing."""
    rates = [
        row | {"label": "", "overrides": {"data.batch_size": 8, "hparams.learning_rate": rate}, "validation_loss": rate}
        for rate in (0.1, 0.2, 0.4)
        for row in rows("", 1.0, 2.0)
    ]
    assert list(at_the_edge(by_setting(rates)).values()) == ["smallest"]
    two = [row | {"overrides": row["overrides"] | {"hparams.l2": l2}} for row in rates for l2 in (0.1, 0.2, 0.3)]
    (told,) = at_the_edge(by_setting(two)).values()
    assert told == "smallest learning rate"
    assert at_the_edge(by_setting(rates[:4])) == {}  # two are compared, not chosen from


def test_a_row_that_needs_a_note_has_one_and_a_table_that_needs_none_has_no_column():
    edge = [row | {"lossless": 0.0} for row in tuned(3, 2, 1)]
    table = make_table(edge + rows("c", 1, 2, 3), ("test_loss",))
    assert table[0][-1] == "note" and [line[-1] for line in table[1:]] == ["the largest of its grid, loses text", ""]
    noisy = [row | {"train_loss": 2.0, "validation_loss": 1.0} for row in rows("a", 1, 2)]
    assert make_table(noisy, ("train_loss", "validation_loss"))[1][-1] == "training above validation"
    assert any("too low beside" in line for line in remarks(edge, ("test_loss",)))
    assert "note" not in make_table(tuned(3, 1, 2), ("test_loss",))[0]


def test_an_interval_that_would_leave_its_range_is_written_by_its_ends():
    assert show_cell(rows("a", 0.5, 0.98, 1.0, 1.0, column="test_accuracy"), "test_accuracy") == "0.87 (0.48 to 1)"
    assert show_cell(rows("a", 0.5, 0.98, 1.0, 1.0, column="margin"), "margin") == "0.87 ± 0.39"


def test_what_is_compared_also_chooses():
    assert list(shown(tuned(3, 1, 2), ("dead_units", "train_loss"))) == ["a: b | rate 0.1"]
    assert choice(("test_accuracy",), [{"validation_accuracy": 1}]) == "validation_accuracy"
    assert choice(("weight_norm",), [{"validation_accuracy": 1}]) == "validation_loss"


def test_a_family_that_varies_one_strength_is_a_grid_too():
    family = [
        row | {"overrides": {"hparams.l2": l2}, "validation_loss": loss}
        for l2, loss in ((0.1, 1.0), (0.2, 2.0), (0.4, 3.0))
        for row in rows(f"L2: λ {l2}", loss)
    ]
    assert at_the_edge(by_setting(family)) == {"L2: λ 0.1": "smallest"}


def test_ranks_stand_beside_the_means_of_four_settings():
    settings = [rows(name, *losses) for name, losses in zip("abcd", ((1, 1), (2, 3), (3, 2), (4, 4)), strict=True)]
    table = make_table(sum(settings, []), ("test_loss",))
    assert table[0][-1] == "rank by test loss" and [line[-1] for line in table[1:]] == ["1.0", "2.5", "2.5", "4.0"]
    assert make_table(sum(settings[:3], []), ("test_loss",))[0][-1] == "test loss"


def test_settings_of_different_problems_have_ranks_of_their_own():
    names = [f"{problem}: {name}" for problem in ("easy", "hard") for name in "abcd"]
    settings = [rows(name, 10 * place + 1, 10 * place) for place, name in enumerate(names)]
    table = make_table(sum(settings, []), ("test_loss",))
    assert [line[-1] for line in table[1:]] == ["1.0", "2.0", "3.0", "4.0"] * 2
    few = make_table(sum(settings[:3] + settings[4:], []), ("test_loss",))
    assert [line[-1] for line in few[1:]] == ["–", "–", "–", "1.0", "2.0", "3.0", "4.0"]
    assert make_table(sum(settings[:3] + settings[5:], []), ("test_loss",))[0][-1] == "test loss"


def test_what_has_one_seed_or_no_value_is_not_ranked():
    once = [rows(name, loss) for name, loss in zip("abcd", range(4), strict=True)]
    assert make_table(sum(once, []), ("test_loss",))[0][-1] == "test loss"
    other = [row | {"test_loss": None, "margin": 1.0} for row in rows("d", 1, 2)]
    settings = [row for name in "abc" for row in rows(name, 1, 2)] + other
    assert make_table(settings, ("test_loss", "margin"))[0][-1] == "margin"


def test_few_seeds_are_told():
    assert remarks(rows("a", 1, 2), ("test_loss",)) == [
        "An interval of 2 seeds says little; take 8 or more (--config.num_seeds=8)."
    ]
    assert remarks(rows("a", *range(8)), ("test_loss",)) == [] and remarks(rows("a", 1), ("test_loss",)) == []


def test_a_training_loss_above_validation_is_explained_under_the_table():
    noisy = [row | {"train_loss": 2.0, "validation_loss": 1.0} for row in rows("a", *range(8))]
    (remark,) = remarks(noisy, ("train_loss", "validation_loss"))
    assert remark.startswith("The train loss is above the validation loss in 1 of 1 settings")


def test_settings_are_judged_by_their_means_against_the_best_mean():
    losses = {"1 unit": (0.30, 0.35), "4 units": (0.13, 0.22), "2 x 64 units": (0.001, 0.65), "lost": (math.nan, 0.1)}
    groups = {
        name: [{"train_loss": train + step, "validation_loss": validation + step} for step in (-0.01, 0.01)]
        for name, (train, validation) in losses.items()
    }
    groups["lost"] = [{"train_loss": math.nan, "validation_loss": math.nan}]
    assert verdicts(groups) == dict(zip(losses, (UNDERFITS, RIGHT, OVERFITS, UNKNOWN), strict=True))
