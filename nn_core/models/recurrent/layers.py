"""Recurrent layers and stacks of them as Linen modules around `cells.scan_cell` (F110-F115)."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import DTypeLike

from nn_core.initializers import orthogonal
from nn_core.models.layers import Dense, Dropout
from nn_core.models.recurrent.cells import Carry, find_cell, scan_cell, zero_carry

Carries = tuple[tuple[Carry, ...], ...]  # [layer][direction]; every leaf is (B, H)

# The gate that keeps the state when it is open: an LSTM's f of i, f, g, o, a GRU's z of r, z, n.
KEEPING_GATE = {"lstm": 1, "gru": 1}


def orthogonal_gates(num_gates: int) -> nn.initializers.Initializer:
    """An orthogonal (H, H) matrix per gate, side by side: h keeps its length from step to step at the start."""

    def initialize(key: Array, shape: tuple[int, ...], dtype: DTypeLike = jnp.float32) -> Array:
        width = shape[0]
        drawn_GHH = jax.vmap(lambda gate_key: orthogonal(gate_key, (width, width)))(jax.random.split(key, num_gates))
        return drawn_GHH.swapaxes(0, 1).reshape(shape).astype(dtype)

    return initialize


def gate_bias(cell: str, forget_bias: float | Array) -> nn.initializers.Initializer:
    """Zeros, except for the gate that keeps the state, which is open at the start so that memory and gradients last.

    With a bias b the state shrinks by sigmoid(b) per step: b = 1 (Gers et al. 2000) gives 0.73, enough for a few steps;
    carrying something over T steps from the start takes b = log(T) (Tallec and Ollivier 2018).
    """

    def initialize(key: Array, shape: tuple[int, ...], dtype: DTypeLike = jnp.float32) -> Array:
        del key
        bias_G = jnp.zeros(shape, dtype)
        if cell not in KEEPING_GATE:
            return bias_G
        width = shape[0] // find_cell(cell).num_gates
        start = KEEPING_GATE[cell] * width
        return bias_G.at[start : start + width].set(jnp.asarray(forget_bias, dtype))

    return initialize


class RecurrentLayer(nn.Module):
    """One layer in one direction; time comes first, so that layers stack without turning the data around.

    Parameters: input/kernel (D, G), input/bias (G,) and recurrent/kernel (H, G), with G = H, 4 H (gates i, f, g, o) or
    3 H (r, z, n) for vanilla, LSTM and GRU: num_gates (H (H + D) + H) numbers (F111, F112).

    Attributes:
        cell: a key of CELLS.
        features: H >= 1.
        reverse: read from the last token to the first.
        forget_bias: start of the bias of an LSTM's forget gate, or a GRU's z; see `gate_bias`.
        kernel_init: initializer of the input kernel.
    """

    cell: str
    features: int
    reverse: bool = False
    forget_bias: float | Array = 1.0
    kernel_init: nn.initializers.Initializer = nn.initializers.lecun_normal()

    @nn.compact
    def __call__(
        self, inputs_TBD: Array, carry: Carry | None = None, keep_TB: Array | None = None
    ) -> tuple[Carry, Array]:
        """Reads a sequence.

        Args:
            inputs_TBD: (T, B, D).
            carry: state to start from; None: zeros.
            keep_TB: (T, B) booleans, False for padding; None: no padding.
        Returns:
            (carry after the last valid token, outputs (T, B, H) with 0 at padding).
        """
        cell = find_cell(self.cell)
        gates = cell.num_gates * self.features
        bias_init = gate_bias(self.cell, self.forget_bias)
        projected_TBG = Dense(gates, kernel_init=self.kernel_init, bias_init=bias_init, name="input")(inputs_TBD)
        recurrent = Recurrence(self.features, cell.num_gates, name="recurrent")
        if carry is None:
            carry = zero_carry(cell, inputs_TBD.shape[1], self.features, projected_TBG.dtype)
        kernel_HG = recurrent().astype(projected_TBG.dtype)
        return scan_cell(cell, self.reverse, kernel_HG, carry, projected_TBG, keep_TB)


class Recurrence(nn.Module):
    """Holds the recurrent kernel U of a layer."""

    features: int
    num_gates: int

    @nn.compact
    def __call__(self) -> Array:
        shape = (self.features, self.num_gates * self.features)
        return self.param("kernel", orthogonal_gates(self.num_gates), shape)


class Recurrent(nn.Module):
    """A stack of recurrent layers, in one or both directions, with dropout between layers.

    Attributes:
        cell: a key of CELLS: "vanilla", "lstm" or "gru".
        features: H >= 1, per direction.
        num_layers: L >= 1.
        bidirectional: a second set of layers reads from the end; outputs are [forward, backward], 2 H wide.
        dropout_rate: of what one layer hands to the next, may be a tracer; None: no dropout.
        forget_bias: start of the bias of an LSTM's forget gate, or a GRU's z; see `gate_bias`.
    """

    cell: str
    features: int
    num_layers: int = 1
    bidirectional: bool = False
    dropout_rate: float | Array | None = None
    forget_bias: float | Array = 1.0

    @nn.compact
    def __call__(
        self,
        inputs_BTD: Array,
        carries: Carries | None = None,
        keep_BT: Array | None = None,
        deterministic: bool = True,
    ) -> tuple[Carries, Array]:
        """Reads a batch of sequences.

        Args:
            inputs_BTD: (B, T, D).
            carries: states to start from, [layer][direction]; None: zeros.
            keep_BT: (B, T) booleans, False for padding, which may be anywhere.
            deterministic: False in training, where dropout draws from the rng collection "dropout".
        Returns:
            (carries after the last valid token, outputs of the last layer (B, T, H) or (B, T, 2 H)).
        Raises:
            ValueError: an unknown cell, or a size below 1.
        """
        check_sizes(features=self.features, num_layers=self.num_layers)
        x_TBD = inputs_BTD.swapaxes(0, 1)
        keep_TB = None if keep_BT is None else keep_BT.T
        last: list[tuple[Carry, ...]] = []
        for layer in range(self.num_layers):
            if layer > 0 and self.dropout_rate is not None:
                x_TBD = Dropout(self.dropout_rate, name=f"dropout_{layer}")(x_TBD, deterministic=deterministic)
            directions = []
            for direction, name in enumerate(("forward", "backward")[: 1 + self.bidirectional]):
                start = None if carries is None else carries[layer][direction]
                module = RecurrentLayer(
                    self.cell,
                    self.features,
                    reverse=direction == 1,
                    forget_bias=self.forget_bias,
                    name=f"{name}_{layer}",
                )
                directions.append(module(x_TBD, start, keep_TB))
            last.append(tuple(carry for carry, _ in directions))
            x_TBD = jnp.concatenate([outputs for _, outputs in directions], axis=-1)
        return tuple(last), x_TBD.swapaxes(0, 1)


def check_sizes(**sizes: int) -> None:
    """Raises ValueError for a size below 1."""
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name}={size} is below 1; use a positive whole number")


def zero_carries(cell: str, features: int, num_layers: int, batch_size: int, *, bidirectional: bool = False) -> Carries:
    """The empty state of a `Recurrent` stack: zeros, every leaf (B, H)."""
    one = zero_carry(find_cell(cell), batch_size, features)
    return tuple((one,) * (1 + bidirectional) for _ in range(num_layers))


def final_hidden(carries: Carries) -> Array:
    """h of the last layer after the last valid token, directions side by side: (B, H) or (B, 2 H)."""
    return jnp.concatenate([carry[0] for carry in carries[-1]], axis=-1)
