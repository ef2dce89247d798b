import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from nn_core.generation.decode import completions, generate
from nn_core.models.embeddings import Embedding
from nn_core.models.recurrent.layers import Recurrent
from nn_core.models.recurrent.networks import (
    RecurrentLanguageModel,
    SequenceTagger,
    SequenceToOne,
    SequenceToSequence,
    make_language_model_decoder,
    make_sequence_decoder,
)
from tests.jitted import method, shapes

B, T, V, C = 5, 7, 11, 3
IDS_BT = np.random.default_rng(7).integers(1, V, (B, T), np.int32)


def init(model, *arguments):
    """Parameters of the right shapes from NumPy: compiling an initializer takes longer than a test."""
    generator = np.random.default_rng(0)
    scales = {"kernel": lambda s: s.shape[0] ** -0.5, "bias": lambda s: 0.1, "embedding": lambda s: 1.0}

    def draw(path, s):
        return (generator.normal(size=s.shape) * scales[path[-1].key](s)).astype(s.dtype)

    return jax.tree_util.tree_map_with_path(draw, shapes(model, *arguments)["params"])


def apply(model, params, *arguments):
    return method(model)({"params": params}, *arguments)


def fit(model, params, loss, steps=60):
    optimizer = optax.flatten(optax.adam(0.03))  # of one leaf: less to compile

    def step(state, _):
        params, opt_state = state
        value, gradients = jax.value_and_grad(loss)(params)
        updates, opt_state = optimizer.update(gradients, opt_state, params)
        return (optax.apply_updates(params, updates), opt_state), value

    (params, _), losses = jax.jit(lambda p: jax.lax.scan(step, (p, optimizer.init(p)), None, steps))(params)
    return jax.device_get((params, losses))


def cross_entropy(logits, labels):
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def test_many_to_one_learns_a_tiny_batch_and_ignores_padding():
    model = SequenceToOne(C, Recurrent("gru", 16), Embedding(V, 8), pad_id=0)
    params = init(model, IDS_BT)
    labels_B = np.arange(B) % C
    params, losses = fit(model, params, lambda p: cross_entropy(model.apply({"params": p}, IDS_BT), labels_B))
    assert losses[0] > 0.5 and losses[-1] < 0.02
    padded = np.pad(IDS_BT, ((0, 0), (0, 4)))
    blind = SequenceToOne(C, Recurrent("gru", 16), Embedding(V, 8))

    @jax.jit
    def in_all_ways(params):
        return [m.apply({"params": params}, ids) for m, ids in ((model, IDS_BT), (model, padded), (blind, padded))]

    logits, of_padded, by_blind = jax.device_get(in_all_ways(params))
    assert logits.shape == (B, C)
    np.testing.assert_allclose(of_padded, logits, atol=1e-5)
    assert np.abs(by_blind - logits).max() > 0.01


VECTORS_BTD = np.random.default_rng(1).normal(size=(B, T, 2)).astype(np.float32)


def test_many_to_one_reads_vectors_to_their_last_for_forecasting():
    model = SequenceToOne(1, Recurrent("lstm", 8))
    params = init(model, VECTORS_BTD)
    assert "embedding" not in params
    predicted, later = (
        np.asarray(apply(model, params, x)) for x in (VECTORS_BTD, VECTORS_BTD * (np.arange(T) < T - 1)[:, None])
    )
    assert predicted.shape == (B, 1) and np.abs(predicted - later).min() > 1e-3
    with pytest.raises(ValueError, match="without an embedding"):
        init(model, IDS_BT)


@pytest.mark.slow
def test_many_to_one_learns_to_forecast():
    model = SequenceToOne(1, Recurrent("lstm", 8, num_layers=2))
    params = init(model, VECTORS_BTD)
    params, losses = fit(model, params, lambda p: jnp.mean((model.apply({"params": p}, VECTORS_BTD)[:, 0] - 1.0) ** 2))
    assert losses[-1] < 0.01 < losses[0]


TAGGER = SequenceTagger(2, Recurrent("lstm", 16, bidirectional=True), Embedding(V, 8))


def test_tagger_gives_every_token_a_tag_from_both_directions():
    params = init(TAGGER, IDS_BT)
    logits_BTC = np.asarray(apply(TAGGER, params, IDS_BT))
    assert logits_BTC.shape == (B, T, 2)
    for changed, other in ((0, -1), (-1, 0)):
        ids_BT = IDS_BT.copy()
        ids_BT[:, changed] = 0
        moved_BTC = np.abs(np.asarray(apply(TAGGER, params, ids_BT)) - logits_BTC)
        assert moved_BTC[:, changed].max() > 0.1 and moved_BTC[:, other].max() > 1e-5


