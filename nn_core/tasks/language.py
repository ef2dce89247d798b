"""Predicting the next token of a text.

Sources: F151-F154 (targets are the inputs shifted by one, random windows), F158, F163, F164 (validation), S43, S44, S46.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from nn_core import regularizers
from nn_core.metrics import perplexity
from nn_core.tasks.base import Batch, Data, Hparams, Metrics, Params, Plan, Task
from nn_core.tasks.describe import count_parameters
from nn_core.tasks.supervised import in_parts

MakeModel = Callable[[Hparams], nn.Module]
# (model, params, ids_BT, targets_BT, dropout key or None) -> losses_BT
TokenLosses = Callable[[Any, Params, Array, Array, Array | None], Array]
# (model, params, ids_1T) -> what the results say of a trained model besides its losses and its size
DescribeText = Callable[[Any, Params, Array], dict[str, Array]]
FULL = "_full"  # suffix of a split that is evaluated to its last token


class Windows(NamedTuple):
    """How a text becomes batches.

    Attributes:
        batch_size: B windows a step.
        context_size: T tokens a window; the target of each is the token after it.
        evaluation_windows: windows, evenly spaced over a split, on which it is judged during training.
        evaluation_batch: windows in one forward pass of an evaluation.
    """

    batch_size: int
    context_size: int
    evaluation_windows: int
    evaluation_batch: int


def check_length(num_tokens: int, context_size: int, split: str) -> None:
    """Raises ValueError if a split holds no complete window with its targets."""
    if num_tokens < context_size + 1:
        raise ValueError(
            f"the {split} text has {num_tokens} tokens and a window needs context_size + 1 = {context_size + 1}; "
            f"use a longer text or a smaller context_size"
        )


def split_tokens(ids_N: Any, ratio: float) -> dict[str, Any]:
    """The first int(ratio N) tokens for training and the rest for validation, in the order of the text (F163).

    Args:
        ids_N: the text as ids.
        ratio: share of training, in (0, 1).
    Returns:
        {"train": …, "validation": …}.
    """
    count = int(ratio * len(ids_N))
    return {"train": ids_N[:count], "validation": ids_N[count:]}


def window_starts(key: Array, step: Array, num_tokens: int, windows: Windows) -> Array:
    """Where the windows of a step start: uniform with replacement over 0 .. N - T - 1, pure in (key, step): (B,)."""
    last = num_tokens - windows.context_size
    return jax.random.randint(jax.random.fold_in(key, step), (windows.batch_size,), 0, last)


def cut(ids_N: Array, starts_B: Array, context_size: int) -> tuple[Array, Array]:
    """Inputs and targets, (B, T) each; the targets are the inputs shifted by one (F152)."""
    window_BW = ids_N[starts_B[:, None] + jnp.arange(context_size + 1)[None]].astype(jnp.int32)
    return window_BW[:, :-1], window_BW[:, 1:]


def evaluation_starts(num_tokens: int, context_size: int, count: int | None) -> tuple[Array, Array]:
    """Fixed windows of a split, and which of their targets count.

    Args:
        num_tokens: N.
        context_size: T.
        count: how many, evenly spaced; None: as many as cover every target once, the last one overlapping but counted
            for its new targets only.
    Returns:
        (starts (W,), first counted target of each window (W,)), int32.
    """
    last = num_tokens - context_size - 1
    if count is not None and count * context_size < num_tokens:
        # By NumPy in float64: float32 would round the last start of a long text to one beyond its end.
        starts = jnp.asarray(np.round(np.linspace(0, last, count)), jnp.int32)
        return starts, jnp.zeros((count,), jnp.int32)
    starts = jnp.arange(0, num_tokens - 1, context_size, dtype=jnp.int32)
    kept = jnp.minimum(starts, last)
    return kept, starts - kept


def evaluation_text(ids_N: np.ndarray, windows: Windows) -> np.ndarray:
    """The evenly spaced windows of a split, one after the other: a short text with exactly these windows.

    A split that stays on disk is judged by it. If the windows would cover the whole split, this is the whole split.
    """
    if windows.evaluation_windows * windows.context_size >= len(ids_N):
        return np.asarray(ids_N)
    starts_W, _ = evaluation_starts(len(ids_N), windows.context_size, windows.evaluation_windows)
    return np.concatenate([ids_N[start : start + windows.context_size + 1] for start in np.asarray(starts_W)])


class Problem(NamedTuple):
    """Next-token prediction on a text that lives on the device, {"train": ids (N,), "validation": ids (M,)}.

    Attributes:
        make_model: hparams -> Linen module from ids (B, T) to logits (B, T, V).
        token_losses: how its losses are computed; the dropout key is None in evaluation.
        windows: batches and evaluation.
        proximal: the optimizer applies L1 by its proximal step, so the loss leaves it out.
        describe: further entries of the results, from the first window of the validation text; None: there are none.
    """

    make_model: MakeModel
    token_losses: TokenLosses
    windows: Windows
    proximal: bool = False
    describe: DescribeText | None = None


def make_language_model(
    make_model: MakeModel,
    token_losses: TokenLosses,
    windows: Windows,
    *,
    proximal: bool = False,
    describe: DescribeText | None = None,
) -> Task:
    """The problem of these parts (see `Problem`) as a task.

    The splits "train" and "validation" are judged on evenly spaced windows, "train_full" and "validation_full" on every
    target.
    """
    problem = Problem(make_model, token_losses, windows, proximal, describe)
    return Task(
        init=partial(init, problem),
        loss=partial(loss, problem),
        evaluate=partial(evaluate, problem),
        prepare=lambda data, key: {},
        plan=partial(plan, windows),
        batch=partial(batch, windows),
        describe=partial(describe_text, problem),
        derive=with_perplexity,
    )


def stream_batches(task: Task) -> Task:
    """The same task with another source of batches: windows (K, B, T + 1) of K steps, put into data["stream"].

    Cut by the host at `window_starts` of the same steps, they are the windows of the text on the device.
    """
    return task._replace(plan=lambda data, key, first_step, num_steps: jnp.arange(num_steps), batch=streamed_batch)


def init(problem: Problem, key: Array, hparams: Hparams) -> Params:
    """Initial parameters."""
    example_1T = jnp.zeros((1, problem.windows.context_size), jnp.int32)
    return problem.make_model(hparams).init(key, example_1T)["params"]


def loss(problem: Problem, params: Params, batch: Batch, hparams: Hparams, key: Array) -> tuple[Array, Metrics]:
    """Mean loss of a batch's tokens with its penalties, in training mode."""
    losses_BT = problem.token_losses(problem.make_model(hparams), params, batch["ids"], batch["targets"], key)
    total, count = jnp.sum(losses_BT), jnp.float32(losses_BT.size)
    penalty = regularizers.penalty(params, hparams, proximal=problem.proximal)
    return total / count + penalty, {"loss": (total, count)}


