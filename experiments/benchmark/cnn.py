"""A training step of the demonstration network as the command runs it, against the same network in PyTorch.

3 convolutions and 3 dense layers on 64 images of 28 x 28, Adam: one run, and several seeds as one population, per run. One
session, turns in alternation, ratios per round.
"""

from collections.abc import Callable

import jax
import numpy as np
from ml_collections import ConfigDict

from configs import base
from configs.grid import axis
from experiments.benchmark.timing import alternate, installed, machine, median_ratio
from experiments.benchmark.turns import chunk_turns
from experiments.building.experiment import build
from experiments.training import plan
from nn_core.models.convolution import default_formulation

ROUNDS, STEPS, BATCH, SIZE = 31, 50, 64, 28
MEMBERS = 2  # runs of the population


def get_config() -> ConfigDict:
    """The benchmark's run, without evaluation while it is timed, because the peers do none."""
    config = base.experiment()
    config.model = base.cnn()
    config.data = base.examples("shapes", train=20 * BATCH, validation=BATCH, test=BATCH, num_examples=22 * BATCH)
    config.data.options.size = SIZE
    config.data.batch_size = BATCH
    config.data.standardize = "all"
    config.hparams.learning_rate = 1e-3
    config.train.steps = config.train.eval_every = config.train.chunk_steps = STEPS
    return config


def ours(num_members: int) -> tuple[Callable[[], None], int]:
    """A turn of the compiled chunk of `num_members` runs, and the number of parameters of one."""
    (group,) = plan.group(plan.expand(get_config(), lambda _: axis("seed", range(num_members))))
    return chunk_turns(group, STEPS)


def torch_network(channels_last: bool) -> tuple[Callable[[], None], int]:
    """A turn of the plain PyTorch loop, and the number of parameters."""
    import torch
    from torch import nn

    config = get_config()
    data = build(config).data
    images_NHWC, labels_N = np.asarray(data["inputs"][: config.data.train]), data["targets"][: config.data.train]
    images_NHWC = (images_NHWC - images_NHWC.mean()) / images_NHWC.std()
    device = "cpu" if jax.default_backend() == "cpu" else "cuda"
    images = torch.tensor(images_NHWC, device=device).permute(0, 3, 1, 2).contiguous()
    labels = torch.tensor(labels_N, dtype=torch.int64, device=device)
    layers: list[nn.Module] = []
    for before, after in zip((1, *config.model.channels[:-1]), config.model.channels, strict=True):
        layers += [nn.Conv2d(before, after, config.model.kernel_size, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    sizes = ((SIZE // 8) ** 2 * config.model.channels[-1], *config.model.hidden_sizes, int(labels.max()) + 1)
    layers += [nn.Flatten()]
    for before, after in zip(sizes[:-1], sizes[1:], strict=True):
        layers += [nn.Linear(before, after), nn.ReLU()]
    model = nn.Sequential(*layers[:-1]).to(device)
    if channels_last:
        images = images.to(memory_format=torch.channels_last)
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    epoch: list = []

    def run() -> None:
        for _ in range(STEPS):
            if not epoch:
                epoch.extend(torch.randperm(len(labels), device=device).split(BATCH))
            rows = epoch.pop()
            loss = nn.functional.cross_entropy(model(images[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        loss.item()

    return run, sum(parameter.numel() for parameter in model.parameters())


def main() -> None:
    """Prints the table; a population's time is that of one of its runs."""
    print(machine())
    run, parameters = ours(1)
    name, population = f"nn_core ({default_formulation()})", f"nn_core, {MEMBERS} runs at once"
    contestants = {name: run, population: ours(MEMBERS)[0]}
    if installed("torch"):
        for peer, channels_last in {"PyTorch, eager": False, "PyTorch, channels last": True}.items():
            contestants[peer], same = torch_network(channels_last)
            assert same == parameters
    print(f"3 conv + 3 dense on {BATCH} x {SIZE} x {SIZE}, Adam: {parameters:,} parameters\n")
    for function in contestants.values():
        function()
    times = dict(zip(contestants, alternate(list(contestants.values()), ROUNDS, pause=0.3), strict=True))
    times[population] = [seconds / MEMBERS for seconds in times[population]]
    for contestant, measured in times.items():
        step = float(np.median(measured)) / STEPS
        ratios = "".join(
            f"   {median_ratio(measured, times[rival]):.2f}x the time of {rival}"
            for rival in (name, population)
            if rival != contestant
        )
        print(f"  {contestant:24s} {step * 1e3:8.2f} ms a step {BATCH / step:10,.0f} images/s{ratios}", flush=True)
