"""Ledger rows of recurrent networks (F110-F112, F114): cells and their gradients through time by hand."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import scipy.special

from nn_core.activations import sigmoid, sigmoid_derivative, tanh_derivative
from nn_core.formulas.ledger import Formula, Oracle, normal
from nn_core.models.recurrent.cells import CELLS, cell_step, scan_cell
from nn_core.models.recurrent.layers import Recurrent

INPUTS_TD, STATE_H, SLOPE_H = normal(161, 4, 3), normal(162, 2), normal(163, 2)
CELL_H = normal(164, 2)
SIMPLE = {"b": normal(165, 2), "u": normal(166, 2, 2), "w": normal(167, 3, 2)}
# Gates side by side, in the library's order: input, forget, candidate, output; reset, update, candidate.
LSTM = {"b": normal(168, 8), "u": normal(169, 2, 8), "w": normal(170, 3, 8)}
GRU = {"b": normal(171, 6), "u": normal(173, 2, 6), "w": normal(174, 3, 6)}


def run(name: str, params: Any, x_TD: Any, *carry: Any) -> Any:
    """The library's cell over a sequence of one example: the last hidden state, (H,)."""
    projected_T1G = (x_TD @ params["w"] + params["b"][None])[:, None]
    states = tuple(state_H[None] for state_H in carry)
    (last, *_), _ = scan_cell(CELLS[name], False, params["u"], states, projected_T1G, None)
    return last[0]


def simple_states(cell: Any, x_TD: Any, h_H: Any) -> list[Any]:
    """h_t = tanh(x_t W + h_(t-1) U + b) by the library's step: the initial state and all later ones."""
    states = [h_H]
    for x_D in x_TD:
        projected_1G = (x_D @ cell["w"] + cell["b"])[None]
        states.append(cell_step(CELLS["vanilla"], cell["u"], (states[-1][None],), projected_1G)[0][0])
    return states


def _through_time(cell: Any, x_TD: Any, h_H: Any, slope_H: Any) -> Any:
    """delta_t = (U delta_(t+1)) * (1 - h_t^2); dW = sum x_t delta_t, dU = sum h_(t-1) delta_t, db = sum delta_t."""
    states = simple_states(cell, x_TD, h_H)
    slopes = {name: jnp.zeros_like(value) for name, value in cell.items()}
    for t in reversed(range(len(x_TD))):
        delta_H = slope_H * (1.0 - states[t + 1] ** 2)
        slopes["w"] += jnp.outer(x_TD[t], delta_H)
        slopes["u"] += jnp.outer(states[t], delta_H)
        slopes["b"] += delta_H
        slope_H = cell["u"] @ delta_H
    return slopes


def _through_state(h_H: Any, cell: Any, x_TD: Any) -> Any:
    """The product of the Jacobians diag(1 - h_t^2) U^T over time: why gradients vanish or explode."""
    jacobian = jnp.eye(h_H.size)
    for state_H in simple_states(cell, x_TD, h_H)[1:]:
        jacobian = (1.0 - state_H**2)[:, None] * cell["u"].T @ jacobian
    return jacobian


def _lstm_slope(cell: Any, x_D: Any, h_H: Any, c_H: Any) -> Any:
    """Slopes of C.h' by the gates' arguments, then by the parameters; c' = f c + i g, h' = o tanh(c')."""
    i, f, g, o = jnp.split(x_D @ cell["w"] + h_H @ cell["u"] + cell["b"], 4)
    new_c = sigmoid(f) * c_H + sigmoid(i) * jnp.tanh(g)
    slope_c = SLOPE_H * sigmoid(o) * tanh_derivative(new_c)
    gates = [
        slope_c * jnp.tanh(g) * sigmoid_derivative(i),
        slope_c * c_H * sigmoid_derivative(f),
        slope_c * sigmoid(i) * tanh_derivative(g),
        SLOPE_H * jnp.tanh(new_c) * sigmoid_derivative(o),
    ]
    delta = jnp.concatenate(gates)
    return {"b": delta, "u": jnp.outer(h_H, delta), "w": jnp.outer(x_D, delta)}


def _gru_gates(cell: Any, x_D: Any, h_H: Any) -> tuple[Any, ...]:
    """The arguments of r, z and n, and what the reset gate scales: h U_n, after the product (as torch and cuDNN)."""
    (xr, xz, xn), (hr, hz, hn) = jnp.split(x_D @ cell["w"] + cell["b"], 3), jnp.split(h_H @ cell["u"], 3)
    return xr + hr, xz + hz, xn + sigmoid(xr + hr) * hn, hn


def _gru_slope(cell: Any, x_D: Any, h_H: Any) -> Any:
    r, z, n, m = _gru_gates(cell, x_D, h_H)
    slope_n = SLOPE_H * (1.0 - sigmoid(z)) * tanh_derivative(n)
    slope_z = SLOPE_H * (h_H - jnp.tanh(n)) * sigmoid_derivative(z)
    slope_r = slope_n * m * sigmoid_derivative(r)
    from_input = jnp.concatenate([slope_r, slope_z, slope_n])
    from_state = jnp.concatenate([slope_r, slope_z, slope_n * sigmoid(r)])
    return {
        "b": from_input,
        "u": jnp.outer(h_H, from_state),
        "w": jnp.outer(x_D, from_input),
    }


