"""What is learned, as a few pure functions. Everything that the trainer does is a transformation of these.

Sources: F037 (the learning loop), F042 (three data sets).
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from jax import Array

Params = Any  # a pytree of arrays
Data = Any  # a dict of arrays that live on the device
Batch = Any
Plan = Any  # a pytree with a leading axis of steps
Hparams = Mapping[str, Array]
Metrics = dict[str, tuple[Array, Array]]  # name -> (sum, count): divide once, at the end


class Task(NamedTuple):
    """A learning problem.

    Attributes:
        init: (key, hparams) -> params.
        loss: (params, batch, hparams, key) -> (objective, scalar; Metrics). The objective is a mean over the count of
            Metrics["loss"] (> 0 unless the batch is nothing but padding, where it is finite) with the penalties added:
            so the objectives of parts of a batch combine to that of the whole.
        evaluate: (params, data, hparams, split) -> Metrics on a whole split, in deterministic mode; must hold "loss".
        prepare: (data, key) -> this member's additions to the shared data, such as its split. The functions below get both,
            `data | prepare(data, key)`.
        plan: (data, key, first_step, num_steps) -> which examples each step sees; pure in (key, step).
        batch: (data, one step of the plan) -> batch.
        describe: (params, data, hparams, key) -> {name: scalar}, what the results table says about a trained model.
        derive: a split's means -> the means, and numbers that follow from them but are not means (perplexity).
        update: None: a step is one gradient of the loss and one update. Else (optimizer, params, optimizer's state, batch,
            hparams, key) -> (params, state, objective, Metrics, gradient norm): a step of several updates, on what the
            model itself has drawn.
        watch: None, or (params, data, hparams) -> {name: array}, what pictures show of a model at each evaluation.
    """

    init: Callable[[Array, Hparams], Params]
    loss: Callable[[Params, Batch, Hparams, Array], tuple[Array, Metrics]]
    evaluate: Callable[[Params, Data, Hparams, str], Metrics]
    prepare: Callable[[Data, Array], Data]
    plan: Callable[[Data, Array, Array, int], Plan]
    batch: Callable[[Data, Plan], Batch]
    describe: Callable[[Params, Data, Hparams, Array], dict[str, Array]]
    derive: Callable[[dict[str, Array]], dict[str, Array]] = lambda values: values
    update: Callable[..., tuple[Params, Any, Array, Metrics, Array]] | None = None
    watch: Callable[[Params, Data, Hparams], dict[str, Array]] | None = None
