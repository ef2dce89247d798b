"""Starts a run from a checkpoint, freezes parts of it and prunes it, as config.transfer and config.pruning say."""

from typing import Any

from ml_collections import ConfigDict

from experiments.building.sources import load_source
from experiments.command_line.choices import choose
from nn_core.alignment.by_seed import start_by_seed
from nn_core.tasks.base import Hparams, Task
from nn_core.training.step import MakeOptimizer
from nn_core.transfer.fine_tuning import fine_tune, start_from
from nn_core.transfer.pruning import SCOPES, Pruning, check_pruning, prune
from nn_core.transfer.rules import LOAD, check_load, check_train

ALL_LOADED, ALL_TRAINED = (("*", LOAD),), (("*", 1.0),)


def transferred(config: ConfigDict, task: Task, make_optimizer: MakeOptimizer) -> tuple[Task, MakeOptimizer]:
    """The task with another start, and the optimizer with parts that are frozen, slower or pruned.

    Raises:
        ValueError: no checkpoint there, or impossible lists and schedules. What does not fit the parameters is reported when
            the run is traced, before anything is compiled.
    """
    section = config.transfer
    check_load(section.load)
    check_train(section.train)
    make_optimizer = with_pruning(config, make_optimizer)
    if section.source is not None:
        if section.by_seed:
            stack = load_source(section.source, "transfer.source", step=section.step, by_seed=True).stack
            task = start_by_seed(task, stack, section.load)
        else:
            task = start_from(task, source_params(section), section.load)
    elif section.load != ALL_LOADED:
        raise ValueError(f"config.transfer.load={section.load} needs config.transfer.source, the directory of a run")
    if section.train == ALL_TRAINED:
        return task, make_optimizer
    inexact = config.optimizer.proximal or config.hparams.sparsity is not None
    if inexact and any(factor not in (0, 1) for _, factor in section.train):
        raise ValueError(
            f"config.transfer.train={section.train} scales updates, which then miss the exact zeros of "
            "optimizer.proximal and hparams.sparsity; use the factors 0 and 1 with them"
        )
    return fine_tune(task, make_optimizer, section.train)


def source_params(section: ConfigDict) -> Any:
    """The parameters that config.transfer names.

    Raises:
        ValueError: there is no such run, member or step, or none that is sound.
    """
    source = load_source(section.source, "transfer.source", step=section.step, member=section.member)
    return source.stored.params


def with_pruning(config: ConfigDict, make_optimizer: MakeOptimizer) -> MakeOptimizer:
    """The optimizer that prunes where hparams.sparsity is set.

    Raises:
        ValueError: sparsity without a schedule, or an impossible schedule.
    """
    if "pruning" not in config:
        if config.hparams.sparsity is not None:
            raise ValueError(
                f"config.hparams.sparsity={config.hparams.sparsity:g} needs a section config.pruning, which this config "
                "lacks; start from configs/pruning.py, or set config.pruning = base.pruning(begin=…, end=…)"
            )
        return make_optimizer
    section = config.pruning
    choose(section.scope, dict.fromkeys(SCOPES), "pruning.scope")
    schedule = Pruning(section.begin, section.end, section.every, section.scope)
    check_pruning(schedule)
    if section.end > config.train.steps:
        raise ValueError(
            f"config.pruning.end={section.end} is after the last of config.train.steps={config.train.steps} updates; "
            "lower it, or the run ends with too few zeros"
        )

    def make(hparams: Hparams) -> Any:
        optimizer = make_optimizer(hparams)
        return prune(optimizer, hparams["sparsity"], schedule) if "sparsity" in hparams else optimizer

    return make
