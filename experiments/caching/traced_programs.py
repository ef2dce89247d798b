"""Traced programs, kept beside XLA's compiled ones: a second start of a config neither traces nor lowers them again.

Tracing runs Python, so a kept program is valid only if nothing that Python saw has changed. Its key covers all of it:
the structure of the config, the data's bytes, every source of the project and of modules outside installed packages,
versions, JAX's settings and the devices. Only the command uses this, together with the compilation cache. A run that
loads another run's parameters is not kept, because no key covers these.
"""

import contextlib
import hashlib
import importlib.metadata
import json
import os
import shutil
import sys
import sysconfig
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import export

from experiments.caching.compiled_programs import usable
from nn_core.files import whole_file
from nn_core.training.population import COMPILER_OPTIONS

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("nn_core", "experiments", "configs")
PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy", "ml-collections")
NOT_TRACED = ("jax_compilation_cache", "jax_persistent_cache")  # settings that change no program
MOST = 500  # structures that are kept; 0.1 to 1 MB each, and each edit of a source makes new ones


class Store(NamedTuple):
    """The folder of kept programs, and the command's config file, a source that is not a module."""

    folder: Path
    config_file: Path


def open_store(folder: Path | None, config_file: Path) -> Store | None:
    """The store of a command; None if there is no folder, or if it is remote or cannot be used."""
    if folder is None or ":/" in str(folder) or not usable(folder / "traced"):
        return None
    forget_oldest(folder / "traced")
    return Store(folder / "traced", config_file)


def forget_oldest(folder: Path) -> None:
    """Deletes the oldest structures beyond MOST; another process that wanted one traces again."""
    with contextlib.suppress(OSError):
        for path in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime)[:-MOST]:
            shutil.rmtree(path, ignore_errors=True)


def place(store: Store, structure: str, data: Any, num_members: int) -> Path:
    """The folder in which the programs of a structure are kept.

    Args:
        store: of the command.
        structure: of the config, as text.
        data: host arrays that the members share.
        num_members: rows of the population.
    Returns:
        A folder.
    """
    about = f"{structure}\n{num_members}\n{surroundings(store.config_file)}\n{jax.tree.structure(data)}"
    digest = hashlib.blake2b(about.encode(), digest_size=16)
    for leaf in map(np.asarray, jax.tree.leaves(data)):
        digest.update(f"\n{leaf.dtype} {leaf.shape}\n".encode())
        digest.update(np.ascontiguousarray(leaf).reshape(-1).view(np.uint8).data)
    return store.folder / digest.hexdigest()


@cache
def surroundings(config_file: Path) -> str:
    """Everything else that a trace may depend on, as text: sources, versions, settings, devices."""
    settings = {name: value for name, value in jax.config.values.items() if not name.startswith(NOT_TRACED)}
    return repr(
        (
            sources(config_file),
            sys.version,
            [importlib.metadata.version(package) for package in PACKAGES],
            sorted((name, repr(value)) for name, value in settings.items()),
            os.environ.get("XLA_FLAGS"),
            sorted(COMPILER_OPTIONS.items()),
            [str(device) for device in jax.devices()],
        )
    )


