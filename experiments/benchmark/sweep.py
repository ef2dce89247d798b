"""A sweep of MLPs as one program, against the same runs in a jitted loop one by one and in PyTorch.

64-128-128-10, batch 64, 1,000 Adam steps on digits; L2 strength x seed.
"""

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor

import jax
import numpy as np
from ml_collections import ConfigDict

from configs import base
from configs.grid import axis, product
from experiments.benchmark.timing import installed, machine
from experiments.command_line.devices import cores
from experiments.run_directory.results import Row
from experiments.training import plan
from experiments.training.loop import Cadence, Hooks, train
from nn_core.training.population import place

STEPS, BATCH, TORCH_RUNS = 1000, 64, 4


def get_config() -> ConfigDict:
    """The benchmark's run, evaluated only at start and end, because the peers do not evaluate."""
    config = base.experiment()
    config.model = base.mlp(hidden_sizes=(128, 128))
    config.data = base.examples("digits", train=1280, validation=217, test=300)
    config.data.batch_size = BATCH
    config.hparams.learning_rate = 1e-3
    config.train.steps, config.train.eval_every, config.train.log_every = STEPS, STEPS, STEPS
    config.train.evaluate_train = False
    config.train.chunk_steps = STEPS // 2  # the next call draws an unfinished epoch again, which costs 15 % at 100
    return config


def run_population(num_members: int) -> tuple[float, float, float]:
    """Trains a population; returns (seconds with compilation, seconds of a second pass, mean test accuracy)."""
    overrides = product(
        axis("hparams.l2", np.geomspace(1e-6, 1e-2, 8).tolist()), axis("seed", range(-(-num_members // 8)))
    )
    config = get_config()
    config.train.max_members = num_members
    start = time.perf_counter()
    members = plan.expand(config, lambda _: overrides[:num_members])
    (group,) = plan.group(members)
    cut = plan.parts(group, num_members, len(jax.local_devices()))
    populated, mesh = group.traced.program, group.traced.mesh
    data = place(group.experiment.data, mesh, by_member=False)
    population = place(cut[0][1], mesh, by_member=True)
    cadence = Cadence(STEPS, STEPS, STEPS)
    hooks = Hooks(lambda rows: None, lambda step, rows: None)

    def once() -> list[Row]:
        return train(populated, data, population, cadence, group.experiment.settings.chunk_steps, hooks)[1]

    rows = once()
    cold = time.perf_counter() - start
    start = time.perf_counter()
    once()
    accuracy = float(np.mean([row["test_accuracy"] for row in rows]))
    return cold, time.perf_counter() - start, accuracy


def torch_loop(runs: int) -> tuple[float, float]:
    """Seconds per run of a plain PyTorch loop, and its test accuracy."""
    import torch
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    start, accuracies = time.perf_counter(), []
    for run in range(runs):
        torch.manual_seed(run)
        order = torch.randperm(len(images))
        x = torch.tensor(images, dtype=torch.float32)[order]
        y = torch.tensor(labels)[order]
        mean, std = x[:1280].mean(0), x[:1280].std(0)
        x = (x - mean) / torch.where(std > 0, std, torch.ones(()))
        model = torch.nn.Sequential(
            torch.nn.Linear(64, 128),
            torch.nn.ReLU(),
            torch.nn.Linear(128, 128),
            torch.nn.ReLU(),
            torch.nn.Linear(128, 10),
        )
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        kernels = [layer.weight for layer in model if isinstance(layer, torch.nn.Linear)]
        epoch: list = []
        for _ in range(STEPS):
            if not epoch:
                epoch = list(torch.randperm(1280).split(BATCH))
            rows = epoch.pop()
            loss = torch.nn.functional.cross_entropy(model(x[rows]), y[rows])
            loss = loss + 1e-4 * sum((kernel**2).sum() for kernel in kernels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            accuracies.append((model(x[-300:]).argmax(1) == y[-300:]).float().mean().item())
    return (time.perf_counter() - start) / runs, float(np.mean(accuracies))


def torch_processes(runs: int) -> float:
    """Seconds per run if each core has a single-threaded process that loops over its own runs."""
    processes = cores()
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, spawn, initializer=one_thread) as pool:
        list(pool.map(torch_loop, [1] * processes))  # starts the processes
        start = time.perf_counter()
        list(pool.map(torch_loop, [runs] * processes))
        return (time.perf_counter() - start) / (runs * processes)


def one_thread() -> None:
    """Binds a process to one core."""
    import torch

    torch.set_num_threads(1)


def line(name: str, ms: float, ratios: dict[str, float], accuracy: float) -> str:
    """One contestant."""
    told = "  ".join(f"{peer} / ours {ratio:5.1f}x" for peer, ratio in ratios.items())
    return f"{name:44s} {ms:8.1f} ms a run   test accuracy {accuracy:.3f}   {told}"


def main() -> None:
    """Prints the table; "cold" includes tracing and compilation, with nothing from an earlier process."""
    jax.config.update("jax_enable_compilation_cache", False)
    print(machine())
    print(f"MLP 64-128-128-10, batch {BATCH}, {STEPS} Adam steps on digits, L2 strength x seed\n")
    peers: dict[str, float] = {}
    if installed("torch"):
        torch_loop(1)
        peers["PyTorch"], accuracy = torch_loop(TORCH_RUNS)
        print(line("PyTorch loop, one run after the other", peers["PyTorch"] * 1e3, {}, accuracy))
        peers["PyTorch on each core"] = torch_processes(TORCH_RUNS)
        print(line("PyTorch, a process on each core", peers["PyTorch on each core"] * 1e3, {}, accuracy))
    _, peers["jitted loop"], accuracy = run_population(1)
    print(line("jitted loop, one run after the other", peers["jitted loop"] * 1e3, {}, accuracy))
    for size in (8, 64, 256, 1000):
        cold, warm, accuracy = run_population(size)
        for name, total in (("cold", cold), ("steady", warm)):
            ratios = {peer: seconds * size / total for peer, seconds in peers.items()}
            print(line(f"population of {size}, {name}", total / size * 1e3, ratios, accuracy), flush=True)
