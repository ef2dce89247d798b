import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from nn_core.generation.decode import completions, generate
from nn_core.models.embeddings import Embedding
from nn_core.models.recurrent import Recurrent
from nn_core.models.recurrent_models import (
    RecurrentLanguageModel,
    SequenceTagger,
    SequenceToOne,
    SequenceToSequence,
    make_language_model_decoder,
    make_sequence_decoder,
)

B, T, V, C = 5, 7, 11, 3
IDS_BT = jax.random.randint(jax.random.key(7), (B, T), 1, V)


def init(model, *arguments):
    """Parameters of the right shapes from NumPy: compiling an initializer takes longer than a test."""
    generator = np.random.default_rng(0)
    shapes = jax.eval_shape(model.init, jax.random.key(0), *arguments)["params"]
    scales = {"kernel": lambda s: s.shape[0] ** -0.5, "bias": lambda s: 0.1, "embedding": lambda s: 1.0}

    def draw(path, s):
        return jnp.asarray(generator.normal(size=s.shape) * scales[path[-1].key](s), s.dtype)

    return jax.tree_util.tree_map_with_path(draw, shapes)


def apply(model, params, *arguments):
    return jax.jit(lambda params, *arguments: model.apply({"params": params}, *arguments))(params, *arguments)


def fit(model, params, loss, steps=60):
    optimizer = optax.adam(0.03)

    def step(state, _):
        params, opt_state = state
        value, gradients = jax.value_and_grad(loss)(params)
        updates, opt_state = optimizer.update(gradients, opt_state, params)
        return (optax.apply_updates(params, updates), opt_state), value

    (params, _), losses = jax.jit(lambda p: jax.lax.scan(step, (p, optimizer.init(p)), None, steps))(params)
    return params, losses


def cross_entropy(logits, labels):
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def test_many_to_one_learns_a_tiny_batch_and_ignores_padding():
    model = SequenceToOne(C, Recurrent("gru", 16), Embedding(V, 8), pad_id=0)
    params = init(model, IDS_BT)
    labels_B = jnp.arange(B) % C
    params, losses = fit(model, params, lambda p: cross_entropy(model.apply({"params": p}, IDS_BT), labels_B))
    assert losses[0] > 0.5 and losses[-1] < 0.02
    logits = apply(model, params, IDS_BT)
    assert logits.shape == (B, C)
    padded = jnp.pad(IDS_BT, ((0, 0), (0, 4)))
    np.testing.assert_allclose(apply(model, params, padded), logits, atol=1e-5)
    blind = SequenceToOne(C, Recurrent("gru", 16), Embedding(V, 8))
    assert jnp.abs(apply(blind, params, padded) - logits).max() > 0.01


def test_many_to_one_reads_vectors_for_forecasting():
    model = SequenceToOne(1, Recurrent("lstm", 8, num_layers=2))
    inputs_BTD = jax.random.normal(jax.random.key(1), (B, T, 2))
    params = init(model, inputs_BTD)
    assert "embedding" not in params
    params, losses = fit(model, params, lambda p: jnp.mean((model.apply({"params": p}, inputs_BTD)[:, 0] - 1.0) ** 2))
    assert losses[-1] < 0.01 < losses[0]
    with pytest.raises(ValueError, match="without an embedding"):
        init(model, IDS_BT)


