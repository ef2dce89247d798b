"""A class for each token: losses and accuracies count tokens, "exact" counts sequences, padding counts nothing."""

import jax
import jax.numpy as jnp
import numpy as np

from nn_core.data.splits import SplitSizes
from nn_core.metrics import means
from nn_core.tasks.supervised import HEADS, Problem, View, look_up, sums

LOGITS_BTC = jax.random.normal(jax.random.key(3), (3, 5, 4))
TAGS_BT = jnp.array([[0, 1, 2, 3, 1], [2, 2, -1, -1, -1], [3, -1, -1, -1, -1]])
PROBLEM = Problem(None, HEADS["tokens"], View(SplitSizes(1, 1, 1), 0, 1), None)


def test_every_token_counts_once_and_padding_never():
    values = means(sums(PROBLEM, LOGITS_BTC, TAGS_BT))
    log_p = np.asarray(jax.nn.log_softmax(LOGITS_BTC))
    picked = [(b, t, int(TAGS_BT[b, t])) for b in range(3) for t in range(5) if TAGS_BT[b, t] >= 0]
    np.testing.assert_allclose(values["loss"], -np.mean([log_p[place] for place in picked]), rtol=1e-5)
    right = [log_p[b, t].argmax() == tag for b, t, tag in picked]
    np.testing.assert_allclose(values["accuracy"], np.mean(right), rtol=1e-6)


def test_a_sequence_is_exact_where_every_token_is_right():
    sure_BTC = 9.0 * jax.nn.one_hot(jnp.maximum(TAGS_BT, 0), 4)
    assert float(means(sums(PROBLEM, sure_BTC, TAGS_BT))["exact"]) == 1.0
    one_wrong = sure_BTC.at[0, 4].set(9.0 * jax.nn.one_hot(2, 4))
    values = means(sums(PROBLEM, one_wrong, TAGS_BT))
    np.testing.assert_allclose([values["exact"], values["accuracy"]], [2 / 3, 7 / 8], rtol=1e-6)


def test_rows_of_weight_zero_are_not_there():
    some = sums(PROBLEM, LOGITS_BTC, TAGS_BT, jnp.array([1.0, 0.0, 1.0]))
    subset = sums(PROBLEM, LOGITS_BTC[::2], TAGS_BT[::2])
    for name in subset:
        np.testing.assert_allclose(some[name], subset[name], rtol=1e-6)


def test_a_pair_of_inputs_is_looked_up_together():
    data = {"inputs": (jnp.arange(12).reshape(6, 2), jnp.arange(6)[:, None])}
    first, second = look_up(data, jnp.array([4, 1]))
    np.testing.assert_array_equal(first, [[8, 9], [2, 3]])
    np.testing.assert_array_equal(second, [[4], [1]])
