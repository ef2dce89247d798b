"""Devices and caches of a command, set before anything is computed."""

import os
from pathlib import Path

VARIABLE = "NN_CORE_CPU_DEVICES"
MOST_DEVICES = 256


def cores() -> int:
    """Processors that this process may use; macOS and Windows know only how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def host_devices() -> int:
    """XLA host devices of a CPU: one per core, or what the variable NN_CORE_CPU_DEVICES says, to try a mesh.

    Raises:
        ValueError: the variable says no number of devices.
    """
    chosen = os.environ.get(VARIABLE, "")
    if not chosen:
        return cores()
    if not chosen.isdecimal() or not 1 <= int(chosen) <= MOST_DEVICES:
        raise ValueError(f"{VARIABLE}={chosen} is no number of devices; use 1 to {MOST_DEVICES}, or unset it")
    return int(chosen)


def set_up_devices() -> Path | None:
    """One XLA host device per core, so that a population uses all of them, and the compilation cache, whose folder it returns."""
    import jax

    from experiments.caching.compiled_programs import turn_on

    jax.config.update("jax_num_cpu_devices", host_devices())
    return turn_on()
