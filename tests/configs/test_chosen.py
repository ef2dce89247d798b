"""No shipped sweep chose a setting at the edge of its grid, as far as it was run: chosen.json holds what was measured."""

import importlib
import json
import re
from pathlib import Path

import pytest

from experiments import studies
from experiments.run_directory.settings import by_setting, ends_of, grids
from tests.configs.chosen import CHOSEN, chosen_in
from tests.experiments.test_sweep_figures import SWEEPS

# Those that chose before and are not run as they are now, and why.
NOT_RUN = {
    "halving_grid": "was run: of three values two are ends, so 26 of its 27 points lie at an edge; its table says so",
}
MEASURED = json.loads(CHOSEN.read_text(encoding="utf-8"))


def grids_of(name):
    """The grids of a shipped sweep."""
    module = importlib.import_module(f"configs.{name}")
    overrides = module.get_sweep(module.get_config())
    return grids(by_setting([{"label": one.get("label", ""), "overrides": one} for one in overrides]))


@pytest.mark.parametrize("name", SWEEPS)
def test_a_sweep_that_chooses_was_run_and_chose_inside_its_grids(name):
    """A grid that was changed since needs another run: python -m tests.configs.chosen DIRECTORY takes what it chose."""
    found = grids_of(name)
    assert (name in MEASURED or name in NOT_RUN) == bool(found), f"run {name}, then python -m tests.configs.chosen"
    if name not in MEASURED:
        return
    chosen = MEASURED[name]["chosen"]
    assert len(chosen) == len(found) and MEASURED[name]["at the edge"] == {}
    for grid in found:
        (setting,) = set(grid) & set(chosen)
        assert not ends_of(grid, setting), f"{setting} lies at the edge of {sorted(grid)}"


def test_a_study_that_chooses_was_run_and_chose_inside_its_grids():
    folder = Path(studies.__file__).parent
    choosing = {
        name
        for name in studies.NAMES
        if re.search(r"\| rate|TUNED", (folder / f"{name}.py").read_text(encoding="utf-8"))
    }
    assert choosing == {"families", "transfer", "transformer_parts"}
    assert choosing <= MEASURED.keys() | NOT_RUN.keys()
    assert not [name for name in choosing & MEASURED.keys() if MEASURED[name]["at the edge"]]


def test_no_study_chooses_a_setting_by_itself():
    """It gives a row for each, "name | rate 0.1", and the table chooses, says by what, and marks an edge."""
    for path in Path(studies.__file__).parent.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"arg(min|max|sort)\([^\n]*validation", text), path.name


def test_what_was_chosen_is_read_off_a_run():
    rows = [
        {
            "label": f"a | rate {rate:g}",
            "overrides": {"hparams.learning_rate": rate},
            "seed": 0,
            "validation_loss": loss,
        }
        for rate, loss in ((0.1, 2.0), (0.2, 1.0), (0.4, 1.5))
    ]
    assert chosen_in(rows, ("test_loss",)) == {"by": "validation_loss", "chosen": ["a | rate 0.2"], "at the edge": {}}
    assert chosen_in(rows[:2], ("test_loss",))["at the edge"] == {"a | rate 0.2": "largest"}
