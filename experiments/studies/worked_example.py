"""One backward pass by hand: exact, rounded and printed numbers (F039, S1, S15b, S16b, S16c)."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from ml_collections import ConfigDict

from experiments.run_directory.results import Row
from experiments.studies.base import Outcome, Study, compiled, make_rows
from nn_core.activations import sigmoid
from nn_core.by_hand.backpropagation import WORKED_EXAMPLE_INPUTS, WORKED_EXAMPLE_PRINTED, WorkedExample, worked_example

# Field of WorkedExample -> its name in the table; the hidden steps get an index.
SYMBOLS = {
    "hidden_input": "h = sum w_i x_i",
    "hidden_output": "a = f(h)",
    "prediction": "y^ = f(W a)",
    "output_error": "delta_o = (y - y^) f'(W a)",
    "hidden_error": "delta_h = W delta_o f'(h)",
    "output_step": "Delta W = eta delta_o a",
    "hidden_steps_D": "Delta w_{} = eta delta_h x_{}",
}


def error(w_D: Array, output_weight: Array, x_D: Array, y: Array) -> Array:
    """E = (y - f(W f(w . x)))^2 / 2, which the steps lower."""
    return 0.5 * (y - sigmoid(output_weight * sigmoid(w_D @ x_D))) ** 2


def inputs_of(task: ConfigDict) -> dict[str, Array]:
    """The arguments of `worked_example`, in the precision that is switched on."""
    return {
        "x_D": jnp.asarray(task.inputs, float),
        "w_D": jnp.asarray(task.hidden_weights, float),
        "W": jnp.asarray(task.output_weight, float),
        "y": jnp.asarray(task.target, float),
        "learning_rate": jnp.asarray(task.learning_rate, float),
    }


def is_the_notes(task: ConfigDict) -> bool:
    """Whether these are the inputs of the notes, so that their numbers can be shown beside."""
    given = (task.inputs, task.hidden_weights, task.output_weight, task.target, task.learning_rate)
    return given == tuple(WORKED_EXAMPLE_INPUTS.values())


def run(config: ConfigDict) -> Outcome:
    """Every quantity of the example, the same steps by automatic differentiation, and the error before and after."""
    with jax.enable_x64(True):
        inputs = inputs_of(config.task)
        exact: WorkedExample = jax.device_get(compiled(worked_example)(**inputs))
        weights = (inputs["w_D"], inputs["W"])
        slopes = jax.device_get(compiled(jax.grad(error, argnums=(0, 1)))(*weights, inputs["x_D"], inputs["y"]))
        after = errors_after(inputs, exact)
    rate = config.task.learning_rate
    automatic = {"output_step": -rate * slopes[1], "hidden_steps_D": -rate * slopes[0]}
    printed = WORKED_EXAMPLE_PRINTED if is_the_notes(config.task) else {}
    rows: list[Row] = []
    for field, symbol in SYMBOLS.items():
        values_D = np.atleast_1d(getattr(exact, field))
        texts = np.atleast_1d(printed.get(field, [""] * len(values_D)))
        for index, (value, text) in enumerate(zip(values_D, texts, strict=True), start=1):
            columns = {"exact": value}
            if text:
                columns |= {"rounded": round(float(value), decimals(str(text))), "notes": float(text)}
            if field in automatic:
                columns["autodiff"] = np.atleast_1d(automatic[field])[index - 1]
            rows += make_rows(symbol.format(index, index), **columns)
    for name, value in after.items():
        rows += make_rows(name, exact=value)
    arrays = {field: np.atleast_1d(value) for field, value in exact._asdict().items()}
    return Outcome(rows, arrays | {"errors": np.array(list(after.values()))})


def errors_after(inputs: dict[str, Array], exact: WorkedExample) -> dict[str, float]:
    """The error before and after the steps, which raise it if taken with the printed sign (S1)."""
    found = {}
    for name, sign in (("E before", 0.0), ("E after the steps", 1.0), ("E after the steps as printed (S1)", -1.0)):
        w_D = inputs["w_D"] + sign * exact.hidden_steps_D
        found[name] = float(error(w_D, inputs["W"] + sign * exact.output_step, inputs["x_D"], inputs["y"]))
    return found


def decimals(text: str) -> int:
    """Digits after the point."""
    return len(text.partition(".")[2])


def check(config: ConfigDict) -> None:
    """Raises ValueError unless every input has a weight."""
    task = config.task
    if len(task.inputs) != len(task.hidden_weights):
        raise ValueError(
            f"config.task.inputs={task.inputs} and config.task.hidden_weights={task.hidden_weights} differ in length"
        )


STUDY = Study(
    run,
    settings={
        "inputs": "[-100, 100]",
        "hidden_weights": "[-100, 100]",
        "output_weight": "[-100, 100]",
        "target": "[0, 1]",
        "learning_rate": "(0, inf)",
    },
    columns=("exact", "rounded", "notes", "autodiff"),
    figures=("worked_example",),
    check=check,
)