@pytest.mark.slow
def test_tagger_learns_a_tiny_batch_that_needs_both_directions():
    params = init(TAGGER, IDS_BT)
    tags_BT = (IDS_BT > np.roll(IDS_BT, -1, axis=1)).astype(np.int32)
    _, losses = fit(TAGGER, params, lambda p: cross_entropy(TAGGER.apply({"params": p}, IDS_BT), tags_BT), 100)
    assert losses[-1] < 0.05


@pytest.mark.parametrize("cell", ["lstm", pytest.param("gru", marks=pytest.mark.slow)])
def test_language_model_is_causal_and_its_decoder_gives_the_same_logits(cell):
    model = RecurrentLanguageModel(Embedding(V, 6), Recurrent(cell, 13, num_layers=2))
    params = init(model, IDS_BT)
    logits_BTV = np.asarray(apply(model, params, IDS_BT))
    changed = np.asarray(apply(model, params, np.where(np.arange(T) == 4, 0, IDS_BT)))
    np.testing.assert_array_equal(changed[:, :4], logits_BTV[:, :4])
    assert np.abs(changed - logits_BTV)[:, 4:].max() > 1e-4

    decoder = make_language_model_decoder(model)
    step = jax.jit(decoder.step)
    cache = jax.jit(decoder.init_cache, static_argnums=1)(params, B)
    assert all(leaf.shape[0] == B for leaf in jax.tree.leaves(cache))
    for t in range(T):
        cache, logits_BV = step(params, cache, IDS_BT[:, t], np.full(B, t, np.int32))
        np.testing.assert_allclose(logits_BV, logits_BTV[:, t], atol=1e-5)


def test_language_model_prefill_reads_each_row_up_to_its_length():
    model = RecurrentLanguageModel(Embedding(V, 6), Recurrent("lstm", 13))
    params = init(model, IDS_BT)
    decoder = make_language_model_decoder(model)
    init_cache = jax.jit(decoder.init_cache, static_argnums=1)
    lengths_B = np.array([T, 3, 1, 0, 5], np.int32)
    cache = jax.jit(decoder.prefill)(params, init_cache(params, B), IDS_BT, np.int32(0), lengths_B)
    step = jax.jit(decoder.step)
    for row, length in enumerate(lengths_B.tolist()):
        alone = init_cache(params, 1)
        for t in range(length):
            alone, _ = step(params, alone, IDS_BT[row : row + 1, t], np.array([t], np.int32))
        got = jax.tree.map(lambda leaf, row=row: np.asarray(leaf)[row : row + 1], cache)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), got, alone)


def test_language_model_generates_what_it_learned_in_one_compiled_loop():
    text_1T = np.array([[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 2, 3, 4, 5, 6, 7]], np.int32)
    model = RecurrentLanguageModel(Embedding(V, 8), Recurrent("gru", 16))
    params = init(model, text_1T)
    loss = lambda p: cross_entropy(model.apply({"params": p}, text_1T[:, :-1]), text_1T[:, 1:])  # noqa: E731
    params, _ = fit(model, params, loss, 120)
    decoder = make_language_model_decoder(model)
    out = completions(generate(decoder, params, [[3, 4, 5], [8, 9, 10, 1, 2, 3]], max_new_tokens=5))
    assert out == [[6, 7, 8, 9, 10], [4, 5, 6, 7, 8]]


def test_language_model_dropout_draws_from_its_key_only_in_training():
    model = RecurrentLanguageModel(Embedding(V, 4), Recurrent("gru", 8, dropout_rate=0.5))
    params = init(model, IDS_BT)

    @jax.jit
    def run(key):
        rngs = {"dropout": jax.random.key(key)}
        return [model.apply({"params": params}, IDS_BT, deterministic=calm, rngs=rngs) for calm in (True, False)]

    (calm, first), (still_calm, other), (_, again) = (jax.device_get(run(key)) for key in (0, 1, 0))
    np.testing.assert_array_equal(calm, still_calm)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3


@pytest.mark.parametrize("reverse_source", [pytest.param(False, marks=pytest.mark.slow), True])
def test_sequence_to_sequence_learns_to_copy_and_decodes_greedily(reverse_source):
    start, end = 0, V
    source_BS = IDS_BT[:, :3]
    target_BT = np.pad(
        np.pad(source_BS, ((0, 0), (1, 0)), constant_values=start), ((0, 0), (0, 1)), constant_values=end
    )
    stacks = Recurrent("lstm", 24), Recurrent("lstm", 24)
    model = SequenceToSequence(*stacks, Embedding(V, 8), Embedding(V + 1, 8), reverse_source=reverse_source)
    params = init(model, (source_BS, target_BT))

    def loss(p):
        return cross_entropy(model.apply({"params": p}, (source_BS, target_BT[:, :-1])), target_BT[:, 1:])

    params, losses = fit(model, params, loss, 120)
    assert losses[-1] < 0.05 < losses[0]
    out = completions(
        generate(make_sequence_decoder(model), (params, source_BS), [[start]] * B, max_new_tokens=6, eos_id=end)
    )
    assert out == [[*row, end] for row in source_BS.tolist()]


