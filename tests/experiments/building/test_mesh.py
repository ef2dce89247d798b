"""One run on several devices: the same numbers, and the collectives that its mesh needs."""

import json
import re
import subprocess
import sys

import jax
import numpy as np
import pytest

from configs import base
from experiments.building.corpus import stream_corpus, tokenizer_beside
from experiments.building.mesh import run_mesh
from nn_core.data.token_file import write_token_file
from nn_core.text.characters import CharacterTokenizer
from nn_core.training.sharding import Layout, MeshShape, make_run_mesh
from nn_core.training.spread import batch_sharding
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


def test_one_device_and_four_train_alike_and_talk_as_much_as_their_mesh_needs():
    """A GPT: fsdp gathers each of its 11 split arrays once a step, and adds the parts of their gradients up."""
    results = run(("gpt", 1, 1, 1), ("gpt", 1, 4, 1))
    check_alike(results)
    assert results[1]["collectives"] == {"all-reduce": 2, "all-gather": 11}
    assert [result["parts"] for result in results] == [1, 4]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"fsdp": 0}, "config.mesh.fsdp=0 is no number of parts"),
        ({"rules": ("kernel",)}, "'kernel' is no rule; write"),
        ({"rules": (("kernel", ("foo",)),)}, "'kernel' names 'foo'; the axes are data, fsdp, tensor, None"),
        ({"rules": (("kernel", ("fsdp", ("tensor", "fsdp"))),)}, "names an axis twice"),
    ],
)
def test_a_mesh_that_cannot_be_is_refused_by_its_key(changes, told):
    config = base.experiment()
    config.mesh.update(changes)
    with pytest.raises(ValueError, match=re.escape(told)):
        run_mesh(config)


MESHES = (8, 1, 1), (1, 4, 1), (4, 1, 2)
# Collectives of the compiled step on each of MESHES. A number that rises is communication that nobody asked for.
COLLECTIVES = {
    "mlp": ({"all-reduce": 2}, {"all-reduce": 4, "all-gather": 2}, {"all-reduce": 4, "all-gather": 2, "all-to-all": 1}),
    "cnn": (
        {"all-reduce": 1, "all-gather": 1},
        {"all-reduce": 6, "all-gather": 6},
        {"all-reduce": 7, "all-gather": 9, "all-to-all": 12, "collective-permute": 9},
    ),
    "recurrent": (
        {"all-reduce": 1, "all-gather": 3},
        {"all-reduce": 2, "all-gather": 7},
        {"all-reduce": 7, "all-gather": 8, "all-to-all": 5, "collective-permute": 11},
    ),
    "translator": (
        {"all-reduce": 2, "all-gather": 6},
        {"all-reduce": 3, "all-gather": 13},
        {"all-reduce": 10, "all-gather": 16, "all-to-all": 10, "collective-permute": 22},
    ),
    "encoder-decoder": (
        {"all-reduce": 2},
        {"all-reduce": 3, "all-gather": 25},
        {"all-reduce": 23, "all-to-all": 16, "collective-permute": 8},
    ),
    "scanned gpt": (
        {"all-reduce": 2},
        {"all-reduce": 3, "all-gather": 11},  # 3 and the 4 kernels of a layer, these in the backward pass once more
        {"all-reduce": 8, "all-to-all": 4, "collective-permute": 2},
    ),
    "accumulated gpt": (
        {"all-reduce": 1, "all-gather": 2},
        {"all-reduce": 2, "all-gather": 13},
        {"all-reduce": 10, "all-gather": 2, "all-to-all": 8, "collective-permute": 4},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("family", COLLECTIVES)
def test_every_family_trains_alike_on_every_mesh(family):
    results = run((family, 1, 1, 1), *((family, *mesh) for mesh in MESHES))
    check_alike(results)
    assert tuple(result["collectives"] for result in results[1:]) == COLLECTIVES[family]
    assert results[2]["parts"] == 4


@pytest.mark.slow
def test_a_step_never_holds_a_whole_scanned_stack():
    """With the stack gathered at its start it would hold the parameters, their gradients and copies of both."""
    (result,) = run(("deep gpt", 1, 8, 1))
    assert result["temporary"] < 0.8 * result["parameters"]


@pytest.mark.slow
def test_all_three_axes_go_together():
    results = run(("gpt", 1, 1, 1), ("gpt", 8, 1, 1), ("gpt", 2, 2, 2))
    check_alike(results)
    assert results[1]["collectives"] == {"all-reduce": 1}
    assert [result["parts"] for result in results] == [1, 1, 4]


def test_every_device_reads_only_its_own_windows_of_a_token_file(tmp_path):
    write_token_file(tmp_path / "t.npy", [np.arange(997) % 11], 11)
    CharacterTokenizer("abcdefghijk").save(tokenizer_beside(tmp_path / "t.npy"))
    section = base.text("token_file", context_size=5, batch_size=6)
    section.path = str(tmp_path / "t.npy")
    corpus = stream_corpus(section, 3, None)
    key, seen = jax.random.key(3), []
    split = batch_sharding(Layout(make_run_mesh(MeshShape(), jax.devices()[:2]), ()), axis=1)

    def place(shape, read):
        return jax.make_array_from_callback(shape, split, lambda index: seen.append(index[1]) or read(index))

    spread_KBW = corpus.feed(key, 7, place)["stream"]
    assert np.array_equal(spread_KBW, corpus.feed(key, 7)["stream"]) and spread_KBW.shape == (3, 6, 6)
    assert sorted((part.start, part.stop) for part in seen) == [(0, 3), (3, 6)]


@pytest.mark.slow
def test_a_run_that_began_on_eight_devices_goes_on_on_two_on_one_and_on_four(tmp_path):
    alone, moved = ask("other_meshes", str(tmp_path))
    assert len(alone) == 5 and moved == pytest.approx(alone, rel=1e-5)
