"""Runs that are killed, stopped, damaged and refused, with the real command: they end as if nothing had happened."""

import hashlib
import json
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from experiments.run_directory import files, results
from experiments.training.signals import REPEAT_SECONDS
from nn_core.training import checkpoint
from nn_core.training.manifest import read_manifest
from nn_core.training.restore import restore_params
from tests.faults import DAMAGES, Finished, damage, files_below, run
from tests.lives import ROOT, Ended, Life, Parent, arguments, open_parent, shell

LIVES = pytest.mark.skipif(not hasattr(os, "fork"), reason="lives are born by fork; see test_other_systems.py")
pytestmark = LIVES


class Fingerprint(NamedTuple):
    """All that a run leaves: digests of parameters, optimizer and early stopping as they stood in memory, log, results.

    The digests are those of the manifest, which a restore compares with the arrays.
    """

    leaves: dict[str, Any]
    log: str
    results: str


def fingerprint(folder: Path) -> Fingerprint:
    log, rows = ((folder / name).read_bytes() for name in (results.METRICS, results.RESULTS))
    return Fingerprint(read_manifest(newest(folder))["leaves"], hashlib.sha256(log).hexdigest(), rows.decode())


def saved(folder: Path) -> list[int]:
    return checkpoint.steps(folder / "steps")


def newest(folder: Path) -> Path:
    return folder / "steps" / str(saved(folder)[-1])


def status(folder: Path) -> str:
    return files.read_status(folder)["status"]


def content(folder: Path) -> dict[str, bytes]:
    """Every file but the lock."""
    held = (".lock", ".holder.json")  # who works on it, no part of the run
    return {str(path.relative_to(folder)): path.read_bytes() for path in files_below(folder) if path.name not in held}


def one_error(ended: Ended) -> str:
    """The one line of an error, which is no traceback."""
    lines = [line for line in ended.err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and "Traceback" not in ended.err, ended.err
    return lines[0]


def has_saved(folder: Path, step: int) -> Any:
    return lambda: bool(saved(folder)) and saved(folder)[-1] >= step


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parent]:
    with open_parent(tmp_path_factory.mktemp("lives")) as opened:
        yield opened


