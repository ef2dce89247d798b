"""What the sweeps of configs/ chose when they were last run: chosen.json, which test_chosen.py holds against their grids.

python -m tests.configs.chosen checkpoints/regularization checkpoints/activations

writes what the finished runs in these directories chose; a run with other values than its config's is refused.
"""

import datetime
import json
import sys
from pathlib import Path
from typing import Any

from experiments.command_line.arguments import CONFIGS, OPTIONS, parse
from experiments.run_directory.files import encode, read_config
from experiments.run_directory.results import RESULTS, Row, read
from experiments.run_directory.settings import at_the_edge, best_of, by_setting, choice, grids

CHOSEN = Path(__file__).with_name("chosen.json")
SHOWN = ("name", "label", "table", "figures", "checkpoint", "log", "mesh")  # what changes no number


def chosen_in(rows: list[Row], columns: tuple[str, ...]) -> dict[str, Any]:
    """By which number a run chose, what, and which choices lie at the edge of their grid."""
    groups, metric = by_setting(rows), choice(columns, rows)
    best = [best_of(grid, groups, metric) for grid in grids(groups)]
    return {"by": metric, "chosen": best, "at the edge": at_the_edge(groups, metric)}


def measured(directory: Path) -> dict[str, Any]:
    """The entry of a finished run.

    Raises:
        ValueError: the run is not one of a config as it is shipped.
    """
    run = read(directory)
    name = run.config.get("name", "")
    config = encode(parse([f"--config={CONFIGS / name}.py"], OPTIONS).config.to_dict())
    held = (read_config(directory) or {"config": {}})["config"]
    other = [key for key in config if key not in SHOWN and encode(held.get(key)) != config[key]]
    if held.get("num_seeds", 0) >= config["num_seeds"]:  # more seeds know better
        other = [key for key in other if key != "num_seeds"]
    if other or not (directory / RESULTS).is_file():
        raise ValueError(
            f"{directory} is not a finished run of configs/{name}.py: {', '.join(other) or RESULTS} differs"
        )
    day = datetime.datetime.fromtimestamp((directory / RESULTS).stat().st_mtime, tz=datetime.UTC).date()
    return {"measured": day.isoformat()} | chosen_in(run.rows, tuple(run.config["table"]))


def main(directories: list[str]) -> None:
    """Adds the entries of these runs."""
    held = json.loads(CHOSEN.read_text(encoding="utf-8")) if CHOSEN.is_file() else {}
    for directory in directories:
        held[read(Path(directory)).config["name"]] = measured(Path(directory))
    text = json.dumps(dict(sorted(held.items())), indent=1, ensure_ascii=False)
    CHOSEN.write_text(text + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
