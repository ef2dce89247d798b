"""Recurrent cells as pure step functions, and the one scan that runs them all (F110-F115).

A cell is two functions, because nearly all the work of a step is one matrix product, which every cell shares:

    product_t  = h_{t-1} U                             the product, done by the scan
    parts_t    = combine(x_t W + b, product_t)         linear
    carry_t    = update(parts_t, carry_{t-1})          elementwise; carry[0] is h, an LSTM also has c

Only the hidden state (and c) travels from token to token, not the output as well (S35b).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

Carry = tuple[Array, ...]  # (h_BH,) or (h_BH, c_BH)


class Cell(NamedTuple):
    """A recurrent cell.

    Attributes:
        num_gates: G / H, the width of the projection per hidden unit.
        num_states: arrays in the carry, the first is h.
        combine: (projected_BG, product_BG) -> parts, linear and elementwise.
        update: (parts, carry) -> carry.
    """

    num_gates: int
    num_states: int
    combine: Callable[[Array, Array], Any]
    update: Callable[[Any, Carry], Carry]


def _add(projected_BG: Array, product_BG: Array) -> Array:
    return projected_BG + product_BG


def _tanh_of_halves(x_BG: Array, is_sigmoid: tuple[bool, ...]) -> list[Array]:
    """tanh of each gate, of half the argument for a sigmoid gate: sigmoid(x) = 0.5 tanh(x / 2) + 0.5.

    One tanh over the whole row is a loop that XLA:CPU turns into vector instructions; five functions of slices are not
    (10 ms became 3 ms for 4 million gates).
    """
    width = x_BG.shape[-1] // len(is_sigmoid)
    scale_G = np.repeat(np.where(is_sigmoid, 0.5, 1.0), width)
    return jnp.split(jnp.tanh(x_BG * jnp.asarray(scale_G, x_BG.dtype)[None]), len(is_sigmoid), axis=-1)


def _sigmoid_from(tanh_of_half: Array) -> Array:
    return 0.5 * tanh_of_half + 0.5


def _vanilla_update(parts_BH: Array, carry: Carry) -> Carry:
    """h = tanh(x W + h U + b)."""
    del carry
    return (jnp.tanh(parts_BH),)


def _lstm_update(parts_BG: Array, carry: Carry) -> Carry:
    """c = sigmoid(f) c + sigmoid(i) tanh(g), h = sigmoid(o) tanh(c); the gates are in the order i, f, g, o."""
    input_gate, forget_gate, candidate, output_gate = _tanh_of_halves(parts_BG, (True, True, False, True))
    c_BH = _sigmoid_from(forget_gate) * carry[1] + _sigmoid_from(input_gate) * candidate
    return _sigmoid_from(output_gate) * jnp.tanh(c_BH), c_BH


def _gru_combine(projected_BG: Array, product_BG: Array) -> tuple[Array, Array, Array]:
    width = projected_BG.shape[-1] // 3
    gates = projected_BG[..., : 2 * width] + product_BG[..., : 2 * width]
    return gates, projected_BG[..., 2 * width :], product_BG[..., 2 * width :]


def _gru_update(parts: tuple[Array, Array, Array], carry: Carry) -> Carry:
    """n = tanh(x W_n + r (h U_n)), h = (1 - z) n + z h with r, z = sigmoid(.); the gates are in the order r, z, n.

    The reset gate acts *after* the product with U_n, as in cuDNN, PyTorch and flax; Cho et al. 2014 reset before it,
    which needs a second product in every step.
    """
    gates_BG, projected_BH, product_BH = parts
    reset, keep = (_sigmoid_from(gate) for gate in _tanh_of_halves(gates_BG, (True, True)))
    candidate_BH = jnp.tanh(projected_BH + reset * product_BH)
    return (candidate_BH + keep * (carry[0] - candidate_BH),)


CELLS: dict[str, Cell] = {
    "vanilla": Cell(num_gates=1, num_states=1, combine=_add, update=_vanilla_update),
    "lstm": Cell(num_gates=4, num_states=2, combine=_add, update=_lstm_update),
    "gru": Cell(num_gates=3, num_states=1, combine=_gru_combine, update=_gru_update),
}


def find_cell(name: str) -> Cell:
    """The cell of this name. Raises ValueError for an unknown one."""
    if name not in CELLS:
        raise ValueError(f"cell {name!r} is unknown; use one of {', '.join(CELLS)}")
    return CELLS[name]


def zero_carry(cell: Cell, batch_size: int, width: int, dtype: jax.typing.DTypeLike = jnp.float32) -> Carry:
    """The empty state before the first token (F110): zeros of shape (B, H), one array per state."""
    return tuple(jnp.zeros((batch_size, width), dtype) for _ in range(cell.num_states))


def cell_step(cell: Cell, kernel_HG: Array, carry: Carry, projected_BG: Array) -> Carry:
    """One token: carry_t from carry_{t-1} and x_t W + b.

    Args:
        cell: an entry of CELLS.
        kernel_HG: (H, G) recurrent weights U, G = num_gates H.
        carry: num_states arrays (B, H).
        projected_BG: (B, G) x_t W + b.
    Returns:
        The new carry; its first array is the output h.
    """
    return cell.update(cell.combine(projected_BG, carry[0] @ kernel_HG), carry)


def _select(keep_B: Array | None, new: Carry, old: Carry) -> Carry:
    if keep_B is None:
        return new
    return tuple(jnp.where(keep_B[:, None], a, b) for a, b in zip(new, old, strict=True))


def _mask(keep_TB: Array | None, x_TBH: Array) -> Array:
    return x_TBH if keep_TB is None else jnp.where(keep_TB[:, :, None], x_TBH, 0)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def scan_cell(
    cell: Cell, reverse: bool, kernel_HG: Array, carry: Carry, projected_TBG: Array, keep_TB: Array | None
) -> tuple[Carry, Array]:
    """Runs a cell over a sequence, in one `lax.scan`.

    The backward pass is written by hand for speed, not for a different result: it recomputes the elementwise part of
    each step from what the product gave, and gets the gradient of U from one product over all steps instead of T small
    ones. (So forward-mode derivatives do not exist; reverse mode, vmap, jit and remat do.)

    Args:
        cell: an entry of CELLS; static.
        reverse: static; True runs from the last token to the first.
        kernel_HG: (H, G) recurrent weights.
        carry: state before the first token that is read, arrays (B, H).
        projected_TBG: (T, B, G) the input product x W + b of all tokens, done beforehand in one product.
        keep_TB: (T, B) booleans; False leaves the carry as it is and gives the output 0. None: all tokens count.
    Returns:
        (carry after the last token, outputs (T, B, H)). With a mask the carry is that after the last valid token. The
        content of the padding changes no bit. More padding changes none in this scan either; but a product x W + b over
        another number of rows may add in another order, which may change its last bits.
    """
    return _forward(cell, reverse, kernel_HG, carry, projected_TBG, keep_TB)[0]


def _forward(
    cell: Cell, reverse: bool, kernel_HG: Array, carry: Carry, projected_TBG: Array, keep_TB: Array | None
) -> tuple[tuple[Carry, Array], Any]:
    def step(carry: Carry, xs: tuple[Array, Array | None]) -> tuple[Carry, tuple[Carry, Any]]:
        projected_BG, keep_B = xs
        parts = cell.combine(projected_BG, carry[0] @ kernel_HG)
        carry = _select(keep_B, cell.update(parts, carry), carry)
        return carry, (carry, parts)

    last, (carries, parts) = lax.scan(step, carry, (projected_TBG, keep_TB), reverse=reverse)
    return (last, _mask(keep_TB, carries[0])), (kernel_HG, carry, carries, parts, keep_TB)


def _before(reverse: bool, first_BH: Array, states_TBH: Array) -> Array:
    """The state that each step started from."""
    if reverse:
        return jnp.concatenate([states_TBH[1:], first_BH[None]])
    return jnp.concatenate([first_BH[None], states_TBH[:-1]])


def _backward(cell: Cell, reverse: bool, residuals: Any, cotangents: tuple[Carry, Array]) -> tuple[Any, ...]:
    kernel_HG, first, carries, parts, keep_TB = residuals
    d_last, d_outputs_TBH = cotangents
    olds = tuple(_before(reverse, a, b) for a, b in zip(first, carries, strict=True))
    kernel_GH = kernel_HG.T
    steps, batch, _ = d_outputs_TBH.shape
    one_step = jax.ShapeDtypeStruct((batch, kernel_HG.shape[1]), d_outputs_TBH.dtype)
    all_steps = jax.ShapeDtypeStruct((steps, *one_step.shape), d_outputs_TBH.dtype)
    split_step = jax.linear_transpose(cell.combine, one_step, one_step)
    split = jax.linear_transpose(cell.combine, all_steps, all_steps)

    def step(d_carry: Carry, xs: tuple[Any, ...]) -> tuple[Carry, Any]:
        parts, old, d_output_BH, keep_B = xs
        d_carry = (d_carry[0] + d_output_BH, *d_carry[1:])
        zeros = tuple(jnp.zeros_like(d) for d in d_carry)
        d_parts, d_old = jax.vjp(cell.update, parts, old)[1](_select(keep_B, d_carry, zeros))
        d_old = (d_old[0] + split_step(d_parts)[1] @ kernel_GH, *d_old[1:])
        if keep_B is not None:
            d_old = tuple(a + b for a, b in zip(d_old, _select(keep_B, zeros, d_carry), strict=True))
        return d_old, d_parts

    xs = (parts, olds, _mask(keep_TB, d_outputs_TBH), keep_TB)
    d_first, d_parts = lax.scan(step, d_last, xs, reverse=not reverse)
    d_projected_TBG, d_product_TBG = split(d_parts)
    rows = steps * batch
    d_kernel_HG = olds[0].reshape(rows, -1).T @ d_product_TBG.reshape(rows, -1)
    return d_kernel_HG, d_first, d_projected_TBG, None


scan_cell.defvjp(_forward, _backward)
