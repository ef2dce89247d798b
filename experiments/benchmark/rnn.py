"""Training speed of an LSTM as the library runs it, against the same network in PyTorch on the same CPU.

Batch 64, 64 steps, 64 inputs, 256 units; one layer whose every state has a target, plain descent. One session, turns in
alternation, the ratio of each round.

Measured (2026-11-23, 2 idle x86 cores): LSTM 37.3 ms a step, 1.08 times as fast as PyTorch 2.13; GRU 37.1 ms,
1.36 times; vanilla 11.3 ms, 1.62 times.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from experiments.benchmark.timing import alternate, installed, machine, median_ratio
from nn_core.losses import mean_squared_error
from nn_core.models.recurrent.layers import RecurrentLayer

BATCH, TIME, INPUTS, UNITS = 64, 64, 64, 256
STEPS, ROUNDS, RATE = 10, 9, 0.1
CELLS = ("lstm", "gru", "vanilla")


def make_data() -> tuple[np.ndarray, np.ndarray]:
    """Inputs (T, B, D) and targets (T, B, H)."""
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(TIME, BATCH, INPUTS)).astype(np.float32)
    return inputs, 0.1 * generator.normal(size=(TIME, BATCH, UNITS)).astype(np.float32)


def ours(cell: str) -> Callable[[], None]:
    """A turn: STEPS updates in one scan."""
    inputs_TBD, targets_TBH = map(jnp.asarray, make_data())
    model = RecurrentLayer(cell, UNITS)

    def loss(params: dict) -> jax.Array:
        return mean_squared_error(model.apply({"params": params}, inputs_TBD)[1], targets_TBH)  # type: ignore[arg-type]

    def step(params: dict, _: None) -> tuple[dict, jax.Array]:
        value, gradient = jax.value_and_grad(loss)(params)
        return jax.tree.map(lambda p, g: p - RATE * g, params, gradient), value

    advance = jax.jit(lambda params: jax.lax.scan(step, params, None, length=STEPS), donate_argnums=0)
    params = jax.jit(model.init)(jax.random.key(0), inputs_TBD)["params"]

    def run() -> None:
        nonlocal params
        params, losses = advance(params)
        jax.block_until_ready(losses)

    return run


def theirs(cell: str) -> Callable[[], None]:
    """The same in PyTorch."""
    import torch

    inputs, targets = map(torch.as_tensor, make_data())
    make = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "vanilla": torch.nn.RNN}[cell]
    model = make(INPUTS, UNITS)
    optimizer = torch.optim.SGD(model.parameters(), RATE)

    def run() -> None:
        for _ in range(STEPS):
            optimizer.zero_grad(set_to_none=True)
            torch.nn.functional.mse_loss(model(inputs)[0], targets).backward()
            optimizer.step()

    return run


def main() -> None:
    """Prints the table."""
    print(machine())
    for cell in CELLS:
        contestants = {"nn_core": ours(cell)} | ({"PyTorch": theirs(cell)} if installed("torch") else {})
        for function in contestants.values():
            function()
        times = dict(zip(contestants, alternate(list(contestants.values()), ROUNDS, pause=0.3), strict=True))
        print(f"\n{cell}: batch {BATCH}, {TIME} steps, {INPUTS} inputs, {UNITS} units")
        for name, measured in times.items():
            ratio = (
                "" if name == "nn_core" else f"   nn_core is {median_ratio(measured, times['nn_core']):.2f}x as fast"
            )
            print(f"  {name:8s} {float(np.median(measured)) / STEPS * 1e3:7.1f} ms a training step{ratio}", flush=True)
