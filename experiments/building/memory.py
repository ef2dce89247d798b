"""Estimates memory from shapes alone, so that a config that cannot fit is refused before anything is allocated."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import psutil
from jax.sharding import Mesh


class Demand(NamedTuple):
    """The least memory that a run needs, in bytes.

    Attributes:
        state: parameters, optimizer and early stopping, for all members.
        gradients: one gradient and one update of the parameters, for all members.
        batch: the examples of one step, for all members.
        data: the data set that they share, on every device, and each member's split of it.
    """

    state: int
    gradients: int
    batch: int
    data: int

    @property
    def total(self) -> int:
        """The sum."""
        return sum(self)


def tree_bytes(tree: Any) -> int:
    """Bytes of a tree of arrays or shapes; keys count as their data."""
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def demand(state: Any, params: Any, batch: Any, data: Any, own: Any = (), *, data_copies: int = 1) -> Demand:
    """A lower bound: activations are not counted, because what the compiler fuses away needs no memory.

    Args:
        state: shapes of the members' training state (`jax.eval_shape`), parameters included.
        params: shapes of their parameters.
        batch: shapes of their batches.
        data: the arrays that they share, or their shapes.
        own: shapes of what each member adds to them.
        data_copies: number of devices that hold the data.
    """
    return Demand(
        state=tree_bytes(state),
        gradients=2 * tree_bytes(params),
        batch=tree_bytes(batch),
        data=data_copies * tree_bytes(data) + tree_bytes(own),
    )


def copies_on(mesh: Mesh) -> int:
    """How often the data that all members share lie in memory: the devices of a CPU read one copy."""
    return 1 if mesh.devices.flat[0].platform == "cpu" else mesh.size


def check_fits(needed: Demand, available: int) -> None:
    """Raises ValueError, in one line with the estimate, if the demand exceeds the available memory.

    Args:
        needed: of `demand`.
        available: bytes, of `available_bytes`.
    """
    if needed.total <= available:
        return
    parts = ", ".join(f"{name} {show_bytes(size)}" for name, size in needed._asdict().items() if size)
    raise ValueError(
        f"this config needs at least {show_bytes(needed.total)} of memory ({parts}), {show_bytes(available)} are free; "
        "make the model, the batch or train.max_members smaller"
    )


def available_bytes(devices: Sequence[jax.Device]) -> int:
    """Free memory of all accelerators together, or of this machine if the devices are its processors."""
    stats = [device.memory_stats() for device in devices if device.platform != "cpu"]
    known = [entry["bytes_limit"] - entry["bytes_in_use"] for entry in stats if entry]
    return sum(known) if known else host_bytes()


def host_bytes() -> int:
    """Memory that this process may still take: the smaller of the system's free memory and the container's limit."""
    limit = container_bytes()
    return system_bytes() if limit is None else min(system_bytes(), limit)


def system_bytes() -> int:
    """What the system can give without swapping."""
    return int(psutil.virtual_memory().available)


def container_bytes(root: Path = Path("/sys/fs/cgroup")) -> int | None:
    """The limit of the control group (version 2 or 1), or None without one."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            text = (root / name).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if text.isdigit():
            return int(text)
    return None


def show_bytes(count: int) -> str:
    """A number of bytes in a readable unit.

    >>> show_bytes(999), show_bytes(1_500_000), show_bytes(40 * 10**12)
    ('999 B', '1.5 MB', '40 TB')
    """
    value, units = float(count), ["B", "kB", "MB", "GB", "TB", "PB", "EB"]
    while value >= 999.5 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{value:.3g} {units[0]}"
