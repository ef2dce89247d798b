"""Results of a sweep that were never measured: plausible numbers under its own names, to look at its figures."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from experiments.run_directory.results import Results, Row
from experiments.run_directory.units import range_of

POINTS = 11  # evaluations of a curve
CURVES = ("train_loss", "batch_loss", "validation_loss", "validation_accuracy")


def generator(*words: Any) -> np.random.Generator:
    """Draws that depend on these words alone."""
    return np.random.default_rng(int(hashlib.sha256(repr(words).encode()).hexdigest()[:8], 16))


def number(column: str, setting: str, seed: int) -> float:
    """A value within the range of its column: a setting has a place, a seed lies around it."""
    place, noise = generator(column, setting).uniform(), generator(column, setting, seed).normal()
    low, high = range_of(column)
    if high == 1.0:
        return float(np.clip(0.3 + 0.75 * place + 0.1 * noise, low, high))
    if column == "parameters":
        return float(round(1000 * 10 ** (2 * place)))
    return float(10 ** (1.5 * place - 1) * np.exp(0.15 * noise))


def recorded(setting: str, seed: int) -> Row:
    """Arrays that some runs keep of each member."""
    draws, side = generator(setting, seed), np.linspace(0.0, 1.0, 16)
    classes_RR = (side[None] + 0.3 * np.sin(6 * side)[:, None] > 0.6).astype(int)
    points_N2 = draws.uniform(size=(40, 2))
    return {
        "calibration_predicted": np.linspace(0.55, 0.95, 5),
        "calibration_observed": np.sort(draws.uniform(0.5, 1.0, 5)),
        "calibration_count": np.full(5, 20.0),
        "confusion": draws.integers(1, 9, (10, 10)) + 90 * np.eye(10, dtype=int),
        "regions": classes_RR,
        "extent": np.array([0.0, 1.0, 0.0, 1.0]),
        "points": np.column_stack([points_N2, points_N2[:, 0] > 0.5]),
    }


def member(index: int, config: ConfigDict, overrides: dict[str, Any]) -> tuple[Row, list[Row]]:
    """A row, and its lines of the log."""
    label, seed = str(overrides.get("label", "")), int(overrides.get("seed", 0))
    name = label or repr({path: value for path, value in overrides.items() if path != "seed"})
    columns = {*config.table, "train_loss", "validation_loss", "test_loss", "test_accuracy", "best_step"}
    steps = int(overrides.get("train.steps", config.train.steps))
    row: Row = {"member": index, "label": label, "seed": seed, "status": "finished", "steps": steps}
    row |= {"overrides": overrides} | {column: number(column, name, seed) for column in sorted(columns)}
    row |= {"steps": steps, "best_step": round(0.4 * steps + seed)}  # whatever the table holds
    noise_MK = generator(name, seed).normal(size=(len(CURVES), POINTS))
    row |= recorded(name, seed)
    log = []
    for place, step in enumerate(np.linspace(0, steps, POINTS).round().astype(int).tolist()):
        share = np.exp(-3 * place / POINTS)
        values = {
            curve: max(row.get(curve, 1.0) * (1 - share) + 2.3 * share * (range_of(curve)[1] != 1.0), 0.0)
            * float(np.exp(0.05 * noise_MK[which, place]))
            for which, curve in enumerate(CURVES)
        }
        log.append({"member": index, "step": step} | values)
    return row, log


def made_up(config: ConfigDict, sweep: list[dict[str, Any]]) -> Results:
    """What the run directory of a sweep would hold, were it run."""
    made = [member(index, config, overrides) for index, overrides in enumerate(sweep)]
    return Results(
        Path(config.name), config.to_dict(), [row for row, _ in made], [line for _, log in made for line in log], {}
    )
