"""Trains a tiny run of a config on several meshes, in a process with eight devices: `python -m … JSON`."""

import json
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.building.experiment import build, set_hparams, trace
from experiments.building.mesh import run_mesh
from experiments.command_line import config_paths
from experiments.command_line.arguments import OPTIONS, parse
from nn_core.training import population
from nn_core.training.population import make_members, place
from nn_core.training.spread import count_collectives

STEPS = 20
TEXT = {
    "data.name": "generated",
    "data.context_size": 16,
    "data.batch_size": 8,
    "data.evaluation_windows": 4,
    "data.evaluation_batch": 4,
    "train.chunk_steps": STEPS,
    "train.sample_every": 0,
}
GPT = TEXT | {"model.layers_num": 2, "model.heads_num": 2, "model.embedding_dim": 16, "schedule.warmup_steps": 1}
# Twelve layers whose parameters take more memory than what a step of eight windows makes of them.
DEEP = {"model.layers_num": 12, "model.embedding_dim": 128, "model.scan_layers": True, "schedule.warmup_steps": 1}
# family -> config, its changes.
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "gpt": ("gpt_quick", GPT),
    "scanned gpt": ("gpt_quick", GPT | {"model.scan_layers": True}),
    "deep gpt": ("gpt_quick", TEXT | DEEP),
    "accumulated gpt": ("gpt_quick", GPT | {"train.accumulate": 4, "data.batch_size": 32}),
    "recurrent": ("rnn_text", TEXT | {"model.embedding_size": 8, "model.features": 16}),
    "mlp": (
        "digits",
        {"train.chunk_steps": STEPS, "train.eval_every": STEPS, "data.batch_size": 32, "hparams.dropout_rate": 0.3},
    ),
    "cnn": ("digits_cnn", {"data.batch_size": 8, "model.channels": (4, 8), "train.chunk_steps": STEPS}),
    "encoder-decoder": (
        "toy_translation",
        {
            "data.batch_size": 8,
            "model.layers_num": 2,
            "model.heads_num": 2,
            "model.embedding_dim": 16,
            "model.use_bias": False,
            "hparams.epsilon": 1e-5,  # else Adam makes whole steps of the roundings of units that hardly ever fire
            "schedule.warmup_steps": 1,
            "train.chunk_steps": STEPS,
            "train.sample_every": 0,
        },
    ),
    "translator": ("addition", {"data.batch_size": 8, "train.chunk_steps": STEPS, "train.sample_every": 0}),
}


def train(family: str, sizes: tuple[int, int, int]) -> dict[str, Any]:
    """A chunk of steps.

    Args:
        family: of FAMILIES.
        sizes: data, fsdp, tensor.
    Returns:
        losses and gradient norms of every step, norm of the parameters, collectives of the compiled program, its
        temporary bytes on a device and the bytes of all parameters, and into how many parts the largest one is split.
    """
    name, changes = FAMILIES[family]
    arguments = parse([f"--config=configs/{name}.py"], OPTIONS)
    assert arguments is not None
    mesh = dict(zip(("mesh.data", "mesh.fsdp", "mesh.tensor"), sizes, strict=True))
    config = config_paths.apply(arguments.config, changes | mesh)
    hparams = set_hparams(config)
    experiment = build(config, mesh=run_mesh(config))
    traced = trace(experiment, hparams, 1)
    members = place(make_members([config.seed], [hparams]), traced.mesh, by_member=True)
    data = place(experiment.data, traced.mesh, by_member=False)
    state, own = traced.program.start(*members, data), traced.program.prepare(members.keys, data)
    compiled = traced.program.advance.lower(state, *members, own, data, np.int32(STEPS)).compile()
    collectives = count_collectives(compiled.as_text())
    compiled_bytes = compiled.memory_analysis().temp_size_in_bytes
    state, rows = compiled(state, *members, own, data, np.int32(STEPS))
    largest = max(jax.tree.leaves(state.params), key=lambda leaf: leaf.size)
    return {
        "losses": np.asarray(rows["batch_loss"])[0].tolist(),
        "gradient_norms": np.asarray(rows["gradient_norm"])[0].tolist(),
        "norm": float(sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(state.params))),
        "collectives": collectives,
        "temporary": compiled_bytes,
        "parameters": sum(leaf.nbytes for leaf in jax.tree.leaves(state.params)),
        "parts": largest.size // largest.addressable_shards[0].data.size,
    }


if __name__ == "__main__":
    jax.config.update("jax_num_cpu_devices", 8)
    population.COMPILER_OPTIONS.clear()  # as in conftest.py: what is compiled here runs for a moment
    print(json.dumps([train(family, tuple(sizes)) for family, *sizes in json.loads(sys.argv[1])]))
