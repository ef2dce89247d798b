"""The cost of durability: how much saving lengthens a training at the default cadence, and the time of a second start.

Three contestants take turns, so that a drifting machine affects all alike: a training that saves nothing, one that saves
every 30 s (the default), and one that saves after every chunk. The first two differ by less than the noise, so the cost
at the default cadence is also derived: the extra time of a save divided by the time between two saves.
"""

import functools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ml_collections import ConfigDict

from configs import gpt_quick
from configs.grid import Sweep, axis, product
from experiments.benchmark import sweep as sweep_benchmark
from experiments.benchmark.timing import alternate, machine
from experiments.run_directory.population_store import Store, open_store
from experiments.run_directory.results import METRICS
from experiments.training import plan
from experiments.training.loop import Hooks, train
from experiments.training.population import Population, cut, make_cadence, make_feed, make_policy
from nn_core.training.population import place

ROUNDS = 3
DEFAULT_SECONDS = 30.0
NEVER = 1e9  # seconds between two saves: only the last state is saved
ROOT = Path(__file__).resolve().parents[2]


class Cost(NamedTuple):
    """Medians over the rounds.

    Attributes:
        plain: seconds of the training when only its end is saved.
        default: the same at the default cadence.
        often: the same with a save after every chunk.
        saves: number of saves of the last one.
    """

    plain: float
    default: float
    often: float
    saves: int

    @property
    def per_save(self) -> float:
        """Seconds that a save adds to the training."""
        return max(self.often - self.plain, 0.0) / self.saves


class CountingStore:
    """Counts the saves of a store."""

    def __init__(self, store: Store):
        self.store, self.saves = store, 0

    def save(self, *arguments: object) -> None:
        before = self.store.last_save
        self.store.save(*arguments)  # type: ignore[arg-type]
        self.saves += self.store.last_save != before


def text_config() -> ConfigDict:
    """The character GPT of configs/gpt_quick.py on the text that needs no download, shortened."""
    config = gpt_quick.get_config()
    config.train.steps, config.schedule.warmup_steps = 600, 50
    return config


def population_of(config: ConfigDict, get_sweep: Callable[[ConfigDict], Sweep] | None) -> Population:
    """The one population of a config or sweep."""
    groups = plan.group(plan.expand(config, get_sweep))
    (population,) = cut(groups, Path(), config)
    return population


def measure(population: Population) -> Cost:
    """Trains repeatedly with each cadence in turn; the first round compiles and is not counted."""
    config = population.members[0].config
    experiment = population.group.experiment
    program, mesh = population.group.traced.program, population.group.traced.mesh
    members = place(population.arrays, mesh, by_member=True)
    data = place(experiment.data, mesh, by_member=False)
    saves = 0

    def once(every_seconds: float) -> None:
        nonlocal saves
        policy = make_policy(population)._replace(every_seconds=every_seconds)
        with tempfile.TemporaryDirectory() as folder, open_store(Path(folder), policy) as store:
            store.log([])
            counting = CountingStore(store)
            hooks = Hooks(log=store.log, save=counting.save, feed=make_feed(experiment, population.arrays))
            train(program, data, members, make_cadence(config), experiment.settings.chunk_steps, hooks)
            saves = counting.saves

    once(NEVER)
    contestants = [functools.partial(once, every_seconds) for every_seconds in (NEVER, DEFAULT_SECONDS, 0.0)]
    plain, default, often = map(statistics.median, alternate(contestants, ROUNDS))
    return Cost(plain, default, often, saves)


def tell(name: str, cost: Cost) -> None:
    """Two lines: the measured times, and the derived share."""
    default, often = (100 * (value / cost.plain - 1) for value in (cost.default, cost.often))
    print(f"{name}: {cost.plain:.1f} s without saving; every {DEFAULT_SECONDS:.0f} s {default:+.1f} %; ", end="")
    print(f"after every chunk ({cost.saves} saves) {often:+.1f} %")
    share = 100 * cost.per_save / DEFAULT_SECONDS
    print(f"  a save lengthens the training by {1000 * cost.per_save:.0f} ms: {share:.2f} % at the default cadence")


def seconds_to_first_step(cache: Path) -> float:
    """The time from the start of a process until the GPT's first step is in the log, after its evaluation and sample."""
    with tempfile.TemporaryDirectory() as folder:
        counts = {"train.steps": 2, "train.chunk_steps": 1, "train.log_every": 1, "schedule.warmup_steps": 0}
        command = [sys.executable, "-m", "experiments.run", "--config=configs/gpt_quick.py", f"--workdir={folder}/run"]
        command += [f"--config.{key}={value}" for key, value in counts.items()] + ["--config.figures=()"]
        environment = os.environ | {"NN_CORE_COMPILATION_CACHE": str(cache)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # compiling Python sources is not part of a start
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        log = Path(folder, "run", METRICS)
        while process.poll() is None and not (log.is_file() and '"step": 1,' in log.read_text(encoding="utf-8")):
            time.sleep(0.01)
        taken = time.perf_counter() - start
        if process.wait() != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
        return taken


def main() -> None:
    """Prints the costs and the ratio of the starts."""
    print(machine())
    tell("character GPT (4 layers, width 128)", measure(population_of(text_config(), None)))
    overrides = product(axis("hparams.l2", (1e-5, 1e-4, 1e-3, 1e-2)), axis("seed", range(16)))
    config = sweep_benchmark.get_config()
    config.train.steps = 2000
    tell(f"sweep of {len(overrides)} MLPs", measure(population_of(config, lambda _: overrides)))
    with tempfile.TemporaryDirectory() as cache:
        first = seconds_to_first_step(Path(cache))
        again = statistics.median(seconds_to_first_step(Path(cache)) for _ in range(ROUNDS))
    print(f"first step of the GPT: first start {first:.1f} s, second {again:.1f} s, ratio {again / first:.2f}")
