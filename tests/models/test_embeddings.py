import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.special import log_softmax

from nn_core.models import embeddings as e
from tests.jitted import method

V, E, B, K = 11, 5, 7, 3
KEY = jax.random.key(0)


def table(seed, rows=V):
    return np.random.default_rng(seed).normal(size=(rows, E)).astype(np.float32)


def ids(seed, *shape):
    return np.random.default_rng(seed).integers(0, V, shape).astype(np.int32)


compiled = functools.cache(jax.jit)


def jitted(function, *arguments, **options):
    return compiled(function, static_argnames=tuple(options))(*arguments, **options)


PARAMS = {"input": {"embedding": table(1)}, "output": {"embedding": table(2)}}
INPUTS = np.asarray(PARAMS["input"]["embedding"])
IDS = ids(3, 3, B)
NEGATIVES_BK = ids(4, B, K)


def sigmoid(x):
    return 1 / (1 + np.exp(-np.float64(x)))


def test_lookup_is_a_product_with_one_hot_rows_and_only_used_rows_have_gradients():
    module = e.Embedding(V, E)
    params = {"embedding": table(1)}
    tokens = np.array([[1, 3], [3, 9]])
    look_up = method(module)
    looked = look_up({"params": params}, tokens)
    np.testing.assert_allclose(looked, np.eye(V, dtype=np.float32)[tokens] @ params["embedding"], rtol=1e-6)
    gradient = jitted(jax.grad(lambda p: look_up({"params": p}, tokens).sum()), params)["embedding"]
    gradient = np.asarray(gradient)
    assert np.flatnonzero(gradient.any(axis=1)).tolist() == [1, 3, 9] and gradient[3, 0] == 2
    np.testing.assert_allclose(
        method(module, "attend")({"params": params}, looked), np.asarray(looked) @ params["embedding"].T, rtol=1e-5
    )
    assert np.isnan(look_up({"params": params}, np.array([[V, V], [1, V]]))[0]).all()
    with pytest.raises(ValueError, match="vocabulary_size=0"):
        e.Embedding(0, E).init(KEY, tokens)


def by_hand(vector, context, negatives, num_negatives):
    u, v = np.asarray(PARAMS["output"]["embedding"]), np.asarray(vector, np.float64)
    scale, context, negatives = num_negatives / len(negatives), int(context), np.asarray(negatives)
    return -np.log(sigmoid(v @ u[context])) - scale * sum(np.log(sigmoid(-v @ u[k])) for k in negatives)


def test_skip_gram_is_the_sum_of_log_sigmoids():
    losses = jitted(e.skip_gram_losses, PARAMS, IDS[0], IDS[1], NEGATIVES_BK, K)
    expected = [
        by_hand(INPUTS[int(c)], o, negatives, K) for c, o, negatives in zip(IDS[0], IDS[1], NEGATIVES_BK, strict=True)
    ]
    np.testing.assert_allclose(losses, expected, rtol=1e-5)


def test_shared_negatives_count_as_many_as_asked_for():
    shared_M = np.array([1, 4, 4, 9])
    losses = jitted(e.skip_gram_losses, PARAMS, IDS[0], IDS[1], shared_M, 2.0)
    expected = [by_hand(INPUTS[int(c)], o, shared_M, 2.0) for c, o in zip(IDS[0], IDS[1], strict=True)]
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    same = jitted(e.skip_gram_losses, PARAMS, IDS[0], IDS[1], np.broadcast_to(shared_M, (B, 4)), 4.0)
    np.testing.assert_allclose(jitted(e.skip_gram_losses, PARAMS, IDS[0], IDS[1], shared_M, 4.0), same, rtol=1e-5)


def test_cbow_predicts_from_the_mean_of_the_words_that_are_there():
    contexts_BW = ids(5, B, 4)
    keep_BW = np.arange(4)[None] < np.array([4, 3, 2, 1, 0, 4, 1])[:, None]
    losses = jitted(e.cbow_losses, PARAMS, contexts_BW, keep_BW, IDS[0], NEGATIVES_BK, K)
    assert losses[4] == 0
    vectors = INPUTS
    for b in (0, 1, 2, 3, 5, 6):
        mean = vectors[np.asarray(contexts_BW[b])[np.asarray(keep_BW[b])]].mean(axis=0)
        np.testing.assert_allclose(losses[b], by_hand(mean, IDS[0, b], NEGATIVES_BK[b], K), rtol=1e-5)


