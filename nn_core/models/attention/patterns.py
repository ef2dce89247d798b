"""Which keys a query may see: causal, local, local-global and strided patterns, by the places of query and key.

Sources: inventory F122, F142, S39, S40; Child et al. 2019 (strided); Beltagy et al. 2020 (local-global).
"""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array


class Pattern(NamedTuple):
    """The structure of an attention; without any of it every query sees every key.

    Attributes:
      causal: a query sees no later key.
      window: None, or the number of tokens >= 1 that a query sees to either side, itself included.
      global_tokens: this many tokens at the beginning see all keys and are seen by all queries; needs a window.
      stride: None; else a query also sees every stride-th token, counted from itself, and its window is the stride
          unless another one is given.
    """

    causal: bool = False
    window: int | None = None
    global_tokens: int = 0
    stride: int | None = None

    @property
    def nearest(self) -> int | None:
        """The window; a strided pattern without one has its stride as window. None: no limit."""
        return self.stride if self.window is None else self.window

    @property
    def is_full(self) -> bool:
        """Whether every query sees every key."""
        return not self.causal and self.nearest is None


def check_pattern(pattern: Pattern) -> Pattern:
    """Returns the pattern.

    Raises:
      ValueError: a window or stride below 1, or global tokens where nothing is local.
    """
    for name, value in (("window", pattern.window), ("stride", pattern.stride)):
        if value is not None and value < 1:
            raise ValueError(f"{name}={value} must be at least 1; use None for no {name}")
    if pattern.global_tokens < 0:
        raise ValueError(f"global_tokens={pattern.global_tokens} must be at least 0; 0 is none")
    if pattern.global_tokens and pattern.nearest is None:
        raise ValueError(f"global_tokens={pattern.global_tokens} has no effect without a window; give a window")
    return pattern


def allowed(queries: Array, keys: Array, pattern: Pattern) -> Array:
    """Which keys each query may see.

    Args:
      queries: (..., T) places.
      keys: (..., S) places; its leading axes equal those of the queries or have length 1.
      pattern: the structure.

    Returns:
      (..., T, S) booleans, True where the query may look.
    """
    queries, keys = queries[..., :, None], keys[..., None, :]
    distance = queries - keys
    seen = jnp.ones(distance.shape, bool)
    if pattern.nearest is not None:
        seen = jnp.abs(distance) < pattern.nearest
        if pattern.stride is not None:
            seen |= distance % pattern.stride == 0
        if pattern.global_tokens:
            seen |= (keys < pattern.global_tokens) | (queries < pattern.global_tokens)
    return seen & (distance >= 0) if pattern.causal else seen


def pattern_mask(num_queries: int, num_keys: int, pattern: Pattern) -> Array:
    """(1, 1, T, S), `allowed` for the places 0, 1, 2, … of both."""
    return allowed(jnp.arange(num_queries), jnp.arange(num_keys), pattern)[None, None]
