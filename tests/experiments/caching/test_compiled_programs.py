"""The compilation cache saves time and can do no harm."""

import json
import sys
from pathlib import Path

import pytest

from experiments.caching import compiled_programs
from tests.faults import run

# One process, several starts: clear_caches forgets what was compiled, as a new process would.
PHASES = """
import json, sys, warnings
from pathlib import Path
import jax, jax.numpy as jnp
from experiments.caching import compiled_programs

place, events, told = Path(sys.argv[1]), [], []
jax.monitoring.register_event_listener(lambda name, **_: events.append(name))
warnings.showwarning = lambda message, *_: told.append(str(message))

def start():
    jax.clear_caches()
    events.clear()
    result = jax.jit(lambda x: jnp.sin(x @ x.T).sum(0) * jnp.arange(5.0))(jnp.ones((5, 3)))
    digest = jax.device_get(result).tobytes().hex()
    return {"hits": events.count("/jax/compilation_cache/cache_hits"), "result": digest, "told": len(told)}

folder = compiled_programs.turn_on()
again = compiled_programs.turn_on()
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
report = {"folder": str(folder), "again": again == folder, "cold": start(), "warm": start()}
for name, change in (
    ("truncated", lambda raw: raw[: len(raw) // 2]),
    ("empty", lambda raw: b""),
    ("flipped", lambda raw: raw[:40] + bytes([raw[40] ^ 4]) + raw[41:]),
):
    for path in folder.glob("*-cache"):
        path.write_bytes(change(path.read_bytes()))
    report[name] = start()
    for path in folder.glob("*-cache"):
        path.unlink()
    report[name + " again"] = start()
print(json.dumps(report))
"""


def test_cold_warm_and_damaged_caches_give_the_same_bits(tmp_path: Path) -> None:
    env = {"XDG_CACHE_HOME": str(tmp_path), compiled_programs.VARIABLE: "", "JAX_COMPILATION_CACHE_DIR": ""}
    ended = run([sys.executable, "-W", "always", "-c", PHASES, str(tmp_path)], env=env)
    assert ended.code == 0, ended.err
    report = json.loads(ended.out)
    folder = Path(report.pop("folder"))
    assert report.pop("again")
    assert folder.parent == tmp_path / "nn_core" / "jax" and folder.name == compiled_programs.folder_name()
    assert folder.stat().st_mode & 0o077 == 0
    assert report["cold"]["hits"] == 0 and report["warm"]["hits"] > 0
    assert len({phase["result"] for phase in report.values()}) == 1
    assert report["warm"]["told"] == 0 and report["empty again"]["told"] > 0  # at most a warning


# The case that turns the cache on comes last: before it every start finds it off.
SWITCH = """
import os, sys
import jax
from experiments.caching import compiled_programs
for chosen in sys.argv[1:]:
    os.environ[compiled_programs.VARIABLE] = chosen
    jax.clear_caches()
    print(compiled_programs.turn_on(), jax.config.jax_compilation_cache_dir or None, float(jax.jit(lambda x: x + 1)(1.0)))
"""


def test_the_switch_and_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cases = ["off", str(tmp_path / "file"), str(tmp_path / "mine")]
    ended = run([sys.executable, "-c", SWITCH, *cases], env={"JAX_COMPILATION_CACHE_DIR": ""})
    assert (ended.code, ended.err) == (0, "")
    folder = tmp_path / "mine" / compiled_programs.folder_name()
    assert ended.out.splitlines() == ["None None 2.0", "None None 2.0", f"{folder} {folder} 2.0"]


def test_a_cache_that_is_on_already_is_left_alone() -> None:
    import jax

    in_use = jax.config.jax_compilation_cache_dir
    assert in_use and compiled_programs.turn_on() == Path(in_use)
    assert jax.config.jax_compilation_cache_dir == in_use


def test_a_folder_of_somebody_else_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert compiled_programs.usable(tmp_path / "mine")
    monkeypatch.setattr(compiled_programs.os, "getuid", lambda: 12345, raising=False)
    assert not compiled_programs.usable(tmp_path / "mine")


def test_another_processor_has_another_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    here = compiled_programs.folder_name()
    assert compiled_programs.folder_name() == here and "jax-" in here
    monkeypatch.setattr(compiled_programs, "processor", lambda: "model name: another")
    assert compiled_programs.folder_name() != here
    assert compiled_programs.folder_name().rsplit("-", 1)[0] == here.rsplit("-", 1)[0]
