"""Low-rank adaptation: learns a small matrix product beside each frozen matrix (Hu et al. 2021; F075, F180).

    y = x W + scale (dropout(x) A) B,   A (D, r) drawn,  B (r, F) = 0 at the start,   scale = alpha / r

The base parameters are data: a population over seeds, learning rates and alphas shares one copy of them, and no
gradient or optimizer state of their size exists. Merged, W + scale A B is an ordinary network again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from nn_core.models.layers import Dense
from nn_core.regularizers import dropout
from nn_core.tasks.base import Batch, Data, Hparams, Metrics, Params, Plan, Task
from nn_core.training.manifest import named_leaves, nested
from nn_core.transfer.rules import Rule, assign

KERNEL = "/kernel"
ADAPTERS, TRAINED, BASE, INNER = "adapters", "trained", "base", "inner"
ALPHA, RATE = "lora_alpha", "lora_dropout"  # hparams
_SHOWN = 4


class Lora(NamedTuple):
    """The structure of an adaptation.

    Attributes:
        rank: r >= 1, the columns of A.
        targets: patterns of the kernels that get a pair, such as "*/attention/*/kernel".
    """

    rank: int
    targets: tuple[str, ...]


def target_kernels(params: Params, targets: Sequence[str]) -> list[str]:
    """Paths of the kernels that the patterns name, in the tree's order.

    Args:
        params: parameters, or their shapes.
        targets: patterns over whole paths, `*` for anything.
    Raises:
        ValueError: a pattern that matches no kernel of two axes.
    """
    leaves = named_leaves(params)
    found: set[str] = set()
    for pattern in targets:
        kernels = [name for name in leaves if name.endswith(KERNEL) and fnmatchcase(name, pattern)]
        wrong = [name for name in kernels if len(leaves[name].shape) != 2]
        if wrong:
            raise ValueError(
                f"LoRA adapts dense kernels of two axes, and {wrong[0]} has the shape {leaves[wrong[0]].shape}; "
                "take it out of the targets (a scanned stack: use model.scan_layers=False)"
            )
        if not kernels:
            known = [name for name in leaves if name.endswith(KERNEL)]
            raise ValueError(f"LoRA target {pattern!r} matches no kernel; there are {', '.join(known[:_SHOWN])}, …")
        found.update(kernels)
    return [name for name in leaves if name in found]


def init_adapters(key: Array, params: Params, lora: Lora) -> Params:
    """A pair for each kernel: A uniform in ±1/sqrt(D) (PEFT's start), B zero, so that the first outputs are the base's.

    Args:
        key: what A is drawn with, by the kernel's place.
        params: the base's parameters, or their shapes.
        lora: rank and targets.
    Returns:
        {"a": (D, r), "b": (r, F)} in float32 in the place of each layer, nested like the parameters.
    Raises:
        ValueError: a rank that no kernel has, or targets that match nothing.
    """
    leaves, adapters = named_leaves(params), {}
    for place, name in enumerate(target_kernels(params, lora.targets)):
        inputs, outputs = leaves[name].shape
        if not 1 <= lora.rank <= min(inputs, outputs):
            raise ValueError(f"LoRA rank {lora.rank} is outside 1..{min(inputs, outputs)}, the rank of {name}")
        bound = inputs**-0.5
        a_DR = jax.random.uniform(jax.random.fold_in(key, place), (inputs, lora.rank), minval=-bound, maxval=bound)
        adapters[name.removesuffix(KERNEL)] = {"a": a_DR, "b": jnp.zeros((lora.rank, outputs))}
    return nested(adapters)


@contextmanager
def adapted(adapters: Params, scale: Array | float, rate: Array | float | None = None) -> Iterator[None]:
    """Inside this context every dense layer with a pair adds its part; apply modules with the base's parameters.

    Args:
        adapters: from `init_adapters`, for the module that is applied, by its paths.
        scale: alpha / r, may be a tracer.
        rate: probability of dropping an input of A, where the module gets an rng "dropout"; None: no dropout.
    """

    def add(next_call: Callable[..., Any], args: Any, kwargs: Any, context: nn.module.InterceptorContext) -> Any:
        outputs = next_call(*args, **kwargs)
        module = context.module
        if not isinstance(module, Dense) or context.method_name != "__call__":
            return outputs
        pair = _at(adapters, module.path)
        if pair is None:
            return outputs
        (inputs,) = args
        if rate is not None and module.has_rng("dropout"):
            inputs = dropout(module.make_rng("dropout"), inputs, rate)
        a_DR, b_RF = (pair[name].astype(inputs.dtype) for name in ("a", "b"))
        flat_ND = inputs.reshape(-1, inputs.shape[-1])
        part_NF = (flat_ND @ a_DR) @ b_RF * jnp.asarray(scale, inputs.dtype)
        return outputs + part_NF.reshape(outputs.shape).astype(outputs.dtype)

    with nn.intercept_methods(add):
        yield


def merge(params: Params, adapters: Params, scale: Array | float) -> Params:
    """W + scale A B in place of each adapted W: the parameters of an ordinary network, equal up to rounding."""

    def merged(path: tuple[Any, ...], leaf: Array) -> Array:
        names = tuple(jax.tree_util.keystr((entry,), simple=True) for entry in path)
        pair = _at(adapters, names[:-1]) if names[-1] == "kernel" else None
        if pair is None:
            return leaf
        product = jnp.asarray(pair["a"], jnp.float32) @ jnp.asarray(pair["b"], jnp.float32)
        return (leaf.astype(jnp.float32) + scale * product).astype(leaf.dtype)

    return jax.tree_util.tree_map_with_path(merged, params)


def with_lora(task: Task, lora: Lora, train: Sequence[Rule]) -> Task:
    """The task of learning adapters, over base parameters that are data.

    The parameters of the new task are {"adapters": …, "trained": what the rules train whole, such as a new head}; its
    data hold the rest of the task's parameters under "base", as `frozen` gives them. hparams: lora_alpha, and
    lora_dropout where it is set.

    Args:
        task: what is learned.
        lora: rank and targets.
        train: rules over the task's parameters, see `nn_core.transfer.rules`: 0 is frozen, 1 is trained whole.
    Returns:
        The task.
    """

    def init(key: Array, hparams: Hparams) -> Params:
        drawn = task.init(key, hparams)
        adapters = init_adapters(jax.random.fold_in(key, 1), frozen(drawn, train), lora)
        return {ADAPTERS: adapters, TRAINED: _kept(drawn, train, trained=True)}

    def inside(params: Params, base: Params, hparams: Hparams, function: Callable[[Params], Any]) -> Any:
        whole = join(params[TRAINED], jax.lax.stop_gradient(base))
        with adapted(params[ADAPTERS], scale(lora, hparams), hparams[RATE] if RATE in hparams else None):
            return function(whole)

    def loss(params: Params, batch: Batch, hparams: Hparams, key: Array) -> tuple[Array, Metrics]:
        return inside(params, batch[BASE], hparams, lambda whole: task.loss(whole, batch[INNER], hparams, key))

    def evaluate(params: Params, data: Data, hparams: Hparams, split: str) -> Metrics:
        return inside(params, data[BASE], hparams, lambda whole: task.evaluate(whole, data, hparams, split))

    def batch(data: Data, plan: Plan) -> Batch:
        return {INNER: task.batch(data, plan), BASE: data[BASE]}

    def describe(params: Params, data: Data, hparams: Hparams, key: Array) -> dict[str, Array]:
        return task.describe(whole_params(params, data[BASE], scale(lora, hparams)), data, hparams, key)

    return task._replace(init=init, loss=loss, evaluate=evaluate, batch=batch, describe=describe)


def scale(lora: Lora, hparams: Hparams) -> Array | float:
    """alpha / r."""
    return hparams[ALPHA] / lora.rank


def whole_params(params: Params, base: Params, scale: Array | float) -> Params:
    """The ordinary network: a task's learned parameters, merged into their base."""
    return merge(join(trained_whole(params), base), params[ADAPTERS], scale)


def trained_whole(params: Params) -> Params:
    """What is learned beside the adapters; nothing is kept of it on the disk where they learn alone."""
    return params.get(TRAINED, {})


def frozen(params: Params, train: Sequence[Rule]) -> Params:
    """The part of the parameters that the rules freeze, for `data["base"]`."""
    return _kept(params, train, trained=False)


def join(one: Params, other: Params) -> Params:
    """Nested dicts that hold the leaves of both."""
    return nested(named_leaves(one) | named_leaves(other))


def _kept(params: Params, train: Sequence[Rule], trained: bool) -> Params:
    leaves = named_leaves(params)
    factors = assign(leaves, train, "transfer.train")
    other = [factor for factor in factors.values() if factor not in (0, 1)]
    if other:
        raise ValueError(
            f"transfer.train has the factor {other[0]:g}, and with LoRA a parameter learns whole (1) or not (0)"
        )
    return nested({name: leaf for name, leaf in leaves.items() if bool(factors[name]) == trained})


def _at(adapters: Params, path: Sequence[str]) -> Any:
    """The pair in the place of a layer, or None."""
    place = adapters
    for name in path:
        if not isinstance(place, Mapping) or name not in place:
            return None
        place = place[name]
    return place if isinstance(place, Mapping) and place.keys() == {"a", "b"} else None
