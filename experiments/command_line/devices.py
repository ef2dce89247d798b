"""Devices and caches of a command, set before anything is computed."""

import os
from pathlib import Path


def cores() -> int:
    """Processors that this process may use; macOS and Windows know only how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def set_up_devices() -> Path | None:
    """One XLA host device per core, so that a population uses all of them, and the compilation cache, whose folder it returns."""
    import jax

    from experiments.caching.compiled_programs import turn_on

    jax.config.update("jax_num_cpu_devices", cores())
    return turn_on()
