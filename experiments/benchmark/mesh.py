"""One run on a mesh: does splitting its batch over the devices pay, what does the sharded program cost on one device, and
how much memory does the compiled program take, beside the estimate that refuses runs which are too large.

On a CPU the devices are the cores. One device uses all of them already, inside its matrix products; the mesh gives each
core its half of the batch, element-wise work included. `config.mesh.data` is chosen by this table where it is unset.
"""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from configs import base
from experiments.benchmark import cnn
from experiments.benchmark.timing import alternate, machine, median_ratio
from experiments.benchmark.turns import chunk_turns
from experiments.building.experiment import build, first_batch, set_hparams, trace
from experiments.building.memory import copies_on, demand, show_bytes
from experiments.training import plan
from nn_core.training.population import shapes_on
from nn_core.training.sharding import MeshShape, make_run_mesh

ROUNDS, STEPS = 9, 20


def mlp() -> ConfigDict:
    """The smallest network: 64-128-128-10 on digits, batch 64."""
    config = base.experiment()
    config.model = base.mlp((128, 128))
    config.data = base.examples("digits", train=1024, validation=64, test=64)
    config.data.batch_size = 64
    return config


def gpt(layers_num: int, embedding_dim: int, context_size: int, batch_size: int) -> ConfigDict:
    """A GPT on generated text."""
    config = base.experiment()
    config.task = base.language()
    config.model = base.gpt(layers_num=layers_num, heads_num=embedding_dim // 32, embedding_dim=embedding_dim)
    config.data = base.text("generated", context_size=context_size, batch_size=batch_size)
    config.data.evaluation_windows = config.data.evaluation_batch = batch_size
    return config


MODELS: dict[str, Callable[[], ConfigDict]] = {
    "MLP 64-128-128-10": mlp,
    "CNN, 3 + 3 layers": cnn.get_config,
    "GPT, 4 layers of 128": lambda: gpt(4, 128, 64, 64),
    "GPT, 6 layers of 384": lambda: gpt(6, 384, 256, 16),
}


def group_on(config: ConfigDict, devices: list[jax.Device] | None) -> plan.Group:
    """A run whose batch is split over some devices; None: the program that knows no mesh."""
    mesh = None if devices is None else make_run_mesh(MeshShape(), devices)
    experiment = build(config, mesh=mesh)
    traced = trace(experiment, set_hparams(config), 1)
    return plan.Group([plan.Member(0, {}, config)], experiment, traced)


def memory(group: plan.Group) -> tuple[int, int]:
    """Bytes that the estimate asks for, and that the compiled program takes: its arguments and its temporaries."""
    experiment, traced, config = group.experiment, group.traced, group.members[0].config
    members = plan.members_of([config])
    shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), members)
    keys, hparams = shapes_on(traced.mesh, shapes, by_member=True)
    data = shapes_on(traced.mesh, experiment.data, by_member=False)
    own = jax.eval_shape(traced.program.prepare, keys, data)
    batch: Any = jax.eval_shape(
        jax.vmap(lambda data, own: first_batch(experiment.task, data, own), (None, 0), axis_size=1), data, own
    )
    needed = demand(traced.state, traced.state.params, batch, experiment.data, own, data_copies=copies_on(traced.mesh))
    advance: Any = traced.program.advance  # jitted
    compiled = advance.lower(traced.state, keys, hparams, own, data, np.int32(STEPS)).compile()
    taken = compiled.memory_analysis()
    return needed.total, taken.argument_size_in_bytes + taken.temp_size_in_bytes


def main() -> None:
    """Prints a line for each model: step times, ratios, memory."""
    print(machine())
    devices = jax.local_devices()
    print(f"a training step: no mesh, a mesh of one device, data={len(devices)}; medians over {ROUNDS} rounds\n")
    for name, make in MODELS.items():
        config = make()
        config.train.steps = config.train.eval_every = config.train.chunk_steps = STEPS
        config.hparams.learning_rate = 1e-3
        groups = [group_on(config, None), group_on(config, devices[:1]), group_on(config, devices)]
        turns = [chunk_turns(group, STEPS)[0] for group in groups]
        for turn in turns:
            turn()
        plain, one, split = alternate(turns, ROUNDS)
        estimate, taken = memory(groups[0])
        print(
            f"  {name:22s} {1e3 * float(np.median(plain)) / STEPS:8.2f} ms   one device "
            f"{median_ratio(one, plain):.3f}x the time, {len(devices)} devices {median_ratio(plain, split):.2f}x the "
            f"speed   estimate {show_bytes(estimate)}, compiled {show_bytes(taken)}",
            flush=True,
        )