@pytest.fixture(scope="module")
def whole(parent: Parent, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing disturbs."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    ended = parent.run(arguments(folder))
    assert ended.code == 0 and ended.err == "", ended.err
    assert saved(folder) == [50, 60] and status(folder) == "finished"
    return folder


@pytest.fixture(scope="module")
def half(parent: Parent, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run, stopped by SIGTERM on its way; to be copied."""
    folder = tmp_path_factory.mktemp("half") / "run"
    life = parent.start(arguments(folder))
    assert life.until(has_saved(folder, 20))
    life.kill(signal.SIGTERM)
    ended = life.wait()
    assert ended.code == 143 and status(folder) == "interrupted", ended.err
    assert "a second signal ends at once" in ended.err
    assert f"stopped and saved; the same command continues: {folder}" in ended.err
    assert 20 <= saved(folder)[-1] < 60 and len(saved(folder)) >= 2
    return folder


def copy(folder: Path, target: Path) -> Path:
    return shutil.copytree(folder, target, copy_function=shutil.copy)


def killed_at_random(parent: Parent, folder: Path, kills: int, steps: int, seed: int) -> int:
    """Runs to the end through so many kills: half while it starts and restores, half while it trains and saves.

    Returns:
        How many lives were killed; fewer only where the run came to its end before.
    """
    drawn, argv, killed = random.Random(seed), arguments(folder, train__steps=steps), 0
    while killed < kills:
        life = parent.start(argv)
        if drawn.random() < 0.45:
            time.sleep(drawn.uniform(0.0, 1.0))
        else:
            done = saved(folder)[-1] if saved(folder) else 0
            left = (steps - done) // 10 - (kills - killed)
            life.until(has_saved(folder, done + 10 * drawn.randint(1, max(1, min(4, left // 4)))))
            time.sleep(drawn.uniform(0.0, 0.03))
        killed += life.alive()
        life.kill()
        if life.wait().code != -signal.SIGKILL:
            return killed
    assert parent.run(argv).code == 0
    return killed


@pytest.mark.parametrize(
    ("kills", "steps"), [(20, 400), pytest.param(200, 4000, marks=pytest.mark.slow)], ids=["20 kills", "200 kills"]
)
def test_killed_at_random_moments_it_ends_like_the_run_that_never_was(
    parent: Parent, tmp_path: Path, kills: int, steps: int
) -> None:
    assert killed_at_random(parent, tmp_path / "killed", kills, steps, seed=7) == kills
    assert parent.run(arguments(tmp_path / "whole", train__steps=steps, checkpoint__every_seconds=1000)).code == 0
    assert fingerprint(tmp_path / "killed") == fingerprint(tmp_path / "whole")
    rows = map(json.loads, (tmp_path / "whole" / results.METRICS).read_text().splitlines())
    best = min((row["validation_loss"], row["step"]) for row in rows if row["step"] and "validation_loss" in row)[1]
    left = {path.name for path in (tmp_path / "killed" / "steps").iterdir()}
    assert left == {str(step) for step in (best, steps - 10, steps)}


def test_stopped_by_a_signal_it_continues_exactly_also_after_the_directory_moved(
    parent: Parent, whole: Path, half: Path, tmp_path: Path
) -> None:
    folder, step = copy(half, tmp_path / "elsewhere" / "run"), saved(half)[-1]
    programs = {path.name for path in (parent.folder / "cache").glob("*-cache")}
    ended = parent.run(arguments(folder))
    assert ended.code == 0 and f"continuing at step {step}" in ended.err
    # A restored state is the argument of the same programs as a fresh one: nothing is compiled again.
    assert len(programs) > 4 and {path.name for path in (parent.folder / "cache").glob("*-cache")} == programs
    assert fingerprint(folder) == fingerprint(whole) and status(folder) == "finished"


@pytest.mark.parametrize("number", [pytest.param(signal.SIGTERM, marks=pytest.mark.slow), signal.SIGINT])
def test_a_signal_before_the_first_chunk_stops_it_there(parent: Parent, tmp_path: Path, number: int) -> None:
    life = parent.start(arguments(tmp_path / "run", train__steps=10_000_000))
    assert life.until((tmp_path / "run" / "steps").exists)  # start, evaluate and advance are still to be traced
    life.kill(number)
    ended = life.wait()
    assert ended.code == 128 + number and status(tmp_path / "run") == "interrupted"
    assert saved(tmp_path / "run") == [0] and restore_params(tmp_path / "run" / "steps").step == 0


def test_a_second_signal_ends_a_long_chunk_at_once(parent: Parent, tmp_path: Path) -> None:
    folder, million = tmp_path / "run", 1_000_000_000
    life = parent.start(
        arguments(
            folder,
            train__steps=million,
            train__chunk_steps=50_000_000,
            train__eval_every=million,
            train__log_every=million,
        )
    )
    assert life.until(lambda: (folder / results.METRICS).is_file() and (folder / results.METRICS).stat().st_size > 0)
    life.kill(signal.SIGINT)
    assert life.until(lambda: "second signal" in (life.folder / "err").read_text())
    life.kill(signal.SIGINT)  # a repeat at once is the same request
    time.sleep(REPEAT_SECONDS + 0.2)
    assert life.alive()
    life.kill(signal.SIGINT)
    assert life.wait(5).code == 130


@pytest.mark.parametrize("kind", ["flip", *(pytest.param(kind, marks=pytest.mark.slow) for kind in DAMAGES[:3])])
def test_damage_is_noticed_told_in_one_line_and_survived(
    parent: Parent, whole: Path, half: Path, tmp_path: Path, kind: str
) -> None:
    folder = copy(half, tmp_path / "run")
    bad, good = saved(folder)[-1], saved(folder)[-2]
    files = [path for path in files_below(newest(folder)) if path.stat().st_size]
    damage(random.Random(kind).choice(files), kind)
    ended = parent.run(arguments(folder))
    (warning,) = [line for line in ended.err.splitlines() if line.startswith("warning: ")]
    assert f"set aside as corrupt-{bad}-1, continuing from step {good}" in warning
    assert (folder / "steps" / f"corrupt-{bad}-1").is_dir()
    assert ended.code == 0 and fingerprint(folder) == fingerprint(whole)


@pytest.mark.slow
def test_every_file_and_every_damage_through_the_command(
    parent: Parent, whole: Path, half: Path, tmp_path: Path
) -> None:
    names = [path.relative_to(newest(half)) for path in files_below(newest(half))]
    for index, (name, kind) in enumerate((name, kind) for name in names for kind in DAMAGES):
        folder = copy(half, tmp_path / str(index))
        changed = damage(newest(folder) / name, kind)
        ended = parent.run(arguments(folder))
        assert ("set aside as corrupt-" in ended.err) == changed, (name, kind)
        assert ended.code == 0 and fingerprint(folder) == fingerprint(whole), (name, kind)


def test_all_bad_stops_changes_nothing_and_begins_again_only_when_told_to(
    parent: Parent, whole: Path, half: Path, tmp_path: Path
) -> None:
    folder = copy(half, tmp_path / "run")
    for step in saved(folder):
        damage(folder / "steps" / str(step) / "manifest.json", "flip", seed=step)
    before = content(folder / "steps")
    ended = parent.run(arguments(folder))
    line = one_error(ended)
    assert ended.code == 1 and all(f"step {step}: manifest.json is damaged" in line for step in saved(folder))
    assert content(folder / "steps") == before and status(folder) == "failed"
    (folder / "mine.txt").write_text("not the run's")
    assert parent.run(arguments(folder, checkpoint__resume="fresh")).code == 0
    assert fingerprint(folder) == fingerprint(whole)
    assert content(folder / "superseded-1" / "steps") == before
    assert (folder / "mine.txt").read_text() == "not the run's"


@pytest.mark.parametrize(
    "full", ["checkpoint", *(pytest.param(name, marks=pytest.mark.slow) for name in ("config", "log"))]
)
def test_a_full_disk_ends_it_with_one_line_and_the_saved_steps_stay(
    parent: Parent, whole: Path, half: Path, tmp_path: Path, full: str
) -> None:
    """What does not fit: the manifest of a checkpoint; config.json; the log, where nothing is saved."""
    folder = copy(half, tmp_path / "run")
    before, config = content(folder / "steps"), (folder / files.CONFIG).stat().st_size
    limit = max(config, (folder / results.METRICS).stat().st_size) + 200
    assert limit < (whole / results.METRICS).stat().st_size
    assert limit < (newest(folder) / "manifest.json").stat().st_size - 200
    argv = arguments(folder, checkpoint__every_seconds=1000 if full == "log" else 0)
    ended = parent.run(argv, file_size=1000 if full == "config" else limit)
    line = one_error(ended)
    assert ended.code == 1 and str(folder) in line and ("(File too large)" in line or "is not saved in" in line)
    assert content(folder / "steps").items() >= before.items()
    assert status(folder) == ("interrupted" if full == "config" else "failed")
    assert parent.run(arguments(folder)).code == 0 and fingerprint(folder) == fingerprint(whole)


def test_a_finished_run_says_so_and_does_nothing(parent: Parent, whole: Path, tmp_path: Path) -> None:
    folder = copy(whole, tmp_path / "run")
    before = content(folder)
    ended = parent.run(arguments(folder))
    assert ended.code == 0 and ended.out.startswith(f"{folder} is finished; to run it again: ") and ended.err == ""
    assert "test loss" in ended.out
    assert content(folder) == before
    ended = parent.run(arguments(folder, checkpoint__resume="never"))
    assert ended.code == 2 and "resume is 'never'" in one_error(ended)
    ended = parent.run(arguments(folder, hparams__learning_rate=0.5, model__hidden_sizes="(5,)"))
    line = one_error(ended)
    assert ended.code == 2 and "model.hidden_sizes () -> (5,)" in line
    assert "hparams.learning_rate 0.001 -> 0.5" in line
    assert content(folder) == before


def test_results_and_status_that_are_lost_come_again_from_the_checkpoint(
    parent: Parent, whole: Path, tmp_path: Path
) -> None:
    folder = copy(whole, tmp_path / "run")
    damage(folder / results.RESULTS, "truncate")
    (folder / files.STATUS).unlink()
    assert parent.run(arguments(folder)).code == 0
    assert fingerprint(folder) == fingerprint(whole) and status(folder) == "finished"


def test_a_checkpoint_knows_its_config_where_config_json_is_lost(parent: Parent, half: Path, tmp_path: Path) -> None:
    folder = copy(half, tmp_path / "run")
    (folder / files.CONFIG).unlink()
    before = content(folder / "steps")
    ended = parent.run(arguments(folder, hparams__learning_rate=0.5))
    assert ended.code == 1 and "hparams.learning_rate 0.001 -> 0.5" in one_error(ended)
    assert content(folder / "steps") == before


def timed(*argv: str) -> tuple[Finished, float]:
    """The command in a shell of its own, and the seconds of processor time that it took."""
    import resource

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    finished = run(shell(*argv), cwd=ROOT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return finished, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_a_second_run_is_refused_at_once_and_told_who_is_there(parent: Parent, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    first = parent.start(arguments(folder, train__steps=1_000_000))
    assert first.until(has_saved(folder, 10))
    second, seconds = timed(*arguments(folder, train__steps=1_000_000))
    assert second.code == 2 and seconds < 2 and second.err.count("\n") == 1
    assert second.err.startswith(f"error: {folder} is in use by process {first.pid} on ")
    first.kill()
    first.wait()
    third = parent.start(arguments(folder, train__steps=1_000_000))
    assert third.until(has_saved(folder, saved(folder)[-1] + 10))
    third.kill()
    assert "continuing at step" in third.wait().err


def test_a_model_that_no_memory_holds_is_refused_with_an_estimate(parent: Parent, tmp_path: Path) -> None:
    huge = arguments(tmp_path / "run", model__hidden_sizes="(3000000,3000000)")
    ended, seconds = timed(*huge)
    assert ended.code == 2 and seconds < 3  # most of it for starting Python and importing JAX
    assert ended.err.startswith("error: this config needs at least 216 TB of memory") and ended.err.count("\n") == 1
    assert not (tmp_path / "run").exists()
    assert parent.run(huge).peak < 500e6


def poisoned(parent: Parent, folder: Path, first: int, last: int, max_skips: int) -> Ended:
    return parent.run(arguments(folder, train__max_skips=max_skips), nan_steps=(first, last))


def test_nan_stops_the_run_before_it_touches_the_parameters(parent: Parent, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    ended = poisoned(parent, folder, 23, 60, max_skips=0)
    assert ended.code == 3 and "the run diverged at step 23" in one_error(ended) and status(folder) == "diverged"
    (row,) = results.read(folder).rows
    assert row["status"] == "diverged" and row["steps"] == 23
    assert_finite(folder)
    again = parent.run(arguments(folder))
    assert again.code == 3 and again.out.startswith(f"{folder} has diverged; to run it again: ")


def test_nan_is_skipped_and_counted_as_often_as_the_config_allows(parent: Parent, tmp_path: Path) -> None:
    assert poisoned(parent, tmp_path / "run", 23, 25, max_skips=3).code == 0
    (row,) = results.read(tmp_path / "run").rows
    assert (row["status"], row["steps"], row["skipped"]) == ("finished", 60, 3)
    assert_finite(tmp_path / "run")


def assert_finite(folder: Path) -> None:
    for step in saved(folder):
        params = restore_params(folder / "steps", step).params
        assert all(np.all(np.isfinite(leaf)) for layer in params.values() for leaf in layer.values())


@pytest.mark.slow  # without the command: test_cache.py
def test_damaged_cache_entries_change_no_number(parent: Parent, whole: Path, tmp_path: Path) -> None:
    entries = sorted(path for path in (parent.folder / "cache").rglob("*") if path.is_file())
    assert len(entries) > 4
    for index, path in enumerate(entries):
        damage(path, ("flip", "truncate", "empty")[index % 3], seed=index)
    ended = parent.run(arguments(tmp_path / "run"))
    assert ended.code == 0 and "Traceback" not in ended.err
    assert fingerprint(tmp_path / "run") == fingerprint(whole)


def grown(life: Life, folder: Path) -> list[int]:
    """Memory of a life at every tenth of its 10,000 steps."""
    sizes = []
    for step in range(1000, 10_000, 1000):
        if life.until(has_saved(folder, step)):
            sizes.append(life.memory())
    return sizes


@pytest.mark.slow
def test_ten_thousand_steps_take_no_more_memory_than_a_thousand(parent: Parent, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    life = parent.start(arguments(folder, train__steps=10_000, train__chunk_steps=10, checkpoint__every_seconds=0.02))
    sizes = grown(life, folder)
    assert life.wait(600).code == 0 and len(sizes) > 5
    assert sizes[-1] < 1.05 * sizes[1], sizes
    assert len(saved(folder)) <= 3
