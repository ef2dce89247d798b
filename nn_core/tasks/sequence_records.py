"""What the results keep of a sequence model: forecasts beside naive ones, decoded sequences, a table of words.

Each is a pure function of a trained model and the data of its member. Sources: F113, F116, F117.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from nn_core.generation.beam import beam_search
from nn_core.generation.decode import generate
from nn_core.generation.decoder import Decoder
from nn_core.tasks.base import Data, Params
from nn_core.tasks.examples import look_up
from nn_core.tasks.records import Trained

LOW, HIGH = 0.05, 0.95  # quantiles of a forecast's band


def root_mean_square(errors_N: Array) -> Array:
    """sqrt(mean e^2)."""
    return jnp.sqrt(jnp.mean(errors_N**2))


def fit_linear(windows_NW: np.ndarray, targets_N: np.ndarray) -> np.ndarray:
    """Least squares of the next value on the window and a constant, on the host: (W + 1,), the constant last."""
    rows_NX = np.concatenate([windows_NW, np.ones((len(windows_NW), 1))], axis=1)
    return np.linalg.lstsq(rows_NX, targets_N, rcond=None)[0].astype(np.float32)


def forecasts(trained: Trained, linear_X: np.ndarray, *, season: int, horizon: int, num_paths: int) -> dict[str, Array]:
    """Forecasts of the test part of a series beside naive ones (F116).

    One step ahead: each value from the window before it. Far ahead: from the first test window on, the model reads its
    own forecasts, with Gaussian noise of the size of its validation errors added. The figure shows the band and the
    median of many such paths. The noise comes from one fixed key.

    Args:
        trained: a model of windows (B, W, 1), not standardized, in the order of time.
        linear_X: what `fit_linear` found on the training windows.
        season: steps after which the series repeats, 1 .. W.
        horizon: steps of the far forecast, 1 .. test examples.
        num_paths: simulated paths, >= 2.
    Returns:
        Scalars: root mean square errors one step ahead, "rmse" of the model, "last_value_rmse", "season_rmse" (the
        value a season ago), "linear_rmse" (least squares on the window); far ahead "horizon_rmse" of the median,
        "horizon_season_rmse" (the last season repeated), and "coverage", the share of true values inside the band.
        Arrays: "forecast" (test, 2) forecast and truth one step ahead; "horizon" (horizon, 4) low, median, high, truth.
    """
    data = trained.data
    windows_NW, targets_N = data["inputs"][..., 0], data["targets"]
    test_NW, truth_N = windows_NW[data["test"]], targets_N[data["test"]]
    made_N = trained.predict(look_up(data, data["test"]))[:, 0]
    validation_N = trained.predict(look_up(data, data["validation"]))[:, 0]
    noise = root_mean_square(validation_N - targets_N[data["validation"]])
    paths_HP = simulate(trained, test_NW[0], noise, horizon, num_paths)
    low_H, median_H, high_H = jnp.quantile(paths_HP, jnp.asarray([LOW, 0.5, HIGH]), axis=1)
    future_H = truth_N[:horizon]
    last_season_H = test_NW[0][-season:][jnp.arange(horizon) % season]
    return {
        "rmse": root_mean_square(made_N - truth_N),
        "last_value_rmse": root_mean_square(test_NW[:, -1] - truth_N),
        "season_rmse": root_mean_square(test_NW[:, -season] - truth_N),
        "linear_rmse": root_mean_square(test_NW @ linear_X[:-1] + linear_X[-1] - truth_N),
        "horizon_rmse": root_mean_square(median_H - future_H),
        "horizon_season_rmse": root_mean_square(last_season_H - future_H),
        "coverage": jnp.mean((low_H <= future_H) & (future_H <= high_H)),
        "forecast": jnp.stack([made_N, truth_N], axis=1),
        "horizon": jnp.stack([low_H, median_H, high_H, future_H], axis=1),
    }


def simulate(trained: Trained, window_W: Array, noise: Array, horizon: int, num_paths: int) -> Array:
    """Simulated paths of a model that reads its own noisy forecasts: (horizon, num_paths)."""
    noise_HP = noise * jax.random.normal(jax.random.key(0), (horizon, num_paths))

    def step(windows_PW: Array, noise_P: Array) -> tuple[Array, Array]:
        next_P = trained.predict(windows_PW[..., None])[:, 0] + noise_P
        return jnp.concatenate([windows_PW[:, 1:], next_P[:, None]], axis=1), next_P

    return lax.scan(step, jnp.broadcast_to(window_W[None], (num_paths, *window_W.shape)), noise_HP)[1]


def word_table(data: Data, vocabulary_size: int, num_classes: int) -> dict[str, Array]:
    """The baseline of tagging: each word gets the tag that it has most often in the training sentences.

    Args:
        data: the shared data and what `prepare` adds: inputs (N, T) ids, targets (N, T) tags, below 0 where there is none.
        vocabulary_size: V.
        num_classes: C.
    Returns:
        {"table_accuracy": share of the test words that it tags right}.
    """

    def split(name: str) -> tuple[Array, Array]:
        return data["inputs"][data[name]].ravel(), data["targets"][data[name]].ravel()

    ids_N, tags_N = split("train")
    counts_VC = jnp.zeros((vocabulary_size, num_classes)).at[ids_N, jnp.maximum(tags_N, 0)].add(tags_N >= 0)
    ids_M, tags_M = split("test")
    right_M = jnp.argmax(counts_VC, axis=1)[ids_M] == tags_M
    return {"table_accuracy": jnp.sum(right_M) / jnp.sum(tags_M >= 0)}


LONGEST = 0.25  # share of the sources that count as long
DECODED_AT_ONCE = 128  # sources of one call of the decoding loops: bounds the memory of their caches


def decoded(
    decoder: Decoder,
    params: Params,
    data: Data,
    *,
    num_examples: int,
    num_beams: int,
    length_penalty: float,
    start_id: int,
    end_id: int,
    pad_id: int,
) -> dict[str, Array]:
    """What the model writes for the first test sources, greedily and by beam search (F117, F137).

    Args:
        decoder: of the model, without dropout.
        params: its parameters.
        data: the shared data and what `prepare` adds: inputs (source ids, target ids, …), targets (N, U) below 0 at
            padding.
        num_examples: test sources, >= 1; all of them where there are fewer.
        num_beams: hypotheses of the beam search, >= 2.
        length_penalty: of the beam search.
        start_id, end_id, pad_id: what a target begins with, ends with, and has behind its end.
    Returns:
        {"greedy_exact", "beam_exact": share of targets that are written exactly, end token included; "long_exact": the
        beam's share of the longest quarter of the sources; "decoded": (num_examples, 3, max(S, U)) source, greedy and
        beam, padded behind their ends}.
    """
    rows_N = data["test"][:num_examples]
    sources_NS, targets_NU = data["inputs"][0][rows_N], data["targets"][rows_N]
    width = targets_NU.shape[1]
    limits: dict[str, Any] = {"max_new_tokens": width, "eos_id": end_id, "pad_id": pad_id}
    ways: dict[str, Any] = {"num_beams": num_beams, "num_return_sequences": 1, "length_penalty": length_penalty}

    def write(source_PS: Array) -> tuple[Array, Array]:
        start = [[start_id]] * len(source_PS)
        greedy_PU = generate(decoder, (params, source_PS), start, **limits).ids_BN[:, :width]
        return greedy_PU, beam_search(decoder, (params, source_PS), start, **ways, **limits).ids_PKN[:, 0, :width]

    if len(sources_NS) <= DECODED_AT_ONCE:
        greedy_NU, beam_NU = write(sources_NS)
    else:
        missing = -len(sources_NS) % DECODED_AT_ONCE
        filled_NS = jnp.pad(sources_NS, ((0, missing), (0, 0)), constant_values=pad_id)
        parts = lax.map(write, filled_NS.reshape(-1, DECODED_AT_ONCE, filled_NS.shape[1]))
        greedy_NU, beam_NU = (ids.reshape(-1, width)[: len(sources_NS)] for ids in parts)
    wanted_NU = jnp.where(targets_NU < 0, pad_id, targets_NU)
    widest = max(width, sources_NS.shape[1])
    texts = [
        jnp.pad(ids, ((0, 0), (0, widest - ids.shape[1])), constant_values=pad_id)
        for ids in (sources_NS, greedy_NU, beam_NU)
    ]
    exact_N = jnp.all(beam_NU == wanted_NU, axis=1)
    lengths_N = jnp.sum(sources_NS != pad_id, axis=1)
    return {
        "greedy_exact": jnp.mean(jnp.all(greedy_NU == wanted_NU, axis=1)),
        "beam_exact": jnp.mean(exact_N),
        "long_exact": jnp.mean(exact_N, where=lengths_N >= jnp.quantile(lengths_N, 1 - LONGEST)),
        "decoded": jnp.stack(texts, axis=1).astype(jnp.int32),
    }
