"""Sets up the devices and caches of a command before anything is computed."""

import os
from pathlib import Path

from experiments.command_line import processes

VARIABLE = "NN_CORE_CPU_DEVICES"
MOST_DEVICES = 256


def cores() -> int:
    """Number of processors that this process may use; macOS and Windows only tell how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def host_devices() -> int:
    """Number of XLA host devices of a CPU: one per core, or the value of NN_CORE_CPU_DEVICES, for trying a mesh.

    Raises:
        ValueError: the variable is not a number of devices.
    """
    chosen = os.environ.get(VARIABLE, "")
    if not chosen:
        return cores()
    if not chosen.isdecimal() or not 1 <= int(chosen) <= MOST_DEVICES:
        raise ValueError(f"{VARIABLE}={chosen} is not a number of devices; use 1 to {MOST_DEVICES}, or unset it")
    return int(chosen)


def set_up_devices(here: processes.Places | None = None) -> Path | None:
    """Devices, companions and the compilation cache of a command.

    A CPU gives one XLA host device per core, so that a population uses all of them.

    Args:
        here: where this process stands among several; None: it is alone.
    Returns:
        The folder of the cache.
    Raises:
        ValueError: the processes do not find each other.
    """
    import jax

    from experiments.caching.compiled_programs import turn_on

    jax.config.update("jax_num_cpu_devices", host_devices())
    if here is not None:
        processes.join(here)
    return turn_on()
