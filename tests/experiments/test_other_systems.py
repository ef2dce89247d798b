"""macOS and Windows, as far as Linux can play them: a start-up hook in a child process (tests/other_systems).

Nothing here was run on a real Mac or a real Windows; .github/workflows/ci.yml does that for those who host it.
"""

import json
import os
import re
import sys
from pathlib import Path

import pytest

from tests.conftest import CACHE
from tests.faults import files_below, finish, run, start, wait_until
from tests.other_systems import __path__ as HOOK

ROOT = Path(__file__).parents[2]
FILES = sorted(path for house in ("nn_core", "experiments", "configs") for path in (ROOT / house).rglob("*.py"))
FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f\\]|[. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$', re.IGNORECASE)
DEEPEST = 120


def environment(system: str, runs: Path) -> dict[str, str]:
    """Of a child on another system: C's locale, so that a text file without its encoding said is read as ASCII."""
    return {
        "PYTHONPATH": os.pathsep.join(HOOK),
        "NN_CORE_PLAYS": system,
        "NN_CORE_RUNS": str(runs),
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONIOENCODING": "cp1252",
        # What other tests have compiled is found, and no home of a user is touched.
        "JAX_COMPILATION_CACHE_DIR": str(CACHE),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }


def play(folder: Path, system: str, *words: str) -> dict[str, dict]:
    """How every command ends."""
    command = [sys.executable, "-m", "tests.other_systems.commands", str(folder), *words]
    ended = run(command, env=environment(system, folder), cwd=ROOT, timeout=1200)
    assert ended.code == 0, ended.err[-3000:]
    return json.loads(ended.out.splitlines()[-1])


def check(folder: Path, done: dict[str, dict]) -> None:
    """Every command did what it was asked for, and what it left could lie on every system."""
    wrong = {name: end for name, end in done.items() if end["code"] != (143 if name == "interrupted" else 0)}
    assert not wrong
    assert "continuing at step 10" in done["resumed"]["err"]
    assert "is finished" in done["finished"]["out"] and done["finished"]["out"].endswith(table(done["resumed"]["out"]))
    assert table(done["fresh"]["out"]) == table(done["resumed"]["out"]) and (folder / "run" / "superseded-1").is_dir()
    assert re.search(r" ± |\(0 to 1\)", done["sweep"]["out"]) and "\\u010deský" in done["vectors"]["out"]
    assert {name for name, end in done.items() if "Traceback" in end["err"]} == set()
    names = [path.relative_to(folder) for path in folder.rglob("*")]
    assert not [str(name) for name in names if FORBIDDEN.search(name.name)]
    assert not [str(name) for name in names if len(str(Path(*name.parts[1:]))) > DEEPEST]
    texts = [path for path in files_below(folder) if path.suffix in (".json", ".jsonl", ".txt", ".html")]
    assert len(texts) > 10 and not [path for path in texts if b"\r" in path.read_bytes()]


def table(out: str) -> str:
    """The results in what a run prints."""
    return "".join(line + "\n" for line in out.splitlines() if line.startswith(("setting", "--", "run      ")))


@pytest.mark.parametrize("system", ["windows", pytest.param("macos", marks=pytest.mark.slow)])
def test_every_command_works_on(system: str, tmp_path: Path) -> None:
    check(tmp_path, play(tmp_path, system))


@pytest.mark.slow
@pytest.mark.parametrize("system", ["windows", "macos"])
def test_language_models_studies_and_reports_work_on(system: str, tmp_path: Path) -> None:
    check(tmp_path, play(tmp_path, system, "more"))


HOLD = """
import sys, time
from pathlib import Path
from experiments.run_directory.lock import hold
try:
    with hold(Path(sys.argv[1])):
        Path(sys.argv[1], "held").touch()
        time.sleep(float(sys.argv[2]))
except ValueError as error:
    sys.exit(str(error))
"""


def test_the_lock_tells_who_holds_it_and_is_free_when_that_process_dies(tmp_path: Path) -> None:
    settings = {"env": environment("windows", tmp_path), "cwd": ROOT}
    first = start([sys.executable, "-c", HOLD, str(tmp_path / "run"), "60"], **settings)
    wait_until((tmp_path / "run" / "held").exists)
    second = run([sys.executable, "-c", HOLD, str(tmp_path / "run"), "0"], **settings)
    assert second.code == 1 and f"run is in use by process {first.pid} on " in second.err
    first.kill()
    finish(first)
    assert run([sys.executable, "-c", HOLD, str(tmp_path / "run"), "0"], **settings).code == 0


REFUSED = """
import os, signal, sys
from pathlib import Path
here = Path(sys.argv[1])
(here / "a").write_text("1", encoding="utf-8")
(here / "b").write_text("2", encoding="utf-8")

def refused(kind, call):
    try:
        call()
    except kind:
        return
    raise SystemExit(f"{kind} was not raised")

refused(ImportError, lambda: __import__("fcntl"))
refused(AttributeError, lambda: os.sched_getaffinity(0))
refused(AttributeError, lambda: os.getuid())
refused(AttributeError, lambda: signal.SIGKILL)
refused(ValueError, lambda: signal.signal(10, signal.SIG_IGN))
refused(FileNotFoundError, lambda: Path("/proc/meminfo").read_bytes())
refused(PermissionError, lambda: os.open(here, os.O_RDONLY))
refused(FileExistsError, lambda: (here / "a").rename(here / "b"))
refused(OSError, lambda: (here / "a:b").touch())
refused(OSError, lambda: (here / "con.txt").touch())
refused(OSError, lambda: (here / "run" / ("x" * 121)).mkdir(parents=True))
refused(UnicodeDecodeError, lambda: (here / "a").write_bytes(b"\\xc3") and (here / "a").read_text())
with open(here / "a", "rb") as file:
    refused(PermissionError, lambda: os.replace(here / "a", here / "c"))
    refused(PermissionError, lambda: (here / "a").unlink())
    refused(OSError, lambda: os.fsync(file.fileno()))
os.replace(here / "a", here / "b")
"""


def test_the_hook_refuses_what_windows_refuses(tmp_path: Path) -> None:
    ended = run([sys.executable, "-c", REFUSED, str(tmp_path)], env=environment("windows", tmp_path), cwd=ROOT)
    assert ended.code == 0, ended.err


def test_processes_are_spawned() -> None:
    """A forked process would inherit locks that threads of JAX hold."""
    text = "".join(path.read_text(encoding="utf-8") for path in FILES)
    assert "get_context(" in text and set(re.findall(r'get_context\("(\w+)"\)', text)) == {"spawn"}
    pools = re.findall(r"ProcessPoolExecutor\([^\n]*", text)
    assert len(pools) == 2 and all("spawn" in pool for pool in pools)  # pages of the report, the benchmark of sweeps
    assert not re.findall(r"multiprocessing\.(?:Pool|Process)\(", text)
