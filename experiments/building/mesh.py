"""The mesh of one run: what config.mesh says, and the plan that it makes."""

from typing import Any

import jax
from jax.sharding import Mesh
from ml_collections import ConfigDict

from experiments.building.memory import show_bytes
from experiments.building.records import Model
from nn_core.training.sharding import AXES, Layout, MeshShape, Rule, make_run_mesh, placements


def run_mesh(config: ConfigDict) -> Mesh | None:
    """The mesh of a config's single run; None: one device.

    Where config.mesh.data is unset, an accelerator's devices all take a part of the batch, as many as divide it. The
    cores of a CPU do not: one device uses all of them already (`experiments.benchmark mesh` measures it).

    Raises:
        ValueError: sizes that do not fit the devices, or rules that are none.
    """
    section = config.mesh
    read_rules(section.rules)
    for axis in AXES:
        if section[axis] == 0:
            raise ValueError(f"config.mesh.{axis}=0 is no number of parts; use 1 or more, or -1 for what is left")
    devices = jax.devices()
    data = section.data
    if data is None:
        others = section.fsdp * section.tensor
        # Below 0, the other axes take the rest.
        free = len(devices) // others if devices[0].platform != "cpu" and others > 0 else 1
        batch = config.data.batch_size
        fitting = [size for size in range(1, free + 1) if batch is None or batch % (size * section.fsdp) == 0]
        data = max(fitting, default=1)
        if others > 0 and data * others <= len(devices):
            devices = devices[: data * others]
    elif -1 not in (data, section.fsdp, section.tensor):
        devices = devices[: data * section.fsdp * section.tensor]
    shape = MeshShape(data, section.fsdp, section.tensor)
    if shape == MeshShape(1, 1, 1):
        return None
    mesh = make_run_mesh(shape, devices)
    return mesh if mesh.size > 1 else None


def make_layout(config: ConfigDict, model: Model, mesh: Mesh) -> Layout:
    """Mesh and rules of a run: the config's own rules, or those of the model's family."""
    if config.mesh.rules:
        return Layout(mesh, read_rules(config.mesh.rules))
    return Layout(mesh, model.rules, strict=False)


def read_rules(rules: tuple[Any, ...]) -> tuple[Rule, ...]:
    """The rules of config.mesh.rules; an axis that stands alone splits the last dimension.

    >>> read_rules((("kernel", "fsdp"), ("*", ())))
    (('kernel', ('fsdp',)), ('*', ()))

    Raises:
        ValueError: something that is no rule, an unknown axis, or one that would split two dimensions of an array.
    """
    read = []
    for rule in rules:
        if not isinstance(rule, tuple) or len(rule) != 2 or not isinstance(rule[0], str):
            raise ValueError(
                f"config.mesh.rules: {rule!r} is no rule; write (path, axes of the last dimensions), such as "
                "(('kernel', ('fsdp', None)), ('*', ()))"
            )
        pattern, axes = rule
        axes = axes if isinstance(axes, tuple) else (axes,)
        names = [name for entry in axes for name in (entry if isinstance(entry, tuple) else (entry,))]
        unknown = [name for name in names if name is not None and name not in AXES]
        if unknown:
            raise ValueError(
                f"config.mesh.rules: {pattern!r} names {unknown[0]!r}; the axes are {', '.join(AXES)}, None"
            )
        given = [name for name in names if name is not None]
        if len(set(given)) < len(given):
            raise ValueError(f"config.mesh.rules: {pattern!r} names an axis twice; an axis splits one dimension")
        read.append((pattern, axes))
    return tuple(read)


def plan_table(state: Any, layout: Layout) -> str:
    """Where every array of a run's state lies: leaf, shape, axes of its dimensions, bytes on each device.

    Args:
        state: shapes with a leading member axis of size 1.
        layout: of the run.
    """
    shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), state)
    lines = placements(shapes, layout)
    sizes = ", ".join(f"{axis} {layout.mesh.shape[axis]}" for axis in AXES)
    cells = [("leaf", "shape", "axes", "a device")]
    cells += [
        (line.path, show_shape(line.shape), show_axes(line.spec), show_bytes(line.device_bytes)) for line in lines
    ]
    widths = [max(len(row[column]) for row in cells) for column in range(3)]
    rows = ["  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[-1]]) for row in cells]
    total = sum(line.device_bytes for line in lines)
    return "\n".join([f"mesh: {sizes} ({layout.mesh.size} devices)", *rows, f"state: {show_bytes(total)} a device"])


def show_shape(shape: tuple[int, ...]) -> str:
    """`128 x 512`, or `1` for a number."""
    return " x ".join(map(str, shape)) or "1"


def show_axes(spec: tuple[Any, ...]) -> str:
    """`fsdp x tensor, -`: the axes of each dimension; `whole` where no dimension is split."""
    if not any(spec):
        return "whole"
    return ", ".join("-" if entry is None else entry if isinstance(entry, str) else " x ".join(entry) for entry in spec)
