"""The encoder and its heads: padding, segments, both sides seen, scanned layers, and every head's shape and gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nn_core.models.transformer.encoder import Encoder, Pretraining, SpanReader, TextClassifier, TokenClassifier
from nn_core.models.transformer.translation import unstack_layers
from tests.jitted import drawn, method

V, CONTEXT, D = 23, 19, 12
MODEL = Encoder(V, CONTEXT, D, 3, 2)
LENGTHS = (11, 7, 4)
IDS = np.random.default_rng(0).integers(1, V, (3, 11)).astype(np.int32)
PADDED = np.where(np.arange(11)[None] < np.array(LENGTHS)[:, None], IDS, 0).astype(np.int32)
VARIABLES = drawn(MODEL, IDS, stddev=0.3)


def hidden(ids: np.ndarray) -> np.ndarray:
    return np.asarray(method(MODEL)(VARIABLES, ids))


def test_no_bit_of_a_text_depends_on_what_stands_behind_or_beside_it() -> None:
    outputs = hidden(PADDED)
    alone = hidden(np.stack([PADDED[1], PADDED[0], np.roll(PADDED[2], 0)]))
    np.testing.assert_array_equal(outputs[1, :7], alone[0, :7])  # another place in the batch, other neighbours

    def with_garbage(embedding: np.ndarray) -> np.ndarray:
        params = {**VARIABLES["params"], "token_embedding": {"embedding": embedding}}
        return np.asarray(method(MODEL)({"params": params}, PADDED))

    table = np.array(VARIABLES["params"]["token_embedding"]["embedding"])
    table[0] += 7.0  # padding looks different, and is seen by nobody
    for row, length in enumerate(LENGTHS):
        np.testing.assert_array_equal(with_garbage(table)[row, :length], outputs[row, :length])
    assert not np.array_equal(with_garbage(table)[1, 7:], outputs[1, 7:])


def test_more_padding_changes_no_more_than_rounding() -> None:
    """Not bit for bit: XLA chooses its products' kernels, and so the order of their sums, by the shape."""
    outputs = hidden(np.pad(PADDED, ((0, 0), (0, 8))))
    for row, length in enumerate(LENGTHS):
        np.testing.assert_allclose(outputs[row, :length], hidden(PADDED)[row, :length], atol=1e-5)


def test_every_token_sees_both_sides_and_its_segment() -> None:
    def first(embedding: jax.Array, ids: np.ndarray, row: int, place: int) -> jax.Array:
        params = {**VARIABLES["params"], "token_embedding": {"embedding": embedding}}
        return MODEL.apply({"params": params}, ids)[row, place].sum()

    ids = np.arange(1, 12, dtype=np.int32)[None]
    table = jnp.asarray(VARIABLES["params"]["token_embedding"]["embedding"])
    for place in (0, 10):
        slopes = jax.jit(jax.grad(first), static_argnums=(2, 3))(table, ids, 0, place)
        assert np.all(np.abs(np.asarray(slopes)[1:12]).sum(axis=1) > 0)
    segments = np.zeros_like(IDS)
    segments[:, 5:] = 1
    assert not np.allclose(method(MODEL)(VARIABLES, IDS, segments), hidden(IDS))
    np.testing.assert_array_equal(method(MODEL)(VARIABLES, IDS, np.zeros_like(IDS)), hidden(IDS))


def test_sentence_vectors_are_the_mean_over_the_tokens_that_are_there() -> None:
    vectors = np.asarray(method(MODEL, "sentence_vectors")(VARIABLES, PADDED))
    outputs = hidden(PADDED)
    expected = np.stack([outputs[row, :length].mean(axis=0) for row, length in enumerate(LENGTHS)])
    np.testing.assert_allclose(vectors, expected, atol=1e-6)


HEADS = {
    "pretraining": (Pretraining(MODEL), [(3, 11, V), (3, 2)]),
    "text": (TextClassifier(MODEL, 5), [(3, 5)]),
    "mean": (TextClassifier(MODEL, 5, "mean"), [(3, 5)]),
    "tokens": (TokenClassifier(MODEL, 4), [(3, 11, 4)]),
    "span": (SpanReader(MODEL), [(3, 2, 11)]),
}


@pytest.mark.parametrize("name", HEADS)
def test_every_head_has_its_shape_and_moves_all_of_its_parameters(name: str) -> None:
    model, shapes = HEADS[name]
    params = drawn(model, IDS, stddev=0.3)["params"]

    def loss(params: dict) -> tuple[jax.Array, list]:
        outputs = jax.tree.leaves(model.apply({"params": params}, PADDED))
        return sum(jnp.sum(jax.nn.log_softmax(x)[..., 0]) for x in outputs), outputs

    slopes, outputs = jax.jit(jax.grad(loss, has_aux=True))(params)
    assert [x.shape for x in outputs] == shapes
    still = [jax.tree_util.keystr(path) for path, x in jax.tree_util.tree_leaves_with_path(slopes) if not np.any(x)]
    assert not still
    if name == "span":
        assert np.asarray(outputs[0])[1, :, 7:].max() < -1e38


def test_the_words_of_some_places_are_those_of_all() -> None:
    model = HEADS["pretraining"][0]
    variables = drawn(model, IDS, stddev=0.3)
    places = np.array([[0, 3], [5, 6], [2, 2]], np.int32)
    everywhere, follows = method(model)(variables, PADDED)
    words, follows_too = method(model, "at")(variables, PADDED, places)
    np.testing.assert_allclose(words, np.take_along_axis(np.asarray(everywhere), places[..., None], 1), atol=1e-5)
    np.testing.assert_array_equal(follows, follows_too)


def test_scanned_and_rematerialised_layers_are_the_same_function() -> None:
    scanned = MODEL.clone(scan_layers=True, remat=True)
    variables = drawn(scanned, IDS, stddev=0.3)
    params = variables["params"]
    flat = {"params": params | {"tower": unstack_layers(params["tower"])}}
    np.testing.assert_allclose(method(MODEL)(flat, IDS), method(scanned)(variables, IDS), atol=1e-5)


def test_bad_structures_are_refused_in_one_line() -> None:
    with pytest.raises(ValueError, match="heads_num=5 does not divide embedding_dim=12"):
        jax.eval_shape(MODEL.clone(heads_num=5).init, jax.random.key(0), IDS)
    with pytest.raises(ValueError, match="20 tokens are more than the context_size=19"):
        jax.eval_shape(MODEL.init, jax.random.key(0), np.ones((1, 20), np.int32))
    with pytest.raises(ValueError, match="num_segments=0"):
        jax.eval_shape(MODEL.clone(num_segments=0).init, jax.random.key(0), IDS, IDS)