def evaluate(problem: Problem, params: Params, data: Data, hparams: Hparams, split: str) -> Metrics:
    """Loss of a split, in deterministic mode; each target is counted once."""
    windows, ids_N = problem.windows, data[split.removesuffix(FULL)]
    count = None if split.endswith(FULL) else windows.evaluation_windows
    starts_W, first_W = evaluation_starts(len(ids_N), windows.context_size, count)
    model = problem.make_model(hparams)

    def part(rows_B: Array, weights_B: Array | None) -> Metrics:
        inputs_BT, targets_BT = cut(ids_N, starts_W[rows_B], windows.context_size)
        losses_BT = problem.token_losses(model, params, inputs_BT, targets_BT, None)
        counted_BT = (jnp.arange(windows.context_size)[None] >= first_W[rows_B][:, None]).astype(jnp.float32)
        if weights_B is not None:
            counted_BT = counted_BT * weights_B[:, None]
        return {"loss": (jnp.sum(losses_BT * counted_BT), jnp.sum(counted_BT))}

    return in_parts(part, jnp.arange(len(starts_W)), windows.evaluation_batch)


def plan(windows: Windows, data: Data, key: Array, first_step: Array, num_steps: int) -> Plan:
    """Where the windows of each step start: (K, B)."""
    steps_K = first_step + jnp.arange(num_steps)
    return jax.vmap(lambda step: window_starts(key, step, len(data["train"]), windows))(steps_K)


def batch(windows: Windows, data: Data, starts_B: Plan) -> Batch:
    """The windows of one step."""
    inputs_BT, targets_BT = cut(data["train"], starts_B, windows.context_size)
    return {"ids": inputs_BT, "targets": targets_BT}


def streamed_batch(data: Data, place: Plan) -> Batch:
    """The windows of one step, cut by the host."""
    window_BW = data["stream"][place].astype(jnp.int32)
    return {"ids": window_BW[:, :-1], "targets": window_BW[:, 1:]}


def describe_text(problem: Problem, params: Params, data: Data, hparams: Hparams, key: Array) -> dict[str, Array]:
    """The size of the model, embeddings included, and what the problem's own `describe` says."""
    values = {"parameters": count_parameters(params)}
    if problem.describe is None:
        return values
    ids_1T = data["validation"][None, : problem.windows.context_size].astype(jnp.int32)
    return values | problem.describe(problem.make_model(hparams), params, ids_1T)


def with_perplexity(values: dict[str, Array]) -> dict[str, Array]:
    """A split's means and the perplexity beside them (F134)."""
    return values | {"perplexity": perplexity(values["loss"])}
