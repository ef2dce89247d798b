import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nn_core.data.opinions import opinions
from nn_core.models.flattened import FlattenedEmbeddings, pad_ids

V, E, H, C, T = 11, 3, 5, 2, 7
IDS = jnp.array([[1, 4, 4, 9, 0, 0, 0], [2, 0, 0, 0, 0, 0, 0]])


def test_it_is_a_network_on_the_vectors_end_to_end():
    model = FlattenedEmbeddings(V, E, H, C)
    params = jax.device_get(jax.jit(model.init)(jax.random.key(0), IDS)["params"])
    table = params["table"]["embedding"].copy()
    table[0] = 0
    flat = table[np.asarray(IDS)].reshape(2, T * E)
    hidden = np.maximum(flat @ params["hidden"]["kernel"] + params["hidden"]["bias"], 0)
    expected = hidden @ params["output"]["kernel"] + params["output"]["bias"]
    np.testing.assert_allclose(jax.jit(model.apply)({"params": params}, IDS), expected, rtol=1e-5)


@pytest.mark.parametrize("freeze", [True, False])
def test_a_frozen_table_gets_no_gradient_and_a_trained_one_only_where_it_is_used(freeze):
    given = jnp.arange(V * E, dtype=jnp.float32).reshape(V, E) / 10
    model = FlattenedEmbeddings(V, E, H, C, freeze=freeze, embedding_init=lambda key, shape, dtype=None: given)
    params = jax.jit(model.init)(jax.random.key(0), IDS)["params"]
    np.testing.assert_array_equal(params["table"]["embedding"], given)
    gradient = jax.jit(jax.grad(lambda p: jnp.square(model.apply({"params": p}, IDS)).sum()))(params)
    used = np.flatnonzero(np.asarray(gradient["table"]["embedding"]).any(axis=1)).tolist()
    assert used == ([] if freeze else [1, 2, 4, 9])
    assert np.asarray(gradient["hidden"]["kernel"]).any()


def test_texts_are_padded_and_cut():
    np.testing.assert_array_equal(pad_ids([[3], [1, 2, 3, 4]], 3), [[3, 0, 0], [1, 2, 3]])
    with pytest.raises(ValueError, match="below 1"):
        pad_ids([[0]], 3)


def test_words_without_their_order_do_not_tell_an_opinion():
    texts, labels = opinions(num_examples=3000, seed=1)
    by_words: dict[tuple[str, ...], set[int]] = {}
    for text, label in zip(texts, labels.tolist(), strict=True):
        by_words.setdefault(tuple(sorted(text.split())), set()).add(label)
    assert sum(len(found) == 2 for found in by_words.values()) > 20
    assert 0.4 < labels.mean() < 0.6
    assert (opinions(num_examples=30, seed=1)[1] == labels[:30]).all()
