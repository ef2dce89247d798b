"""Starts a run from a checkpoint, freezes parts of it and prunes it, as config.transfer and config.pruning say."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from ml_collections import ConfigDict

from experiments.building.backbones import source_of
from experiments.building.records import PRETRAINED, TEXT_CLASS
from experiments.building.sources import load_source
from experiments.command_line.choices import choose
from nn_core.alignment.by_seed import start_by_seed
from nn_core.tasks.base import Data, Hparams, Task
from nn_core.training.manifest import describe, mismatch, named_leaves, nested
from nn_core.training.step import MakeOptimizer
from nn_core.transfer.fine_tuning import fine_tune, start_from
from nn_core.transfer.lora import BASE, Lora, target_kernels, with_lora
from nn_core.transfer.pruning import SCOPES, Pruning, check_pruning, prune
from nn_core.transfer.rules import LOAD, NEW, assign, check_load, check_train, paths

ALL_LOADED, ALL_TRAINED = (("*", LOAD),), (("*", 1.0),)


def transferred(
    config: ConfigDict, form: str, task: Task, data: Data, make_optimizer: MakeOptimizer
) -> tuple[Task, Data, MakeOptimizer]:
    """The task with another start or with adapters, its data, and the optimizer with frozen, slower or pruned parts.

    Args:
        config: of the run.
        form: of the task's problem.
        task, data, make_optimizer: as they are without config.transfer.

    Raises:
        ValueError: no checkpoint there, or impossible lists and schedules. What does not fit the parameters is reported when
            the run is traced, before anything is compiled.
    """
    section = config.transfer
    check_load(section.load)
    check_train(section.train, all_frozen=config.hparams.lora_alpha is not None)
    make_optimizer = with_pruning(config, make_optimizer)
    if section.source is None and section.load != ALL_LOADED:
        raise ValueError(
            f"config.transfer.load={section.load} needs config.transfer.source, a run directory or a folder"
        )
    if config.hparams.lora_alpha is not None:
        return *with_adapters(config, form, task, data), make_optimizer
    if config.model.name == PRETRAINED:
        task = counting(task, partial(trained_share, section.train))
    if section.source is not None and section.by_seed:
        stack = load_source(section.source, "transfer.source", step=section.step, by_seed=True).stack
        task = start_by_seed(task, stack, section.load)
    elif section.source is not None:
        task = start_from(task, source_params(config, form), section.load)
    if section.train == ALL_TRAINED:
        return task, data, make_optimizer
    inexact = config.optimizer.proximal or config.hparams.sparsity is not None
    if inexact and any(factor not in (0, 1) for _, factor in section.train):
        raise ValueError(
            f"config.transfer.train={section.train} scales updates, which then miss the exact zeros of "
            "optimizer.proximal and hparams.sparsity; use the factors 0 and 1 with them"
        )
    task, make_optimizer = fine_tune(task, make_optimizer, section.train)
    return task, data, make_optimizer


def source_params(config: ConfigDict, form: str) -> Any:
    """The parameters that config.transfer names, in the places where the config's model has them: below a new head where
    the form of the problem is a class of a text.

    Raises:
        ValueError: there is no such run, member, step or folder, or none that is sound.
    """
    source = source_of(config.transfer)
    below = config.model.name == PRETRAINED and form == TEXT_CLASS
    return {"backbone": source.backbone_params} if below else source.params


def with_adapters(config: ConfigDict, form: str, task: Task, data: Data) -> tuple[Task, Data]:
    """The task of learning adapters over a frozen base, which is put into the data: members of a sweep share it.

    Raises:
        ValueError: no source, no config.lora, or a base that the rules do not describe.
    """
    section = config.transfer
    if "lora" not in config:
        raise ValueError("config.hparams.lora_alpha needs a section config.lora; set config.lora = base.lora(rank=…)")
    if section.source is None:
        raise ValueError("config.hparams.lora_alpha needs --config.transfer.source=PLACE, whose network is adapted")
    if task.update is not None:
        raise ValueError(
            f"config.hparams.lora_alpha has no adapters for the task {config.task.name!r}, whose policy and reference are two "
            "whole networks; leave it out"
        )
    if config.train.accumulate != 1 or config.optimizer.proximal:
        raise ValueError("LoRA goes with config.train.accumulate=1 and optimizer.proximal=False only; set them so")
    lora = Lora(config.lora.rank, tuple(config.lora.targets))
    hparams = {name: 0.5 for name, value in config.hparams.items() if value is not None}
    drawn = jax.eval_shape(task.init, jax.random.key(0), hparams)
    source = source_params(config, form)
    rules = kinds(drawn, section.load, section.train)
    base = transplanted(drawn, source, rules)
    whole = tuple((name, LOAD if kind == (LOAD, True) else NEW) for name, kind in rules.items())
    if any(kind == LOAD for _, kind in whole):
        task = start_from(task, source, whole)
    share = partial(adapted_share, lora, section.train, drawn)
    return counting(with_lora(task, lora, section.train), lambda params: share()), data | {BASE: base}


def kinds(params: Any, load: Any, train: Any) -> dict[str, tuple[str, bool]]:
    """path -> (load or new, whether it is trained whole).

    Raises:
        ValueError: what is drawn anew and then frozen never learns.
    """
    names = paths(params)
    loaded, factors = assign(names, load, "transfer.load"), assign(names, train, "transfer.train")
    for name in names:
        if loaded[name] == NEW and not factors[name]:
            raise ValueError(
                f"parameter {name} is new and frozen; load it, or train it: config.transfer.train=((PATTERN, 1.0), …)"
            )
    return {name: (loaded[name], bool(factors[name])) for name in names}


def transplanted(drawn: Any, source: Any, rules: dict[str, tuple[str, bool]]) -> Any:
    """The frozen parameters, from the source."""
    wanted, found = named_leaves(drawn), named_leaves(source)
    frozen = [name for name, (_, trained) in rules.items() if not trained]
    needed, offered = describe({name: wanted[name] for name in frozen}), describe(found)
    if any(offered.get(name) != entry for name, entry in needed.items()):
        raise ValueError(
            f"config.transfer.source does not fit the model (- source, + model): {mismatch(offered, needed)}"
        )
    return nested({name: found[name] for name in frozen})


def trained_share(train: Any, params: Any) -> float:
    """Share of the parameters that learn."""
    leaves, factors = named_leaves(params), assign(paths(params), train, "transfer.train")
    return sum(leaf.size for name, leaf in leaves.items() if factors[name]) / sum(leaf.size for leaf in leaves.values())


def adapted_share(lora: Lora, train: Any, drawn: Any) -> float:
    """Adapters and what is trained whole, over the parameters of the network."""
    leaves, factors = named_leaves(drawn), assign(paths(drawn), train, "transfer.train")
    whole = sum(leaf.size for name, leaf in leaves.items() if factors[name])
    adapters = sum(
        lora.rank * sum(leaves[name].shape) for name in target_kernels(drawn, lora.targets) if not factors[name]
    )
    return (whole + adapters) / sum(leaf.size for leaf in leaves.values())


def counting(task: Task, share: Callable[[Any], float]) -> Task:
    """A task whose results also tell the share of parameters that learn."""

    def tell(params: Any, data: Data, hparams: Hparams, key: Array) -> dict[str, Array]:
        return task.describe(params, data, hparams, key) | {"trained_share": jnp.float32(share(params))}

    return task._replace(describe=tell)


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
