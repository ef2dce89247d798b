"""The request to the decoding loop, as arrays: changing a value changes data and not the program."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from nn_core.generation.decoder import Decoder
from nn_core.generation.filters import Sampling

NO_EOS = -1
# Room for new tokens, in powers of two from here on: few buffer sizes, few programs.
SMALLEST_CAPACITY = 256
# Tokens ranked for a top-k: no value up to here compiles again; at V = 50,257 it takes 0.3 ms a token on a CPU.
RANKED = 1024


class Request(NamedTuple):
    """The request, which is constant over the loop.

    Attributes:
        limits_B: most new tokens of each row.
        row_keys_B: one typed key a row, or None: greedy.
        sampling: the filters.
        eos_id: the token that ends a row, -1 for none; or several, (E,).
        pad_id: the token after the end of a row.
        keep: number of tokens to read again when a row's window is full, 1 .. context_size.
    """

    limits_B: jax.Array
    row_keys_B: jax.Array | None
    sampling: Sampling
    eos_id: jax.Array
    pad_id: jax.Array
    keep: jax.Array


def make_request(
    decoder: Decoder,
    limits_B: np.ndarray,
    key: jax.Array | None,
    sampling: Sampling,
    eos_id: int | Sequence[int] | None,
    pad_id: int,
    keep: int | None,
) -> Request:
    """The request of ``generate``'s arguments, already checked; the limits are given row by row."""
    return Request(
        limits_B=on_host(limits_B, np.int32),
        row_keys_B=_row_keys(key, len(limits_B)),
        sampling=_as_arrays(sampling),
        eos_id=end_ids(eos_id),
        pad_id=on_host(pad_id, np.int32),
        keep=make_keep(decoder, keep),
    )


def end_ids(eos_id: int | Sequence[int] | None) -> Any:
    """The end tokens as an argument of the loop: a scalar for one, (E,) for several; -1 for none."""
    if isinstance(eos_id, Sequence) and len(eos_id) == 1:
        (eos_id,) = eos_id
    return on_host(NO_EOS if eos_id is None or eos_id == () else np.asarray(eos_id), np.int32)


def ends(ids: jax.Array, eos_id: jax.Array) -> jax.Array:
    """Which of these tokens end a row, as booleans of the same shape."""
    if eos_id.ndim == 0:
        return ids == eos_id
    return jnp.any(ids[..., None] == eos_id.reshape((1,) * ids.ndim + (-1,)), axis=-1)


def make_keep(decoder: Decoder, keep: int | None) -> jax.Array:
    """The number of tokens that are read again when a window is full: half of it, unless said otherwise.

    Raises:
        ValueError: for a number outside 1 .. context_size, or one that has no effect because the decoder has no limit.
    """
    if decoder.context_size is None:
        if keep is not None:
            raise ValueError(f"keep={keep} has no effect, this decoder has no context limit; leave it out")
        return on_host(1, np.int32)
    keep = max(1, decoder.context_size // 2) if keep is None else keep
    if not 1 <= keep <= decoder.context_size:
        raise ValueError(f"keep={keep} is outside 1 .. context_size={decoder.context_size}; leave it out for half")
    return on_host(keep, np.int32)


def check_greedy(key: jax.Array | None, sampling: Sampling, num_return_sequences: int) -> None:
    """Refuses options of drawing in greedy decoding, where they have no effect."""
    if num_return_sequences < 1:
        raise ValueError(f"num_return_sequences={num_return_sequences} must be at least 1; 1 is the default")
    if key is not None:
        return
    draws = (sampling.temperature, sampling.top_k, sampling.top_p, sampling.min_p)
    for name, value in zip(("temperature", "top_k", "top_p", "min_p"), draws, strict=True):
        if value is not None:
            raise ValueError(f"{name}={value} has no effect without a key (greedy); leave it out, or pass a key")
    if num_return_sequences > 1:
        raise ValueError(f"num_return_sequences={num_return_sequences} repeats one text if greedy; pass a key")


def _row_keys(key: jax.Array | None, rows: int) -> jax.Array | None:
    """fold_in(key, row) for every row, unless the keys are given row by row."""
    if key is None:
        return None
    if key.ndim == 0:
        return _fold_rows(key, np.arange(rows, dtype=np.uint32))
    if key.shape != (rows,):
        raise ValueError(f"key has the shape {key.shape} for {rows} rows; pass one key, or one per row")
    return key


_fold_rows = jax.jit(jax.vmap(jax.random.fold_in, (None, 0)))


def on_host(value: ArrayLike, dtype: type) -> Any:
    """Makes an argument on the host, because each eager operation of JAX would compile a program."""
    return value.astype(dtype) if isinstance(value, jax.Array) else np.asarray(value, dtype)


def _as_arrays(sampling: Sampling) -> Sampling:
    """Values as arrays of one type each (1 and 1.0 are one program), and the number of tokens that top-k ranks.

    Raises:
        ValueError: for a top_k above a given width.
    """

    def number(value: jax.Array | float | None, dtype: type) -> Any:
        return None if value is None else on_host(value, dtype)

    width, top_k = sampling.width, number(sampling.top_k, np.int32)
    if top_k is not None:
        largest = int(top_k.max())
        if width is not None and largest > width:
            raise ValueError(f"top_k={largest} is more than width={width} ranked tokens; raise width, or leave it out")
        width = RANKED if width is None and largest <= RANKED else width
    return Sampling(
        temperature=number(sampling.temperature, np.float32),
        top_k=top_k,
        top_p=number(sampling.top_p, np.float32),
        min_p=number(sampling.min_p, np.float32),
        repetition_penalty=number(sampling.repetition_penalty, np.float32),
        width=width,
    )
