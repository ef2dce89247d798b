"""F039, S1, S16c: the notes' table, exact, rounded and printed."""

import pytest

from experiments.command_line.arguments import OPTIONS, parse
from experiments.studies import worked_example
from tests.experiments.studies.runs import check_study, reduced

ROWS = {row["label"].split(" = ")[0]: row for row in reduced("worked_example").rows}
EXACT = {
    "h": -0.02,
    "a": 0.49500017,
    "y^": 0.5123725,
    "delta_o": 0.1218320,
    "delta_h": 0.00304550,
    "Delta W": 0.0301535,
    "Delta w_1": 0.000152275,
    "Delta w_2": 0.000456825,
}


def test_it_fills_the_columns_of_its_table_and_its_figures_name_their_axes():
    check_study("worked_example")


@pytest.mark.parametrize("symbol", EXACT)
def test_every_number_is_the_printed_one_rounded(symbol):
    row = ROWS[symbol]
    assert row["exact"] == pytest.approx(EXACT[symbol], rel=2e-6)
    slip = symbol == "Delta w_2"  # the notes go on with a rounded number (S16c)
    assert (row["rounded"] == row["notes"]) != slip
    assert not slip or (row["rounded"], row["notes"]) == (0.00046, 0.00045)


def test_automatic_differentiation_gives_the_same_steps():
    for symbol in ("Delta W", "Delta w_1", "Delta w_2"):
        assert ROWS[symbol]["autodiff"] == pytest.approx(ROWS[symbol]["exact"], abs=1e-12)


def test_the_steps_go_down_and_the_printed_sign_goes_up():
    errors = [ROWS[name]["exact"] for name in ROWS if name.startswith("E ")]
    assert errors == pytest.approx([0.11889, 0.11708, 0.12072], abs=5e-6)


def test_another_network_has_no_printed_numbers():
    words = ["--config=worked_example", "--config.task.inputs=(0.1,0.3,0.5)"]
    config = parse([*words, "--config.task.hidden_weights=(0.4,-0.2,0.7)"], OPTIONS).config
    outcome = worked_example.run(config)
    assert not any("notes" in row for row in outcome.rows) and outcome.rows[0]["exact"] == pytest.approx(0.33)
    assert outcome.arrays["hidden_steps_D"].shape == (3,)