def _flax_lstm(cell: Any, x_D: Any, h_H: Any, c_H: Any) -> Any:
    columns = {name: slice(2 * k, 2 * k + 2) for k, name in enumerate("ifgo")}
    params = {f"i{name}": {"kernel": cell["w"][:, part]} for name, part in columns.items()}
    params |= {f"h{name}": {"kernel": cell["u"][:, part], "bias": cell["b"][part]} for name, part in columns.items()}
    module = nn.LSTMCell(2, param_dtype=jnp.float64)
    return jnp.sum(SLOPE_H * module.apply({"params": params}, (c_H, h_H), x_D)[1])


def _flax_gru(cell: Any, x_D: Any, h_H: Any) -> Any:
    """flax's cell, whose candidate has a second bias."""
    params: dict[str, Any] = {}
    for k, name in enumerate("rzn"):
        part = slice(2 * k, 2 * k + 2)
        params[f"i{name}"] = {"kernel": cell["w"][:, part], "bias": cell["b"][part]}
        params[f"h{name}"] = {"kernel": cell["u"][:, part]}
    params["hn"]["bias"] = jnp.zeros(2)
    return jnp.sum(SLOPE_H * nn.GRUCell(2, param_dtype=jnp.float64).apply({"params": params}, h_H, x_D)[1])


def _lstm_numpy(cell: Any, x_D: Any, h_H: Any, c_H: Any) -> Any:
    i, f, g, o = np.split(x_D @ cell["w"] + h_H @ cell["u"] + cell["b"], 4)
    c_H = scipy.special.expit(f) * c_H + scipy.special.expit(i) * np.tanh(g)
    return (SLOPE_H * scipy.special.expit(o) * np.tanh(c_H)).sum()


def _library_parameters(name: str) -> float:
    """Numbers in a layer of the library, 3 inputs and 2 units."""
    layer = Recurrent(cell=name, features=2)
    params = jax.eval_shape(layer.init, jax.random.key(0), jnp.zeros((1, 4, 3)))
    return float(sum(leaf.size for leaf in jax.tree.leaves(params)))


FORMULAS: tuple[Formula, ...] = (
    Formula(
        "F110a",
        "Recurrent network, backpropagation through time",
        "h_t = tanh(x_tW + h_{t−1}U + b)",
        "δ_t = (Uδ_{t+1})⊙(1 − h_t²), dW = Σx_tδ_t, dU = Σh_{t−1}δ_t, db = Σδ_t",
        lambda cell, x, h, c: jnp.sum(c * run("vanilla", cell, x, h)),
        (SIMPLE, INPUTS_TD, STATE_H, SLOPE_H),
        _through_time,
        oracles=(Oracle("NumPy loop", lambda cell, x, h, c: (c * _simple_numpy(cell, x, h)).sum()),),
        slips=("S35b",),
    ),
    Formula(
        "F110b",
        "Gradient over time is a product of Jacobians",
        "∂h_T/∂h₀ = Πₜ diag(1 − h_t²)Uᵀ",
        "shrinks or grows with the number of factors",
        lambda h, cell, x: simple_states(cell, x, h)[-1],
        (STATE_H, SIMPLE, INPUTS_TD),
        _through_state,
        "jacobian",
        slips=("S36b",),
    ),
    Formula(
        "F111a",
        "LSTM cell",
        "c′ = σ(f)c + σ(i)tanh(g), h′ = σ(o)tanh(c′)",
        "∂/∂i = s·tanh(g)σ′(i), ∂/∂f = s·cσ′(f), ∂/∂g = s·σ(i)tanh′(g), s = Cσ(o)tanh′(c′)",
        lambda cell, x, h, c: jnp.sum(SLOPE_H * run("lstm", cell, x[None], h, c)),
        (LSTM, INPUTS_TD[0], STATE_H, CELL_H),
        _lstm_slope,
        oracles=(Oracle("flax LSTMCell", _flax_lstm, traced=True), Oracle("NumPy", _lstm_numpy)),
    ),
    Formula(
        "F111b",
        "Parameters of an LSTM",
        "4(h(h + i) + h) for i = 3, h = 2",
        "∂/∂h = 4(2h + i + 1)",
        lambda h, i: 4.0 * (h * (h + i) + h),
        (np.float64(2), np.float64(3)),
        lambda h, i: 4.0 * (2.0 * h + i + 1.0),
        oracles=(Oracle("library layer", lambda *_: _library_parameters("lstm"), 0.0),),
    ),
    Formula(
        "F112a",
        "GRU cell",
        "h′ = (1 − σ(z))tanh(n) + σ(z)h, n = xW_n + b_n + σ(r)(hU_n)",
        "∂/∂n = C(1 − σ(z))tanh′(n), ∂/∂z = C(h − tanh n)σ′(z), ∂/∂r = ∂/∂n·hU_nσ′(r)",
        lambda cell, x, h: jnp.sum(SLOPE_H * run("gru", cell, x[None], h)),
        (GRU, INPUTS_TD[0], STATE_H),
        _gru_slope,
        oracles=(Oracle("flax GRUCell", _flax_gru, traced=True),),
    ),
    Formula(
        "F112b",
        "A GRU has three quarters of an LSTM's parameters",
        "3(h(h + i) + h) for i = 3, h = 2",
        "∂/∂h = 3(2h + i + 1)",
        lambda h, i: 3.0 * (h * (h + i) + h),
        (np.float64(2), np.float64(3)),
        lambda h, i: 3.0 * (2.0 * h + i + 1.0),
        oracles=(Oracle("library layer", lambda *_: _library_parameters("gru"), 0.0),),
    ),
)


def _simple_numpy(cell: Any, x_TD: Any, h_H: Any) -> Any:
    for x_D in x_TD:
        h_H = np.tanh(x_D @ cell["w"] + h_H @ cell["u"] + cell["b"])
    return h_H