def test_fasttext_with_the_word_alone_is_skip_gram():
    pieces_BG = np.stack([IDS[0], IDS[2]], axis=1)
    alone = np.array([[True, False]] * B)
    losses = jitted(e.fasttext_losses, PARAMS, pieces_BG, alone, IDS[1], NEGATIVES_BK, K)
    np.testing.assert_allclose(losses, jitted(e.skip_gram_losses, PARAMS, IDS[0], IDS[1], NEGATIVES_BK, K), rtol=1e-6)
    both = jitted(e.fasttext_losses, PARAMS, pieces_BG, np.ones_like(alone), IDS[1], NEGATIVES_BK, K)
    mean = INPUTS[np.asarray(pieces_BG[0])].mean(axis=0)
    np.testing.assert_allclose(both[0], by_hand(mean, IDS[1, 0], NEGATIVES_BK[0], K), rtol=1e-5)


def test_glove_by_hand():
    params = jax.jit(lambda: e.init_glove(KEY, V, E))()
    params = jax.tree.map(lambda leaf: np.asarray(leaf) + np.float32(0.3), params)
    counts_B = np.array([1.0, 5.0, 50.0, 99.0, 100.0, 101.0, 900.0], np.float32)
    losses = jitted(e.glove_losses, params, IDS[0], IDS[1], counts_B, x_max=100.0, alpha=0.75)
    v, u = (jax.tree.map(np.float64, params[name]) for name in ("input", "output"))
    for b, (i, j, x) in enumerate(zip(*np.asarray(IDS[:2]), np.float64(counts_B), strict=True)):
        error = v["embedding"][i] @ u["embedding"][j] + v["bias"][i] + u["bias"][j] - np.log(x)
        np.testing.assert_allclose(losses[b], min(1.0, (x / 100) ** 0.75) * error**2, rtol=1e-4)


def test_word2vec_starts_with_small_inputs_and_zero_outputs():
    params = e.init_word_vectors(KEY, 9, 7, 20)
    assert params["input"]["embedding"].shape == (9, 20) and params["output"]["embedding"].shape == (7, 20)
    assert 0.02 < np.abs(params["input"]["embedding"]).max() <= 0.025 and not np.any(params["output"]["embedding"])


SEEDS = 10


