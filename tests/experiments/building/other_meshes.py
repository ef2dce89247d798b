"""One run that goes on over other meshes, each life in this process with eight devices: `python -m … FOLDER`."""

import json
import shutil
import sys
from pathlib import Path

import jax

from experiments import run
from nn_core.training import population
from tests.experiments import tiny

STEPS = 8
MESHES = ({"data": 2, "fsdp": 2, "tensor": 2}, {"data": 2}, {"data": 1}, {"fsdp": 4})


def live(folder: Path, steps: int, **mesh: int) -> None:
    """The command as far as a step: what it saved after it is taken away."""
    sizes = {f"mesh__{axis}": size for axis, size in mesh.items()}
    assert run.main(arguments(folder, **sizes)) == 0
    for path in (folder / "run" / "steps").iterdir():
        if int(path.name) > steps:
            shutil.rmtree(path)
    for name in ("results.csv", "status.json"):
        (folder / "run" / name).unlink()


def arguments(folder: Path, **changes: int) -> list[str]:
    """The command line of a tiny run whose batch and width divide by every mesh."""
    folder.mkdir(exist_ok=True)
    sizes = {"data__batch_size": 8, "model__embedding_dim": 16, "train__steps": STEPS, "train__eval_every": 2}
    kept = {"checkpoint__keep_latest": 9, "train__sample_every": 0}
    return tiny.arguments(folder, **sizes, **kept, **changes)


def final_losses(folder: Path) -> list[float]:
    """Validation losses of the log."""
    lines = (folder / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [row["validation_loss"] for row in map(json.loads, lines) if "validation_loss" in row]


if __name__ == "__main__":
    jax.config.update("jax_num_cpu_devices", 8)
    population.COMPILER_OPTIONS.clear()
    run.set_up_devices = lambda here: None
    root = Path(sys.argv[1])
    assert run.main(arguments(root / "alone")) == 0
    for number, mesh in enumerate(MESHES, start=1):
        live(root / "moved", 2 * number, **mesh)
    print(json.dumps([final_losses(root / "alone"), final_losses(root / "moved")]))
