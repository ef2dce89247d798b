"""The place of a token: added vectors (sinusoidal; learned ones are an embedding), rotations, and biases on the scores.

Attention without any of these treats its keys as a set. Sources: F125-F127, F140-F142.
"""

import math
from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import DTypeLike

# The wavelengths of sinusoids and rotations run from 2 pi to 10,000 * 2 pi tokens (Vaswani et al. 2017).
MAX_WAVELENGTH = 10_000.0
# T5's relative bias: 32 buckets, the last one for everything from 128 tokens on (Raffel et al. 2020).
RELATIVE_BUCKETS = 32
RELATIVE_MAX_DISTANCE = 128


def sinusoidal_positions(positions: Array, width: int, max_wavelength: float = MAX_WAVELENGTH) -> Array:
    """PE(t, 2i) = sin(t / w^(2i/D)), PE(t, 2i+1) = cos(t / w^(2i/D)): fixed, for any length (F126).

    PE(t + k) is a rotation of PE(t) that does not depend on t, so that relative places are linear in the encoding.

    Args:
      positions: (...) integers or floats >= 0.
      width: D >= 1; an odd width drops the last cosine.
      max_wavelength: w > 1.

    Returns:
      (..., D) float32, entries in [-1, 1].
    """
    frequencies = _frequencies(width, max_wavelength)
    angles = _angles(positions, frequencies)
    pairs = jnp.stack([jnp.sin(angles), jnp.cos(angles)], axis=-1)
    return pairs.reshape(*positions.shape, 2 * frequencies.size)[..., :width]


class Rope(NamedTuple):
    """How fast rotary positions turn: the angles of a position t are t f_i, with f_i = w^(-2i/K) before any scaling.

    Attributes:
      max_wavelength: w > 1, also called theta.
      factor: how many times longer texts may be than in training, >= 1. "linear" scaling divides all f_i by it; Llama
        3's divides those that turn less than `low` times in `original_length` tokens, leaves those that turn more than
        `high` times, and blends between (where original_length is given).
      original_length: None, or tokens that the model was first trained on.
      low, high: turns, 0 < low < high.
    """

    max_wavelength: float = MAX_WAVELENGTH
    factor: float = 1.0
    original_length: int | None = None
    low: float = 1.0
    high: float = 4.0

    def frequencies(self, width: int) -> np.ndarray:
        """(K / 2,) float32, radians per token."""
        frequencies = _frequencies(width, self.max_wavelength)
        if self.original_length is None:
            return frequencies / np.float32(self.factor)
        turns = self.original_length * frequencies / (2 * math.pi)
        kept = np.clip((turns - self.low) / (self.high - self.low), 0, 1)
        return np.asarray((1 - kept) * frequencies / self.factor + kept * frequencies, np.float32)


def rotate(x_BTHK: Array, positions_BT: Array, rope: Rope | None = None) -> Array:
    """Rotary positions: rotates the pair (x_i, x_(i+K/2)) by t / w^(2i/K) (Su et al. 2021; LLaMA's halves; F141).

    The product of a rotated query and a rotated key depends only on the distance between their positions.

    Args:
      x_BTHK: queries or keys, K even.
      positions_BT: (B, T) or (1, T) positions.
      rope: wavelengths and their scaling; None: w = 10,000, unscaled.

    Returns:
      (B, T, H, K) of the dtype of x; the length of every vector is unchanged.

    Raises:
      ValueError: an odd head width.
    """
    width = x_BTHK.shape[-1]
    if width % 2:
        raise ValueError(f"rotary positions turn pairs, but the head width is {width}; use an even head width")
    angles_BT1K = _angles(positions_BT, (rope or Rope()).frequencies(width))[:, :, None]
    sin, cos = jnp.sin(angles_BT1K), jnp.cos(angles_BT1K)
    first, second = jnp.split(x_BTHK.astype(jnp.float32), 2, axis=-1)
    turned = jnp.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)
    return turned.astype(x_BTHK.dtype)


def alibi_slopes(num_heads: int) -> np.ndarray:
    """ALiBi's slopes: 2^(-8h/H) for h = 1 .. H where H is a power of two (Press et al. 2022; BLOOM, F141).

    For other H: the slopes of the largest power of two below H, then every second slope of twice that many heads.

    Args:
      num_heads: H >= 1.

    Returns:
      (H,) float32, positive.
    """
    power = 2 ** int(math.log2(num_heads))
    slopes = [2.0 ** (-8.0 * h / power) for h in range(1, power + 1)]
    between = [2.0 ** (-4.0 * h / power) for h in range(1, 2 * power + 1, 2)]
    return np.asarray(slopes + between[: num_heads - power], np.float32)


