"""One run on several devices: the same numbers, and the collectives that its mesh needs."""

import json
import subprocess
import sys

import pytest

from tests.experiments.building import spread
from tests.lives import ROOT


def run(*cases: tuple) -> list[dict]:
    """What `spread.train` says of each (family, data, fsdp, tensor), in a process with eight devices."""
    return ask("spread", json.dumps(cases))


def ask(module: str, argument: str) -> list:
    """The last line that a module beside this one prints, which has eight devices."""
    command = [sys.executable, "-m", f"tests.experiments.building.{module}", argument]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def check_alike(results: list[dict]) -> None:
    alone = results[0]
    assert len(alone["losses"]) == spread.STEPS and not alone["collectives"]
    for other in results[1:]:
        for number in ("losses", "gradient_norms", "norm"):
            assert other[number] == pytest.approx(alone[number], rel=1e-5)


def test_one_device_and_several_train_alike_and_talk_as_much_as_their_mesh_needs():
    """A GPT: data alone adds gradients up; fsdp gathers each of its 11 split arrays once a step and adds their parts up."""
    results = run(("gpt", 1, 1, 1), ("gpt", 8, 1, 1), ("gpt", 1, 4, 1), ("gpt", 2, 2, 2))
    check_alike(results)
    assert results[1]["collectives"] == {"all-reduce": 1}
    assert results[2]["collectives"] == {"all-reduce": 2, "all-gather": 11}
    assert [result["parts"] for result in results] == [1, 1, 4, 4]


@pytest.mark.slow
@pytest.mark.parametrize("family", [family for family in spread.FAMILIES if family != "gpt"])
def test_every_family_trains_alike_on_every_mesh(family):
    meshes = ((1, 1, 1), (2, 1, 1), (1, 2, 1), (1, 1, 2), (4, 2, 1), (2, 2, 2))
    check_alike(run(*((family, *sizes) for sizes in meshes)))


@pytest.mark.slow
def test_a_run_that_began_on_eight_devices_goes_on_on_two_on_one_and_on_four(tmp_path):
    alone, moved = ask("other_meshes", str(tmp_path))
    assert len(alone) == 5 and moved == pytest.approx(alone, rel=1e-5)
