"""Saves and restores one state in two real processes: `python -m … FOLDER PORT PROCESS`; prints a line of JSON."""

import json
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from nn_core.training import stored_arrays
from nn_core.training.checkpoint import barrier, open_checkpoints, save
from nn_core.training.manifest import CheckpointError
from nn_core.training.restore import restore_latest

KERNEL = np.arange(6 * 8, dtype=np.float32).reshape(6, 8)
BIAS = np.arange(5, dtype=np.float32)


def put(array: np.ndarray, sharding: NamedSharding) -> jax.Array:
    return jax.make_array_from_callback(array.shape, sharding, lambda index: array[index])


def shape(array: np.ndarray, sharding: NamedSharding) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(array.shape, array.dtype, sharding=sharding)


def holds(array: jax.Array) -> bool:
    """Whether every part that this process has is the kernel's."""
    return all(np.array_equal(shard.data, KERNEL[shard.index]) for shard in array.addressable_shards)


def reads() -> list[int]:
    """From now on, the number of elements of each piece that is read."""
    sizes, begin = [], stored_arrays.begin

    def noted(kind, name, *rest):
        reading = begin(kind, name, *rest)
        sizes.extend(int(np.prod(box.shape)) for box, _, _ in reading.pieces if name == "kernel")
        return reading

    stored_arrays.begin = noted
    return sizes


def main(folder: Path, process: int) -> dict:
    mesh = Mesh(np.asarray(jax.devices()).reshape(2, 2), ("fsdp", "tensor"))
    both, whole = NamedSharding(mesh, P("fsdp", "tensor")), NamedSharding(mesh, P())
    told = {}
    with open_checkpoints(folder, keep_latest=9) as checkpointer:
        for step in (1, 2, 3):
            params = {"kernel": put(KERNEL, both), "bias": put(BIAS, whole)}
            save(checkpointer, step, params, {"step": jnp.int32(step)}, {})
        bad = KERNEL.copy()
        bad[5, 7] = np.nan  # the second process has it
        try:
            save(checkpointer, 4, {"kernel": put(bad, both), "bias": BIAS}, {"step": jnp.int32(4)}, {})
        except CheckpointError as error:
            told["not finite"] = str(error)
        if process == 1:  # what only one process reads of the newest step is damaged
            (large,) = sorted((folder / "3").glob("params/ocdbt.process_1/d/*"))[:1]
            large.write_bytes(large.read_bytes()[:-1] + b"\x00")
        barrier("damaged")
        across = NamedSharding(mesh, P(None, "fsdp"))
        for name, sharding in (("damaged", both), ("same", both), ("across", across), ("copies", whole)):
            sizes = reads()
            target = {"kernel": shape(KERNEL, sharding), "bias": shape(BIAS, whole)}
            restored = restore_latest(checkpointer, target, {"step": jax.ShapeDtypeStruct((), jnp.int32)})
            assert restored is not None and restored.params["kernel"].sharding == sharding
            told[name] = [restored.step, holds(restored.params["kernel"]), sum(sizes), list(restored.notes)]
            barrier(name)
    return told


if __name__ == "__main__":
    jax.config.update("jax_num_cpu_devices", 2)
    jax.distributed.initialize(f"127.0.0.1:{sys.argv[2]}", 2, int(sys.argv[3]))
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[3]))))