def test_a_reversed_source_is_read_from_its_end():
    stacks = Recurrent("gru", 5), Recurrent("gru", 5)
    plain = SequenceToSequence(*stacks, Embedding(V, 4), Embedding(V, 4))
    params = init(plain, (IDS_BT, IDS_BT))

    @jax.jit
    def states(params):
        read = lambda model, ids: model.apply({"params": params}, ids, method="encode")  # noqa: E731
        return [read(plain, IDS_BT), read(plain, IDS_BT[:, ::-1]), read(plain.copy(reverse_source=True), IDS_BT)]

    forwards, backwards, found = (np.concatenate(jax.tree.leaves(state)) for state in jax.device_get(states(params)))
    np.testing.assert_allclose(found, backwards, atol=1e-6)
    assert np.abs(found - forwards).max() > 0.01


def test_sequence_decoder_equals_teacher_forcing_and_checks_its_sources():
    stacks = Recurrent("gru", 9, num_layers=2), Recurrent("gru", 9, num_layers=2)
    model = SequenceToSequence(*stacks, Embedding(V, 8), Embedding(V, 8), source_pad_id=0)
    source_BS, target_BT = IDS_BT[:, :4], IDS_BT[:, 2:]
    params = init(model, (source_BS, target_BT))
    logits_BTV = apply(model, params, (source_BS, target_BT))
    decoder = make_sequence_decoder(model)
    step, init_cache = jax.jit(decoder.step), jax.jit(decoder.init_cache, static_argnums=1)
    padded, cache = (init_cache((params, x), B) for x in (np.pad(source_BS, ((0, 0), (0, 3))), source_BS))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), padded, cache)
    logits_BTV = np.asarray(logits_BTV)
    for t in range(target_BT.shape[1]):
        cache, logits_BV = step((params, source_BS), cache, target_BT[:, t], np.full(B, t, np.int32))
        np.testing.assert_allclose(logits_BV, logits_BTV[:, t], atol=1e-5)
    with pytest.raises(ValueError, match="5 sources for batch_size=2"):
        decoder.init_cache((params, source_BS), 2)


def test_what_is_still_to_be_written_is_not_read_backwards():
    both = Recurrent("gru", 4, bidirectional=True)
    with pytest.raises(ValueError, match="bidirectional=True lets a language model see"):
        init(RecurrentLanguageModel(Embedding(V, 4), both), IDS_BT)
    with pytest.raises(ValueError, match="bidirectional=True lets a decoder see"):
        init(SequenceToSequence(Recurrent("gru", 4), both, Embedding(V, 4), Embedding(V, 4)), (IDS_BT, IDS_BT))


def test_two_stacks_of_equal_sizes_have_their_own_weights():
    model = SequenceToSequence(Recurrent("gru", 4), Recurrent("gru", 4), Embedding(V, 4), Embedding(V, 4))
    params = init(model, (IDS_BT, IDS_BT))
    assert {"encoder", "decoder", "source_embedding", "target_embedding", "output"} == set(params)


def test_a_decoder_with_attention_sees_no_padding_and_decodes_as_it_was_taught():
    source_BS = IDS_BT.copy()
    source_BS[1, 4:] = 0
    stacks = Recurrent("gru", 6), Recurrent("gru", 6)
    model = SequenceToSequence(*stacks, Embedding(V, 4), Embedding(V, 4), source_pad_id=0, attention=True)
    params = init(model, (source_BS, IDS_BT))
    made = generate(make_sequence_decoder(model), (params, source_BS), [[1]] * B, max_new_tokens=6)
    texts_BT = np.array([[1, *text] for text in completions(made)], np.int32)
    logits_BTV = np.asarray(apply(model, params, (source_BS, texts_BT)))
    np.testing.assert_array_equal(logits_BTV[:, :-1].argmax(axis=-1), texts_BT[:, 1:])

    @jax.jit
    def weights_of(params):
        return model.apply({"params": params}, (source_BS, texts_BT), mutable=["intermediates"])[1]

    weights_BTS = np.asarray(weights_of(params)["intermediates"]["attention_weights"][0])
    np.testing.assert_allclose(weights_BTS.sum(axis=-1), 1, atol=1e-6)
    assert not weights_BTS[1, :, 4:].any() and weights_BTS[0].min() > 0
