"""A class for each token: losses and accuracies count tokens, "exact" counts sequences, padding counts nothing."""

import jax
import numpy as np
from scipy.special import log_softmax

from nn_core.data.splits import SplitSizes
from nn_core.metrics import means
from nn_core.tasks.examples import View, look_up
from nn_core.tasks.heads import TOKENS
from nn_core.tasks.supervised import Problem, sums

LOGITS_BTC = np.random.default_rng(3).normal(size=(3, 5, 4)).astype(np.float32)
TAGS_BT = np.array([[0, 1, 2, 3, 1], [2, 2, -1, -1, -1], [3, -1, -1, -1, -1]], np.int32)
PROBLEM = Problem(None, TOKENS, View(SplitSizes(1, 1, 1), 0, 1), None)


@jax.jit
def tell(*batch):
    """The sums of a batch, and the metrics that they are the means of."""
    found = sums(PROBLEM, *batch)
    return found, means(found)


def test_every_token_counts_once_and_padding_never():
    _, values = tell(LOGITS_BTC, TAGS_BT)
    log_p = log_softmax(LOGITS_BTC, axis=-1)
    picked = [(b, t, int(TAGS_BT[b, t])) for b in range(3) for t in range(5) if TAGS_BT[b, t] >= 0]
    np.testing.assert_allclose(values["loss"], -np.mean([log_p[place] for place in picked]), rtol=1e-5)
    right = [log_p[b, t].argmax() == tag for b, t, tag in picked]
    np.testing.assert_allclose(values["accuracy"], np.mean(right), rtol=1e-6)


def test_a_sequence_is_exact_where_every_token_is_right():
    sure_BTC = 9 * np.eye(4, dtype=np.float32)[np.maximum(TAGS_BT, 0)]
    assert float(tell(sure_BTC, TAGS_BT)[1]["exact"]) == 1.0
    one_wrong = np.copy(sure_BTC)
    one_wrong[0, 4] = 9 * np.eye(4)[2]
    _, values = tell(one_wrong, TAGS_BT)
    np.testing.assert_allclose([values["exact"], values["accuracy"]], [2 / 3, 7 / 8], rtol=1e-6)


def test_rows_of_weight_zero_are_not_there():
    some, _ = tell(LOGITS_BTC, TAGS_BT, np.array([1, 0, 1], np.float32))
    subset, _ = tell(LOGITS_BTC[::2], TAGS_BT[::2])
    for name in subset:
        np.testing.assert_allclose(some[name], subset[name], rtol=1e-6)


def test_a_pair_of_inputs_is_looked_up_together():
    data = {"inputs": (np.arange(12).reshape(6, 2), np.arange(6)[:, None])}
    first, second = jax.jit(look_up)(data, np.array([4, 1]))
    np.testing.assert_array_equal(first, [[8, 9], [2, 3]])
    np.testing.assert_array_equal(second, [[4], [1]])