def sources(config_file: Path) -> str:
    """Digest of the project's sources, the config file, and every loaded module that belongs to no installed package."""
    installed = tuple(sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    loaded = [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
    own = [file for file in loaded if file.endswith(".py") and not file.startswith(installed)]
    files = {os.path.realpath(file) for file in (config_file, *own)}.union(
        *(map(str, (ROOT / name).rglob("*.py")) for name in SOURCES)
    )
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(files):
        with contextlib.suppress(OSError):  # a module that was not loaded from a file
            digest.update(f"{file}\n".encode() + Path(file).read_bytes())
    return digest.hexdigest()


class Kept:
    """A function of a population whose trace is on disk, or will be written there at the first call.

    Attributes:
        shapes: of its result.
        found: whether it was read and not traced, in which case a process has checked and called it before.
    """

    def __init__(self, function: Callable, arguments: Sequence[Any], path: Path, jit: Callable = jax.jit):
        """Reads the program, or traces it.

        Args:
            function: of trees; returns {name: array}, or a tree like its first argument and {name: array}.
            arguments: shapes, with their shardings.
            path: its file; its name is the program's.
            jit: `jax.jit` or a substitute.
        Raises:
            ValueError: whatever tracing finds wrong with the function.
        """
        leaves, tree = jax.tree.flatten(tuple(arguments))
        self._inputs: Any = tree
        self._arguments = [
            jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=getattr(x, "sharding", None)) for x in leaves
        ]
        self._path, self._jit = path, jit
        read_program = read(path, leaves)
        self.found = read_program is not None
        self._program = read_program or trace_leaves(function, leaves, tree, path.name)
        results: Any = dict.fromkeys(self._program.names, 0)
        first = self._program.first
        self._outputs = jax.tree.structure((arguments[0], results) if first else results)
        self.shapes = jax.tree.unflatten(self._outputs, self._program.shapes)
        # If the first argument comes back, its memory may be reused.
        self._donate = tuple(range(len(jax.tree.leaves(arguments[0])))) if first else ()
        self._call: Callable | None = None

    def __call__(self, *arguments: Any) -> Any:
        """The function of arrays."""
        leaves, tree = jax.tree.flatten(arguments)
        assert tree == self._inputs, f"arguments of another structure: {tree} instead of {self._inputs}"
        if self._call is None:
            self._call = self._jit(named(self.keep(), self._path.name), donate_argnums=self._donate)
        return jax.tree.unflatten(self._outputs, self._call(*leaves))

    def keep(self) -> Callable:
        """Writes a traced program and returns it as another process will read it, or unchanged if it cannot be written."""
        function = self._program.function
        if self.found:
            return function
        try:
            exported = export.export(function)(*self._arguments)
            write(self._path, exported, self._program)
        except (NotImplementedError, ValueError, OSError):
            return function
        return exported.call


def named(function: Callable, name: str) -> Callable:
    """A function of leaves under a name of its own, which profiles and logs show."""

    def call(*leaves: Any) -> Any:
        return function(*leaves)

    call.__name__ = name
    return call


class Flat(NamedTuple):
    """A program over the leaves of its arguments.

    Attributes:
        function: of leaves; returns the leaves of its result.
        shapes: of these.
        names: of the metrics that it returns, sorted.
        first: whether a tree like its first argument precedes them.
    """

    function: Any
    shapes: list[jax.ShapeDtypeStruct]
    names: list[str]
    first: bool


def shapes_of(avals: Sequence[Any]) -> list[jax.ShapeDtypeStruct]:
    """Shapes and types alone."""
    return [jax.ShapeDtypeStruct(one.shape, one.dtype) for one in avals]


def trace_leaves(function: Callable, leaves: Sequence[Any], inputs: Any, name: str) -> Flat:
    """Traces a function of trees as a function of their leaves; errors in it surface here."""
    trees = []

    def flat(*leaves: Any) -> list[Any]:
        result = function(*jax.tree.unflatten(inputs, leaves))
        trees.append(result if isinstance(result, tuple) else (result,))
        return jax.tree.leaves(result)

    jitted = jax.jit(named(flat, name))
    shapes = shapes_of(jitted.trace(*leaves).jaxpr.out_avals)
    return Flat(jitted, shapes, sorted(trees[0][-1]), len(trees[0]) > 1)


def write(path: Path, exported: export.Exported, program: Flat) -> None:
    """Writes a program: a line with the digest of the rest, a line that says what it returns, and the program."""
    content = (
        json.dumps({"names": program.names, "first": program.first}).encode() + b"\n" + bytes(exported.serialize())
    )
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with whole_file(path, shared=True) as part:
        part.write_bytes(digest_of(content).encode() + b"\n" + content)


def read(path: Path, leaves: Sequence[Any]) -> Flat | None:
    """The program kept there; None if there is none, or if it is damaged or for other arguments."""
    try:
        digest, content = path.read_bytes().split(b"\n", 1)
    except (OSError, ValueError):
        return None
    if digest != digest_of(content).encode():
        return None
    about, program = content.split(b"\n", 1)
    exported = export.deserialize(bytearray(program))
    if [(one.shape, one.dtype) for one in exported.in_avals] != [(leaf.shape, leaf.dtype) for leaf in leaves]:
        return None
    outputs = json.loads(about)
    return Flat(exported.call, shapes_of(exported.out_avals), outputs["names"], outputs["first"])


def digest_of(content: bytes) -> str:
    """In hexadecimal."""
    return hashlib.sha256(content).hexdigest()
