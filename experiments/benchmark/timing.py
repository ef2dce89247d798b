"""Timing for the benchmarks: alternate the contestants, quote medians and ratios, name the machine."""

import importlib.metadata
import statistics
import time
from collections.abc import Callable, Sequence

import jax

from experiments.caching.compiled_programs import processor
from experiments.command_line.devices import cores


def seconds(function: Callable[[], object]) -> float:
    """Wall time of one call; the function must wait for its own result (block_until_ready)."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def alternate(contestants: Sequence[Callable[[], object]], rounds: int, pause: float = 0.0) -> list[list[float]]:
    """Times of each contestant in turn, A B A B …, so that a drifting machine affects all alike.

    Args:
        contestants: functions that wait for their own results.
        rounds: turns of each.
        pause: seconds before each turn: OpenMP's threads spin for a while after their work and would slow the next one.
    """
    times: list[list[float]] = [[] for _ in contestants]
    for _ in range(rounds):
        for index, function in enumerate(contestants):
            time.sleep(pause)
            times[index].append(seconds(function))
    return times


def median_ratio(slow: Sequence[float], fast: Sequence[float]) -> float:
    """Median over the rounds of slow / fast."""
    return statistics.median(a / b for a, b in zip(slow, fast, strict=True))


def installed(name: str) -> bool:
    """Whether a peer is installed."""
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def machine() -> str:
    """One line: processor, cores, devices, versions."""
    described = processor().partition("model name")[2].splitlines()  # as Linux tells it
    model = described[0].strip(" \t:") if described else processor()
    devices = jax.local_devices()
    peers = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in ("jax", "torch", "transformers") if installed(p))
    return f"{model}, {cores()} cores, {len(devices)} x {devices[0].device_kind}; {peers}"
