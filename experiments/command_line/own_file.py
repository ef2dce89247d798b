"""A config file as a module of its own."""

import runpy
import sys
from pathlib import Path
from typing import Any

SHIPPED = Path(__file__).resolve().parents[2] / "configs"


def run_file(path: Path) -> dict[str, Any]:
    """What a config file defines. One of the user's own may import the files beside it, wherever the command is typed, as a
    script may; they come after all other modules."""
    folder = path.resolve().parent
    if folder != SHIPPED and str(folder) not in sys.path:
        sys.path.append(str(folder))
    return runpy.run_path(str(path))