@pytest.mark.parametrize("method", ["skip_gram", "cbow"])
def test_words_of_one_topic_come_together_for_every_seed(method):
    """F091, F092: within a topic every cosine is larger than any between the topics, in 10 of 10 seeds."""
    topics = np.arange(10) // 5
    optimizer = optax.adam(0.03)

    def train(key):
        starts, words, nearby, others = jax.random.split(key, 4)
        centres_TB = jax.random.randint(words, (150, 64), 0, 10)
        contexts_TBW = (centres_TB // 5 * 5)[..., None] + jax.random.randint(nearby, (150, 64, 3), 0, 5)
        negatives_TM = jax.random.randint(others, (150, 16), 0, 10)

        def losses(params, centres_B, contexts_BW, negatives_M):
            if method == "skip_gram":
                return e.skip_gram_losses(params, centres_B, contexts_BW[:, 0], negatives_M, 5.0)
            return e.cbow_losses(params, contexts_BW, jnp.ones(contexts_BW.shape, bool), centres_B, negatives_M, 5.0)

        def step(state, batch):
            params, opt_state = state
            gradients = jax.grad(lambda p: losses(p, *batch).mean())(params)
            updates, opt_state = optimizer.update(gradients, opt_state)
            return (optax.apply_updates(params, updates), opt_state), None

        params = e.init_word_vectors(starts, 10, 10, 8)
        params = jax.lax.scan(step, (params, optimizer.init(params)), (centres_TB, contexts_TBW, negatives_TM))[0][0]
        return e.unit(params["input"]["embedding"])

    unit_SVE = np.asarray(jax.jit(jax.vmap(train))(jax.random.split(KEY, SEEDS)))
    cosines_SVV = unit_SVE @ unit_SVE.swapaxes(1, 2)
    same_VV = topics[:, None] == topics[None]
    within_S, between_S = cosines_SVV[:, same_VV].min(axis=1), cosines_SVV[:, ~same_VV].max(axis=1)
    assert (within_S > between_S + 0.3).sum() == SEEDS


def test_unit_vectors_have_finite_gradients_at_zero():
    np.testing.assert_allclose(np.linalg.norm(jitted(e.unit, table(1)), axis=1), np.ones(V), rtol=1e-6)
    assert np.isfinite(jitted(jax.grad(lambda x: e.unit(x).sum()), np.zeros((2, 3), np.float32))).all()


def test_info_nce_is_the_mean_of_two_cross_entropies():
    left, right = table(1)[:B], table(2)[:B]
    logits = np.float64(jitted(e.unit, left)) @ np.float64(jitted(e.unit, right)).T / 0.3
    expected = -np.diag(log_softmax(logits, axis=0) + log_softmax(logits, axis=1)) / 2
    np.testing.assert_allclose(jitted(e.info_nce_losses, left, right, 0.3), expected, rtol=1e-5)
    np.testing.assert_allclose(jitted(e.info_nce_losses, left, right, 0.3, np.eye(B, dtype=bool)), expected, rtol=1e-5)
    everything = jitted(e.info_nce_losses, left, right, 0.3, np.ones((B, B), bool))
    np.testing.assert_allclose(everything, np.zeros(B), atol=1e-5)


def test_info_nce_of_all_equal_vectors_is_the_logarithm_of_the_batch():
    np.testing.assert_allclose(
        jitted(e.info_nce_losses, np.ones((B, E), np.float32), np.ones((B, E), np.float32), 0.1), np.log(B), rtol=1e-5
    )


def test_joint_space_gives_unit_vectors():
    module = e.JointSpace(V, E, hidden_size=8)
    images, words = np.random.default_rng(9).normal(size=(B, 4, 4, 1)).astype(np.float32), IDS[0]
    for vectors in jax.jit(module.init_with_output)(KEY, images, words)[0]:
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), np.ones(B), rtol=1e-5)


def test_matrix_factorization_and_its_cold_start():
    generator = np.random.default_rng(8)
    content_IK = generator.normal(size=(6, 2)).astype(np.float32)
    pairs_B2 = np.array([[0, 1], [2, 5], [3, 1], [-1, 1], [0, -1]])
    plain = e.MatrixFactorization(4, 6, E, mean=3.5)
    shapes = jax.eval_shape(plain.init, KEY, pairs_B2)["params"]
    params = jax.tree.map(lambda leaf: generator.normal(size=leaf.shape).astype(np.float32), shapes)
    ratings = np.asarray(jitted(plain.apply, {"params": params}, pairs_B2))[:, 0]
    p, q = params["user"]["embedding"], params["item"]["embedding"]
    bu, bi = params["user_bias"]["embedding"][:, 0], params["item_bias"]["embedding"][:, 0]
    for rating, (u, i) in zip(ratings[:3], pairs_B2[:3].tolist(), strict=True):
        np.testing.assert_allclose(rating, 3.5 + bu[u] + bi[i] + p[u] @ q[i], rtol=1e-5)
    np.testing.assert_allclose(ratings[3:], [3.5 + bi[1], 3.5 + bu[0]], rtol=1e-6)

    model = e.MatrixFactorization(4, 6, E, mean=3.5)
    params = jax.jit(model.init)(KEY, pairs_B2, content_IK)["params"]
    assert not np.any(params["item"]["embedding"])
    known = jitted(model.apply, {"params": params}, pairs_B2[:3], content_IK)
    other = jitted(model.apply, {"params": params}, pairs_B2[:3], np.zeros_like(content_IK))
    np.testing.assert_allclose(other[:, 0], 3.5)
    assert np.abs(np.asarray(known) - other).min() > 1e-4