def test_tagger_learns_a_tiny_batch_that_needs_both_directions():
    model = SequenceTagger(2, Recurrent("lstm", 16, bidirectional=True), Embedding(V, 8))
    params = init(model, IDS_BT)
    tags_BT = (IDS_BT > jnp.roll(IDS_BT, -1, axis=1)).astype(jnp.int32)
    params, losses = fit(model, params, lambda p: cross_entropy(model.apply({"params": p}, IDS_BT), tags_BT), 100)
    assert losses[-1] < 0.05 and apply(model, params, IDS_BT).shape == (B, T, 2)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_language_model_is_causal_and_its_decoder_gives_the_same_logits(cell):
    model = RecurrentLanguageModel(Embedding(V, 6), Recurrent(cell, 13, num_layers=2))
    params = init(model, IDS_BT)
    logits_BTV = apply(model, params, IDS_BT)
    changed = apply(model, params, IDS_BT.at[:, 4].set(0))
    np.testing.assert_array_equal(changed[:, :4], logits_BTV[:, :4])
    assert jnp.abs(changed - logits_BTV)[:, 4:].max() > 1e-4

    decoder = make_language_model_decoder(model)
    step = jax.jit(decoder.step)
    cache = decoder.init_cache(params, B)
    assert all(leaf.shape[0] == B for leaf in jax.tree.leaves(cache))
    for t in range(T):
        cache, logits_BV = step(params, cache, IDS_BT[:, t], jnp.full((B,), t))
        np.testing.assert_allclose(logits_BV, logits_BTV[:, t], atol=1e-5)


def test_language_model_prefill_reads_each_row_up_to_its_length():
    model = RecurrentLanguageModel(Embedding(V, 6), Recurrent("lstm", 13))
    params = init(model, IDS_BT)
    decoder = make_language_model_decoder(model)
    lengths_B = jnp.array([T, 3, 1, 0, 5])
    cache = jax.jit(decoder.prefill)(params, decoder.init_cache(params, B), IDS_BT, jnp.int32(0), lengths_B)
    step = jax.jit(decoder.step)
    for row, length in enumerate(lengths_B.tolist()):
        alone = decoder.init_cache(params, 1)
        for t in range(length):
            alone, _ = step(params, alone, IDS_BT[row : row + 1, t], jnp.array([t]))
        got = jax.tree.map(lambda leaf, row=row: leaf[row : row + 1], cache)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), got, alone)


def test_language_model_generates_what_it_learned_in_one_compiled_loop():
    text_1T = jnp.array([[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 2, 3, 4, 5, 6, 7]])
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

    @functools.partial(jax.jit, static_argnums=0)
    def run(deterministic, key):
        rngs = {"dropout": jax.random.key(key)}
        return model.apply({"params": params}, IDS_BT, deterministic=deterministic, rngs=rngs)

    np.testing.assert_array_equal(run(True, 0), run(True, 1))
    np.testing.assert_array_equal(run(False, 0), run(False, 0))
    assert jnp.abs(run(False, 0) - run(False, 1)).max() > 1e-3


@pytest.mark.parametrize("reverse_source", [False, True])
def test_sequence_to_sequence_learns_to_copy_and_decodes_greedily(reverse_source):
    start, end = 0, V
    source_BS = IDS_BT[:, :3]
    target_BT = jnp.concatenate([jnp.full((B, 1), start), source_BS, jnp.full((B, 1), end)], axis=1)
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


def test_sequence_decoder_equals_teacher_forcing_and_checks_its_sources():
    stacks = Recurrent("gru", 9, num_layers=2), Recurrent("gru", 9, num_layers=2)
    model = SequenceToSequence(*stacks, Embedding(V, 8), Embedding(V, 8), source_pad_id=0)
    source_BS, target_BT = IDS_BT[:, :4], IDS_BT[:, 2:]
    params = init(model, (source_BS, target_BT))
    logits_BTV = apply(model, params, (source_BS, target_BT))
    padded = jnp.pad(source_BS, ((0, 0), (0, 3)))
    np.testing.assert_allclose(apply(model, params, (padded, target_BT)), logits_BTV, atol=1e-6)
    decoder = make_sequence_decoder(model)
    step = jax.jit(decoder.step)
    cache = jax.jit(decoder.init_cache, static_argnums=1)((params, source_BS), B)
    for t in range(target_BT.shape[1]):
        cache, logits_BV = step((params, source_BS), cache, target_BT[:, t], jnp.full((B,), t))
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
