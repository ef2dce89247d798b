"""The persistent compilation cache: a second start of a config compiles nothing.

Each user, JAX version and processor has a folder: entries for another instruction set can crash the process.
"""

import hashlib
import os
import platform
from pathlib import Path

import jax
import jaxlib

from nn_core.files import user_path

VARIABLE = "NN_CORE_COMPILATION_CACHE"  # "off", or a folder to use instead of the default one
MIN_SECONDS = 0.1  # compilations shorter than this are not worth a file


def turn_on() -> Path | None:
    """Switches on JAX's cache, unless it is on already, is disabled, or its folder cannot be used.

    A damaged or missing entry only costs its compilation: JAX warns and compiles.

    Returns:
        The folder in use, or None.
    """
    chosen = os.environ.get(VARIABLE, "")
    if chosen == "off":
        return None
    in_use = jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]
    if in_use:
        return Path(in_use)
    folder = (user_path(chosen).absolute() if chosen else default_root()) / folder_name()
    if not usable(folder):
        return None
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", MIN_SECONDS)
    return folder


def default_root() -> Path:
    """~/.cache/nn_core/jax, or the corresponding folder under XDG_CACHE_HOME."""
    home = os.environ.get("XDG_CACHE_HOME") or user_path("~/.cache")
    return Path(home) / "nn_core" / "jax"


def folder_name() -> str:
    """Versions and processor, such as `jax-0.10.2-jaxlib-0.10.2-1f2e3d4c5b6a`."""
    return f"jax-{jax.__version__}-jaxlib-{jaxlib.__version__}-{hashlib.sha256(processor().encode()).hexdigest()[:12]}"


def processor() -> str:
    """Model and instruction sets of the first processor, as far as the system reveals them."""
    try:
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0]
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    wanted = ("model name", "flags", "Features", "CPU part")
    return "\n".join(line for line in first.splitlines() if line.startswith(wanted))


def usable(folder: Path) -> bool:
    """Whether the folder exists (or can be created), belongs to this user and can be written.

    Its entries are programs, so nobody else may write there.
    """
    probe = folder / f".probe-{os.getpid()}"
    if not folder.is_absolute():  # no home is known
        return False
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (
            hasattr(os, "getuid") and folder.stat().st_uid != os.getuid()
        ):  # on Windows a user's folder belongs to the user
            return False
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True
