"""Several processes of one run must have been started alike: they compare before anything is computed."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.command_line import processes

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("nn_core", "experiments")
MILLISECONDS = 30_000  # for what another process tells


def check_alike(about: Mapping[str, str]) -> None:
    """Every process of a run must call this.

    Args:
        about: name -> value of whatever must be the same in all processes.
    Raises:
        ValueError: in every process, if one differs from the first; the message says which, and in what.
    """
    if processes.alone():
        return
    import jax
    import numpy as np
    from jax._src import distributed  # the client has no public name
    from jax.experimental import multihost_utils

    text = json.dumps(dict(about), sort_keys=True)
    digests = multihost_utils.process_allgather(np.frombuffer(hashlib.sha256(text.encode()).digest(), np.uint8))
    other = next((number for number, digest in enumerate(digests) if (digest != digests[0]).any()), None)
    if other is None:
        return
    client: Any = distributed.global_state.client
    if jax.process_index() in (0, other):
        client.key_value_set(f"about/{jax.process_index()}", text)
    first, second = (
        json.loads(client.blocking_key_value_get(f"about/{number}", MILLISECONDS)) for number in (0, other)
    )
    raise ValueError(
        f"process {other} was started otherwise than process 0: {difference(first, second)}; start all processes with "
        "the same command and the same code"
    )


def difference(first: Mapping[str, str], second: Mapping[str, str]) -> str:
    """What differs, for a message.

    >>> difference({"a": "1", "b": "2"}, {"a": "1", "b": "3"})
    'b is 2 in process 0 and 3 there'
    """
    names = [name for name in dict.fromkeys([*first, *second]) if first.get(name) != second.get(name)]
    return ", ".join(
        f"{name} is {first.get(name, 'absent')} in process 0 and {second.get(name, 'absent')} there" for name in names
    )


def code(config_file: Path | None) -> str:
    """The beginning of the digest of the library's sources and of a config file that brings code of its own."""
    digest = hashlib.sha256(b"" if config_file is None else config_file.read_bytes())
    for path in sorted(path for name in SOURCES for path in (ROOT / name).rglob("*.py")):
        digest.update(f"\n{path.relative_to(ROOT).as_posix()}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:12]