def alibi_bias(num_heads: int, query_positions_BT: Array, key_positions_BS: Array) -> Array:
    """-slope_h |t - s|, added to the scores, so that distant keys count less (F141, F142).

    Args:
      num_heads: H.
      query_positions_BT: (B, T) or (1, T).
      key_positions_BS: (B, S) or (1, S).

    Returns:
      (B or 1, H, T, S) float32, at most 0.
    """
    distance_BTS = jnp.abs(_difference(query_positions_BT, key_positions_BS)).astype(jnp.float32)
    return -jnp.asarray(alibi_slopes(num_heads))[None, :, None, None] * distance_BTS[:, None]


def relative_buckets(
    query_positions_BT: Array,
    key_positions_BS: Array,
    bidirectional: bool,
    num_buckets: int = RELATIVE_BUCKETS,
    max_distance: int = RELATIVE_MAX_DISTANCE,
) -> Array:
    """T5's buckets of s - t: near distances one by one, far ones logarithmically, the last for all beyond (F140, F142).

    Args:
      query_positions_BT: (B, T) or (1, T).
      key_positions_BS: (B, S) or (1, S).
      bidirectional: half of the buckets for keys after the query (encoders); False: later keys share bucket 0.
      num_buckets: > 1, even if bidirectional.
      max_distance: this distance and all larger ones share the last bucket.

    Returns:
      (B or 1, T, S) int32 in [0, num_buckets).
    """
    ahead = -_difference(query_positions_BT, key_positions_BS)
    sides = num_buckets // 2 if bidirectional else num_buckets
    offset = jnp.where(ahead > 0, sides, 0) if bidirectional else 0
    distance = jnp.abs(ahead) if bidirectional else jnp.maximum(-ahead, 0)
    exact = sides // 2
    # The inner maximum keeps ln 0 out of a branch that is not taken.
    ratio = jnp.log(jnp.maximum(distance, exact) / exact) / math.log(max_distance / exact)
    far = jnp.minimum(exact + (ratio * (sides - exact)).astype(jnp.int32), sides - 1)
    return offset + jnp.where(distance < exact, distance, far)


class RelativeBias(nn.Module):
    """A learned number per head and bucket of the distance, added to the scores of every layer (T5; F140, F142).

    Attributes:
      num_heads: H.
      bidirectional: True in encoders.
      num_buckets, max_distance: see `relative_buckets`.
    """

    num_heads: int
    bidirectional: bool
    num_buckets: int = RELATIVE_BUCKETS
    max_distance: int = RELATIVE_MAX_DISTANCE

    @nn.compact
    def __call__(self, query_positions_BT: Array, key_positions_BS: Array) -> Array:
        """The bias of these positions, (B or 1, H, T, S) float32."""
        shape = (self.num_buckets, self.num_heads)
        embedding = self.param("embedding", nn.initializers.normal(0.02), shape)
        buckets_BTS = relative_buckets(
            query_positions_BT, key_positions_BS, self.bidirectional, self.num_buckets, self.max_distance
        )
        return embedding[buckets_BTS].transpose(0, 3, 1, 2)


def position_indices(length: int, dtype: DTypeLike = jnp.int32) -> Array:
    """0 .. length - 1 as (1, T): the positions of a batch whose rows all start at the beginning."""
    return jnp.arange(length, dtype=dtype)[None]


def _frequencies(width: int, max_wavelength: float) -> np.ndarray:
    exponents = np.arange(0, width, 2, dtype=np.float64) / width
    return np.asarray(max_wavelength**-exponents, np.float32)


def _angles(positions: Array, frequencies: np.ndarray) -> Array:
    rows = frequencies.reshape((1,) * positions.ndim + (-1,))
    return positions[..., None].astype(jnp.float32) * rows


def _difference(query_positions_BT: Array, key_positions_BS: Array) -> Array:
    if query_positions_BT.shape[0] != key_positions_BS.shape[0]:
        rows = max(query_positions_BT.shape[0], key_positions_BS.shape[0])
        query_positions_BT = jnp.broadcast_to(query_positions_BT, (rows, query_positions_BT.shape[1]))
        key_positions_BS = jnp.broadcast_to(key_positions_BS, (rows, key_positions_BS.shape[1]))
    return query_positions_BT[:, :, None] - key_positions_BS[:, None, :]
