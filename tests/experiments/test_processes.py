"""One run in two real processes: the numbers of one process with two devices, and one end for both."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from nn_core.training.checkpoint import steps
from nn_core.training.manifest import read_manifest, verify
from nn_core.training.stored_arrays import load_arrays
from tests import faults
from tests.experiments import tiny
from tests.lives import ROOT

SIZES = {"data__batch_size": 8, "model__embedding_dim": 16, "mesh__data": -1}
STEADY = {"schedule__name": "constant", "schedule__final_factor": None}  # one that knows the end cannot be made longer
SPLIT = SIZES | {"mesh__data": 1, "mesh__fsdp": 2}  # each process holds a half of the matrices


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def start(argv: list[str], devices: int, folder: Path, name: str, **variables: str) -> subprocess.Popen:
    """A process of the command; what it says goes to NAME.out and NAME.err in the folder."""
    environment = os.environ | {"NN_CORE_CPU_DEVICES": str(devices), "NN_CORE_PROCESS_TIMEOUT": "10"} | variables
    with (folder / f"{name}.out").open("w") as out, (folder / f"{name}.err").open("w") as err:
        return subprocess.Popen(
            [sys.executable, "-m", "experiments.run", *argv], cwd=ROOT, env=environment, stdout=out, stderr=err
        )


def start_two(argv: list[str], folder: Path) -> list[subprocess.Popen]:
    port = free_port()
    together = [f"--coordinator=127.0.0.1:{port}", "--num_processes=2"]
    return [start([*argv, *together, f"--process_id={i}"], 1, folder, str(i)) for i in range(2)]


def wait(processes: list[subprocess.Popen], seconds: float = 300.0) -> list[int]:
    """Their exit codes; none of them outlives the test."""
    deadline = time.monotonic() + seconds
    try:
        return [process.wait(max(deadline - time.monotonic(), 1)) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def wait_for_lines(log: Path, count: int) -> None:
    for _ in range(3000):
        if log.is_file() and log.read_text(encoding="utf-8").count("\n") >= count:
            return
        time.sleep(0.1)
    raise AssertionError(f"{log} has not {count} lines after 300 s")


def same_run(one: Path, other: Path) -> None:
    """Log, results, samples and tokenizer, byte for byte."""
    for name in ("metrics.jsonl", "results.csv", "tokenizer.json"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    samples = sorted(path.name for path in (one / "samples").iterdir())
    assert samples and all((one / "samples" / n).read_bytes() == (other / "samples" / n).read_bytes() for n in samples)


def same_arrays(one: Path, other: Path) -> None:
    """Every array of the last checkpoints, up to the order of sums."""
    mine, others = saved(one), saved(other)
    assert mine.keys() == others.keys()
    for name, array in others.items():
        np.testing.assert_allclose(mine[name], array, rtol=1e-4, atol=1e-6, err_msg=name)


def saved(run: Path) -> dict[str, np.ndarray]:
    """Every array of the last checkpoint, verified."""
    path = last_step(run)
    kinds = load_arrays(path, verify(path)["leaves"])
    return {f"{kind}/{name}": array for kind, arrays in kinds.items() for name, array in arrays.items()}


def last_step(run: Path) -> Path:
    return run / "steps" / str(steps(run / "steps")[-1])


def test_two_processes_train_what_one_with_two_devices_does_bit_for_bit(tmp_path):
    two, one = (tiny.arguments(tmp_path, workdir=tmp_path / name, **SIZES) for name in ("two", "one"))
    pair = start_two(two, tmp_path)
    codes = wait([*pair, start(one, 2, tmp_path, "one")])
    assert codes == [0, 0, 0], (tmp_path / "1.err").read_text()
    same_run(tmp_path / "two", tmp_path / "one")
    assert "results:" in (tmp_path / "0.out").read_text() and not (tmp_path / "1.out").read_text()


@pytest.mark.slow
def test_two_processes_with_different_configs_end_before_they_train(tmp_path):
    argv, port = tiny.arguments(tmp_path, **SIZES), free_port()
    pair = [
        start(
            [
                *(
                    f"--config.train.steps={9 + i}" if word.startswith("--config.train.steps=") else word
                    for word in argv
                ),
                *(f"--coordinator=127.0.0.1:{port}", "--num_processes=2", f"--process_id={i}"),
            ],
            1,
            tmp_path,
            str(i),
        )
        for i in range(2)
    ]
    assert wait(pair, 120) == [2, 2]
    for i in range(2):
        said = (tmp_path / f"{i}.err").read_text()
        assert (
            "process 1 was started otherwise than process 0: config.train.steps is 9 in process 0 and 10 there" in said
        )
        assert said.count("\n") == 1
    assert not (tmp_path / "run" / "config.json").exists()


@pytest.mark.slow
def test_each_of_two_processes_saves_its_half(tmp_path):
    two, one = (tiny.arguments(tmp_path, workdir=tmp_path / name, **SPLIT) for name in ("two", "one"))
    codes = wait([*start_two(two, tmp_path), start(one, 2, tmp_path, "one")])
    assert codes == [0, 0, 0], (tmp_path / "1.err").read_text()
    same_arrays(tmp_path / "two", tmp_path / "one")
    leaves = read_manifest(last_step(tmp_path / "two"))["leaves"]
    kernels = [entry for tree in leaves.values() for name, entry in tree.items() if name.endswith("up/kernel")]
    assert len(kernels) >= 3  # with both moments
    assert all([piece["shape"] for piece in entry["pieces"]] == [[8, 64]] * 2 for entry in kernels)
    written = [
        sum(file.stat().st_size for file in last_step(tmp_path / "two").glob(f"*/ocdbt.process_{process}/d/*"))
        for process in (0, 1)
    ]
    assert written[1] > 0.4 * written[0]  # the first one has the arrays that are not split besides


@pytest.mark.slow
def test_what_two_processes_saved_goes_on_in_one_and_in_two_with_another_split(tmp_path):
    lives = (
        {"mesh__fsdp": 2, "mesh__data": 1},
        {"mesh__data": 1},
        {"mesh__fsdp": 1, "mesh__tensor": 2, "mesh__data": 1},
    )
    for number, mesh in enumerate(lives, start=1):
        changes = SIZES | mesh | {"train__steps": 3 * number} | STEADY
        argv = tiny.arguments(tmp_path, workdir=tmp_path / "moved", **changes)
        together = len(mesh) > 1
        codes = wait(start_two(argv, tmp_path) if together else [start(argv, 1, tmp_path, "0")])
        assert set(codes) == {0}, (tmp_path / "0.err").read_text()
        assert "continuing" in (tmp_path / "0.err").read_text() or number == 1
    alone = tiny.arguments(
        tmp_path, workdir=tmp_path / "alone", **SIZES | STEADY | {"train__steps": 9, "mesh__data": 1}
    )
    assert wait([start(alone, 1, tmp_path, "alone")]) == [0]
    same_arrays(tmp_path / "moved", tmp_path / "alone")


def test_options_that_do_not_go_together_are_refused_before_anything_is_imported(capsys):
    from experiments.run import main

    for words, told in (
        (["--process_id=0"], "--coordinator and --num_processes"),
        (["--process_id=2", "--num_processes=2", "--coordinator=a:1"], "numbered from 0"),
        (["--process_id=0", "--num_processes=2", "--coordinator=a"], "is not HOST:PORT"),
    ):
        assert main(["--config=configs/digits.py", *words]) == 2
        assert told in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("who", [0, 1])
@pytest.mark.parametrize(
    ("sent", "codes", "told"),
    [
        (signal.SIGTERM, {143}, "stopped and saved"),
        (signal.SIGKILL, {1, -9}, "error: "),
        (signal.SIGSTOP, {1, -9}, "has given no sign of life for 10 s"),
    ],
)
def test_what_happens_to_one_process_ends_both_and_the_same_command_continues(tmp_path, who, sent, codes, told):
    if not hasattr(signal, "SIGSTOP"):
        pytest.skip("this system has no such signals")
    changes = {"train__steps": 400, "train__eval_every": 100, "train__log_every": 10, "train__chunk_steps": 10}
    argv, alone = (tiny.arguments(tmp_path, workdir=tmp_path / n, **SIZES | changes) for n in ("run", "alone"))
    whole = start(alone, 2, tmp_path, "alone")
    pair = start_two(argv, tmp_path)
    wait_for_lines(tmp_path / "run" / "metrics.jsonl", 4)
    pair[who].send_signal(sent)
    left = wait([pair[1 - who]], 60)
    if sent == signal.SIGSTOP:
        pair[who].kill()  # it stands still for ever
    assert set(left + wait([pair[who]], 20)) <= codes
    said = (tmp_path / f"{1 - who}.err").read_text()
    assert told in said and said.count("error: ") <= 1 and "Traceback" not in said
    assert wait(start_two(argv, tmp_path)) == [0, 0] and wait([whole]) == [0]
    same_run(tmp_path / "run", tmp_path / "alone")


@pytest.mark.slow
def test_killed_at_random_moments_two_processes_end_like_one_that_never_was(tmp_path):
    changes = {"train__steps": 300, "train__eval_every": 50, "train__chunk_steps": 5, "train__sample_every": 100}
    argv, alone = (tiny.arguments(tmp_path, workdir=tmp_path / n, **SIZES | changes) for n in ("run", "alone"))
    assert wait([start(alone, 2, tmp_path, "alone")]) == [0]
    generator = np.random.default_rng(7)
    for _ in range(4):
        pair = start_two(argv, tmp_path)
        time.sleep(generator.uniform(4, 14))
        pair[generator.integers(2)].kill()
        assert set(wait(pair, 60)) <= {0, 1, 2, -9}
    assert wait(start_two(argv, tmp_path)) == [0, 0]
    same_run(tmp_path / "run", tmp_path / "alone")


@pytest.mark.slow
def test_a_full_disk_of_the_second_process_ends_both_and_earlier_steps_stay(tmp_path):
    if not hasattr(signal, "SIGXFSZ"):
        pytest.skip("this system cannot limit the size of files")
    argv = tiny.arguments(tmp_path, workdir=tmp_path / "run", **SPLIT | STEADY)
    assert wait(start_two(argv, tmp_path)) == [0, 0]
    before = last_step(tmp_path / "run")
    longer = tiny.arguments(tmp_path, workdir=tmp_path / "run", **SPLIT | STEADY | {"train__steps": 12})
    together = [f"--coordinator=127.0.0.1:{free_port()}", "--num_processes=2"]
    first = start([*longer, *together, "--process_id=0"], 1, tmp_path, "0")
    second = faults.start(
        [sys.executable, "-m", "experiments.run", *longer, *together, "--process_id=1"],
        env={"NN_CORE_CPU_DEVICES": "1", "NN_CORE_PROCESS_TIMEOUT": "10"},
        file_size=1000,
        cwd=ROOT,
    )
    assert faults.finish(second, 120).code == 1 and wait([first], 120) == [1]
    assert (tmp_path / "0.err").read_text().count("error: ") == 1
    verify(before)
    assert wait(start_two(longer, tmp_path)) == [0, 0]
