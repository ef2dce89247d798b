"""The largest errors of the formula ledger, kept beside the pages until the library changes."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import jax

import nn_core
from experiments.formulas.tables import exact_error
from nn_core.files import whole_file
from nn_core.formulas.checks import Result, check
from nn_core.formulas.ledger import Formula

FILE = "checks.json"


class Check(NamedTuple):
    """How well a formula agrees; None where there is no such check.

    Attributes:
        autodiff, difference: largest error of the hand-derived form against automatic and finite differentiation.
        oracle: largest error of the value against exact oracles.
        failure: why the row fails; "" if it passes.
    """

    autodiff: float | None
    difference: float | None
    oracle: float | None
    failure: str


def checked(workdir: Path, formulas: Sequence[Formula]) -> dict[str, Check]:
    """The checks of some formulas, read from the last report if neither they nor the library changed since."""
    path, key = workdir / FILE, [surroundings(), *(row.id for row in formulas)]
    if path.is_file():
        held = json.loads(path.read_text(encoding="utf-8"))
        if held["key"] == key:
            return {id: Check(**values) for id, values in held["checks"].items()}
    checks = {result.formula.id: of(result) for result in check(formulas)}
    with whole_file(path) as part:
        values = {id: one._asdict() for id, one in checks.items()}
        part.write_text(json.dumps({"key": key, "checks": values}, indent=1), encoding="utf-8", newline="\n")
    return checks


def of(result: Result) -> Check:
    """The errors of a row."""
    return Check(result.autodiff, result.difference, exact_error(result), result.failure)


def surroundings() -> str:
    """Stands for the sources of the library and the version of JAX."""
    digest = hashlib.sha256(jax.__version__.encode())
    for path in sorted(Path(nn_core.__path__[0]).rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
