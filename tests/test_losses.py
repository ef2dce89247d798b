"""Losses against scikit-learn, optax, NumPy and the worked numbers of the course."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import sklearn.metrics
from scipy import special

from nn_core import losses
from tests.numeric import central_difference

# Compiled once per shape: op by op these tests would compile a thousand small programs.
STATIC = ("reduction", "ignore_index")
binary_cross_entropy = jax.jit(losses.binary_cross_entropy, static_argnames=("reduction",))
cross_entropy = jax.jit(losses.cross_entropy, static_argnames=STATIC)
log_loss = jax.jit(losses.log_loss, static_argnames=("reduction",))
categorical_log_loss = jax.jit(losses.categorical_log_loss, static_argnames=("reduction",))
mean_squared_error = jax.jit(losses.mean_squared_error, static_argnames=("reduction",))
half_mean_squared_error = jax.jit(losses.half_mean_squared_error, static_argnames=("reduction",))
sum_squared_error = jax.jit(losses.sum_squared_error)
entropy = jax.jit(losses.entropy, static_argnames=("axis",))
likelihood = jax.jit(losses.likelihood)
log_likelihood = jax.jit(losses.log_likelihood)

RNG = np.random.default_rng(0)
LOGITS_BC = RNG.normal(size=(11, 5)) * 3
CLASSES_B = RNG.integers(0, 5, size=11)
ONE_HOT_BC = np.eye(5)[CLASSES_B]
SOFT_BC = RNG.dirichlet(np.ones(5), size=11)
WEIGHTS_B = RNG.uniform(0.1, 2.0, size=11)
CLASS_WEIGHTS_C = np.asarray([0.5, 1.0, 2.0, 3.0, 0.25])
LOGITS_B = RNG.normal(size=11) * 3
BINARY_B = RNG.integers(0, 2, size=11)
VALUES_BK = RNG.normal(size=(11, 3))
TARGETS_BK = RNG.normal(size=(11, 3))


def double(*arrays):
    """Floats in float64, which needs to be enabled, and integers."""
    return tuple(jnp.asarray(a, jnp.float64 if np.issubdtype(a.dtype, np.floating) else None) for a in arrays)


# name -> (f(scores, **keywords), scores, loss of each example by NumPy)
def _cases():
    log_p_BC = special.log_softmax(LOGITS_BC, axis=-1)
    p_B = special.expit(LOGITS_B)
    binary = -(BINARY_B * np.log(p_B) + (1 - BINARY_B) * np.log(1 - p_B))
    return {
        "binary": (
            lambda z, **k: binary_cross_entropy(z, jnp.asarray(BINARY_B), **k),
            LOGITS_B,
            binary,
        ),
        "integer": (
            lambda z, **k: cross_entropy(z, jnp.asarray(CLASSES_B), **k),
            LOGITS_BC,
            -log_p_BC[np.arange(11), CLASSES_B],
        ),
        "soft": (
            lambda z, **k: cross_entropy(z, jnp.asarray(SOFT_BC), **k),
            LOGITS_BC,
            -(SOFT_BC * log_p_BC).sum(-1),
        ),
        "probability": (
            lambda p, **k: log_loss(p, jnp.asarray(BINARY_B), **k),
            p_B,
            binary,
        ),
        "categorical": (
            lambda p, **k: categorical_log_loss(p, jnp.asarray(SOFT_BC), **k),
            SOFT_BC[::-1],
            -(SOFT_BC * np.log(SOFT_BC[::-1])).sum(-1),
        ),
        "mse": (
            lambda y, **k: mean_squared_error(y, jnp.asarray(TARGETS_BK[:, 0]), **k),
            VALUES_BK[:, 0],
            (VALUES_BK[:, 0] - TARGETS_BK[:, 0]) ** 2,
        ),
        "half_mse": (
            lambda y, **k: half_mean_squared_error(y, jnp.asarray(TARGETS_BK[:, 0]), **k),
            VALUES_BK[:, 0],
            (VALUES_BK[:, 0] - TARGETS_BK[:, 0]) ** 2 / 2,
        ),
    }


CASES = _cases()


MASK_B = np.arange(11) % 3 != 0


@functools.cache
def told(name):
    """What the tests of a case compare, in float64, as one program."""
    f, scores, _ = CASES[name]

    @jax.jit
    def tell(z, weights, mask):
        def weighted(z):
            return f(z, weights=weights)

        return {
            "reduced": [[f(z, weights=w, reduction=way) for way in losses.REDUCTIONS] for w in (None, weights)],
            "masked": [f(z, weights=w) for w in (mask, jnp.zeros_like(mask))],
            "gradient": jax.grad(weighted)(z),
            "slopes": central_difference(weighted, scores, step=1e-6),
        }

    with jax.enable_x64(True):
        return jax.device_get(tell(scores, WEIGHTS_B, MASK_B))


@pytest.mark.parametrize("name", CASES)
def test_reductions_of_the_same_losses(name: str) -> None:
    f, scores, expected = CASES[name]
    with jax.enable_x64(True):
        plain, weighted = told(name)["reduced"]
        mean, total, each = plain
        np.testing.assert_allclose(each, expected, rtol=1e-10)
        np.testing.assert_allclose(total, expected.sum(), rtol=1e-12)
        np.testing.assert_allclose(total, 11 * mean, rtol=1e-12)
        mean, total, each = weighted
        np.testing.assert_allclose(each, WEIGHTS_B * expected, rtol=1e-10)
        np.testing.assert_allclose(total, np.sum(WEIGHTS_B * expected), rtol=1e-12)
        np.testing.assert_allclose(mean, np.average(expected, weights=WEIGHTS_B), rtol=1e-10)
        with pytest.raises(ValueError, match="reduction='average' is unknown; use one of mean, sum, none"):
            jax.eval_shape(lambda z: f(z, reduction="average"), scores)


@pytest.mark.parametrize("name", CASES)
def test_masked_loss_is_the_loss_of_the_subset(name: str) -> None:
    _, _, expected = CASES[name]
    of_some, of_none = told(name)["masked"]
    np.testing.assert_allclose(of_some, expected[MASK_B].mean(), rtol=1e-10)
    assert of_none == 0.0


@pytest.mark.parametrize("name", CASES)
def test_gradient_equals_finite_differences(name: str) -> None:
    np.testing.assert_allclose(told(name)["gradient"], told(name)["slopes"], atol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_half_precision_is_widened_and_float32_is_kept(name: str) -> None:
    f, scores, _ = CASES[name]
    for dtype in (jnp.bfloat16, jnp.float32):
        assert jax.eval_shape(f, jnp.asarray(scores, dtype)).dtype == jnp.float32


def test_binary_cross_entropy_gradient_is_prediction_minus_target() -> None:
    with jax.enable_x64(True):
        gradient = jax.jit(jax.grad(lambda z: losses.binary_cross_entropy(z, BINARY_B, reduction="sum")))(LOGITS_B)
        np.testing.assert_allclose(gradient, special.expit(LOGITS_B) - BINARY_B, atol=1e-14)
        assert jax.jit(jax.grad(lambda z: binary_cross_entropy(z, jnp.ones(1))))(np.zeros(1)).tolist() == [-0.5]


def test_binary_losses_equal_scikit_learn_and_optax() -> None:
    with jax.enable_x64(True):
        z, y = double(LOGITS_B, BINARY_B)
        p_B = special.expit(LOGITS_B)
        for weights in (None, WEIGHTS_B):
            expected = sklearn.metrics.log_loss(BINARY_B, p_B, sample_weight=weights)
            w = None if weights is None else jnp.asarray(weights)
            assert binary_cross_entropy(z, y, weights=w) == pytest.approx(expected, abs=1e-9)
            assert log_loss(jnp.asarray(p_B), y, weights=w) == pytest.approx(expected, abs=1e-9)
        np.testing.assert_allclose(
            binary_cross_entropy(z, y, reduction="none"), jax.jit(optax.sigmoid_binary_cross_entropy)(z, y), atol=1e-12
        )


def test_binary_cross_entropy_at_certainty_is_finite() -> None:
    z, y = np.float32([-1e4, 1e4, -1e4, 1e4]), np.asarray([0, 1, 1, 0])
    np.testing.assert_array_equal(binary_cross_entropy(z, y, reduction="none"), [0.0, 0.0, 1e4, 1e4])
    gradient = jax.jit(jax.grad(lambda z: binary_cross_entropy(z, y, reduction="sum")))(z)
    np.testing.assert_array_equal(gradient, [0.0, 0.0, -1.0, 1.0])


def test_binary_class_weights_multiply_each_class_and_its_share_of_the_mean() -> None:
    with jax.enable_x64(True):
        z, y = double(LOGITS_B, BINARY_B)
        found = binary_cross_entropy(z, y, class_weights=jnp.asarray([0.5, 3.0]))
        per_example = np.where(BINARY_B == 1, 3.0, 0.5)
        expected = sklearn.metrics.log_loss(BINARY_B, special.expit(LOGITS_B), sample_weight=per_example)
        assert found == pytest.approx(expected, abs=1e-12)


def test_cross_entropy_takes_integers_or_one_hot_rows() -> None:
    with jax.enable_x64(True):
        z, classes, one_hot, soft = double(LOGITS_BC, CLASSES_B, ONE_HOT_BC, SOFT_BC)
        choices = (
            {},
            {"label_smoothing": 0.1},
            {"class_weights": jnp.asarray(CLASS_WEIGHTS_C)},
            {"class_weights": jnp.asarray(CLASS_WEIGHTS_C), "label_smoothing": 0.1, "weights": jnp.asarray(WEIGHTS_B)},
        )

        @jax.jit
        def in_all_ways(z, classes, one_hot, soft):
            rows = one_hot.astype(jnp.int32)
            pairs = [[losses.cross_entropy(z, y, **choice) for y in (classes, rows)] for choice in choices]
            of_soft = losses.cross_entropy(z, soft, reduction="none"), optax.softmax_cross_entropy(z, soft)
            smoothed = losses.cross_entropy(z, classes, label_smoothing=0.3, reduction="none")
            return pairs, of_soft, (smoothed, optax.softmax_cross_entropy(z, optax.smooth_labels(one_hot, 0.3)))

        pairs, of_soft, smoothed = in_all_ways(z, classes, one_hot, soft)
        for by_integer, by_row in pairs:
            np.testing.assert_allclose(by_integer, by_row, rtol=1e-12)
        np.testing.assert_allclose(*of_soft, atol=1e-6)
        np.testing.assert_allclose(*smoothed, rtol=1e-10)


@functools.cache
def with_all_options():
    """{(whether weighted, label smoothing, reduction): loss} as one program."""

    @jax.jit
    def all_options(z):
        return {
            (weighted, smoothing, reduction): losses.cross_entropy(
                z,
                jnp.asarray([2, 0, -100, 1]),
                reduction=reduction,
                ignore_index=-100,
                label_smoothing=smoothing or None,
                class_weights=jnp.asarray([1.0, 2.0, 0.5]) if weighted else None,
            )
            for weighted in (False, True)
            for smoothing in (0.0, 0.1)
            for reduction in ("mean", "sum")
        }

    with jax.enable_x64(True):
        return jax.device_get(all_options(np.arange(12).reshape(4, 3) ** 2 % 7 * 1.0))


@pytest.mark.parametrize(
    ("weighted", "label_smoothing", "reduction", "expected"),
    [
        (False, 0.0, "mean", 1.5149911454003995),
        (False, 0.0, "sum", 4.544973436201198),
        (False, 0.1, "mean", 1.548324478733733),
        (False, 0.1, "sum", 4.644973436201198),
        (True, 0.0, "mean", 1.9290217858698195),
        (True, 0.0, "sum", 6.751576250544368),
        (True, 0.1, "mean", 1.9542853884895441),
        (True, 0.1, "sum", 6.839998859713404),
    ],
)
def test_cross_entropy_options_follow_torch(weighted, label_smoothing, reduction, expected) -> None:
    """The numbers are torch 2.13's cross_entropy in float64 for these scores, [2, 0, -100, 1] and [1, 2, .5]."""
    assert with_all_options()[weighted, label_smoothing, reduction] == pytest.approx(expected, rel=1e-12)


def test_ignored_and_masked_targets_count_for_nothing() -> None:
    with jax.enable_x64(True):
        z = LOGITS_BC
        y = np.where(np.arange(11) % 4 == 0, -1, CLASSES_B)
        kept = y != -1
        rest = CLASSES_B != 2  # an ignored class may be one of the classes: padding

        @jax.jit
        def in_all_ways(z):
            def ignored(z):
                return losses.cross_entropy(z, y, ignore_index=-1)

            def masked(z):
                return losses.cross_entropy(z, y, weights=jnp.where(kept, 1.5, 0.0))

            options = {"class_weights": jnp.asarray(CLASS_WEIGHTS_C)}
            padded = losses.cross_entropy(z, jnp.asarray(CLASSES_B), ignore_index=2, **options)
            of_the_rest = losses.cross_entropy(z[rest], jnp.asarray(CLASSES_B[rest]), **options)
            expected = losses.cross_entropy(z[kept], jnp.asarray(y[kept]))
            return expected, [jax.value_and_grad(f)(z) for f in (ignored, masked)], (padded, of_the_rest)

        expected, found, (padded, of_the_rest) = jax.device_get(in_all_ways(z))
        for value, gradient in found:
            np.testing.assert_allclose(value, expected, rtol=1e-12)
            assert not gradient[~kept].any() and np.all(np.isfinite(gradient))
        np.testing.assert_allclose(padded, of_the_rest, rtol=1e-12)


@pytest.mark.parametrize("wrong", [-1, 5, -100])
def test_a_class_out_of_range_is_nan_and_not_another_class(wrong: int) -> None:
    y = np.where(np.arange(11) == 3, wrong, CLASSES_B)
    found = cross_entropy(LOGITS_BC, y, reduction="none")
    np.testing.assert_array_equal(np.isnan(found), np.arange(11) == 3)
    found = categorical_log_loss(SOFT_BC, y, reduction="none")
    np.testing.assert_array_equal(np.isnan(found), np.arange(11) == 3)


def test_weights_of_the_leading_axes() -> None:
    with jax.enable_x64(True):
        z, y = double(RNG.normal(size=(2, 3, 5)), RNG.integers(0, 5, (2, 3)))
        token = np.asarray(cross_entropy(z, y, reduction="none"))
        assert token.shape == (2, 3)
        found = cross_entropy(z, y, weights=jnp.asarray([1.0, 3.0]))
        np.testing.assert_allclose(found, (token[0].mean() + 3 * token[1].mean()) / 4, rtol=1e-12)
        with pytest.raises(ValueError, match=r"weights of shape \(3,\) do not fit a loss of shape \(2, 3\)"):
            cross_entropy(z, y, weights=np.ones(3))


def test_forbidden_classes_have_no_influence() -> None:
    z = np.float32([[1.0, 2.0, -np.inf]])
    for targets in (np.asarray([1]), np.float32([[0.0, 1.0, 0.0]])):
        value, gradient = jax.jit(jax.value_and_grad(losses.cross_entropy))(z, targets)
        assert value == pytest.approx(math.log(1 + math.exp(-1)), abs=1e-6)
        np.testing.assert_allclose(gradient, [[0.268941, -0.268941, 0.0]], atol=1e-6)


def test_label_smoothing_is_a_traced_number_and_absent_is_zero() -> None:
    z, y = jnp.asarray(LOGITS_BC, jnp.float32), jnp.asarray(CLASSES_B)
    sweep = np.asarray(jax.jit(jax.vmap(lambda e: cross_entropy(z, y, label_smoothing=e)))(np.float32([0.0, 0.5, 1.0])))
    np.testing.assert_allclose(sweep[0], cross_entropy(z, y), rtol=1e-6)
    np.testing.assert_allclose(sweep[2], cross_entropy(z, np.full((11, 5), 0.2, np.float32)), rtol=1e-6)
    np.testing.assert_allclose(sweep[1], (sweep[0] + sweep[2]) / 2, rtol=1e-6)
    b, t = np.float32(LOGITS_B), BINARY_B
    found = binary_cross_entropy(b, t, label_smoothing=0.2)
    np.testing.assert_allclose(found, binary_cross_entropy(b, np.float32(0.8 * t + 0.1)), rtol=1e-6)


def test_soft_targets_have_their_entropy_as_minimum() -> None:
    """F019, S8: the loss of a perfect model is 0 with hard targets only."""
    with jax.enable_x64(True):
        (p,) = double(SOFT_BC)
        z = np.log(SOFT_BC)
        np.testing.assert_allclose(cross_entropy(z, p, reduction="none"), entropy(p), atol=1e-12)
        gradient = jax.jit(jax.grad(lambda z: cross_entropy(z, p)))(z)
        np.testing.assert_allclose(gradient, np.zeros((11, 5)), atol=1e-15)
        smooth = 0.9 * np.eye(5)[2] + 0.02
        at_best = cross_entropy(np.log(smooth)[None], np.asarray([2]), label_smoothing=0.1)
        np.testing.assert_allclose(at_best, entropy(smooth), rtol=1e-12)
        assert at_best > 0.3


def test_class_weights_raise_the_recall_of_the_minority() -> None:
    """F018, S9: cross-entropy does not handle a 9:1 imbalance by itself."""
    rng = np.random.default_rng(1)
    x_ND = jnp.asarray(np.concatenate([rng.normal(0, 1, (180, 2)), rng.normal(1, 1, (20, 2))]), jnp.float32)
    y_N = jnp.asarray([0] * 180 + [1] * 20)

    @jax.jit
    def recall(class_weights_C):
        def loss(w):
            return cross_entropy(x_ND @ w[:2] + w[2:], y_N, class_weights=class_weights_C)

        w = jax.lax.fori_loop(0, 300, lambda _, w: w - 0.5 * jax.grad(loss)(w), jnp.zeros((3, 2)))
        return jnp.mean(jnp.argmax(x_ND @ w[:2] + w[2:], axis=-1)[180:])

    plain, weighted = recall(np.ones(2, np.float32)), recall(np.float32([1.0, 9.0]))
    assert plain < 0.6 < 0.7 < weighted


def test_confidence_is_punished_without_limit() -> None:
    """F006 and F019: the notes' numbers."""
    found = log_loss(np.float32([0.99, 0.90, 0.51]), np.zeros(3, np.float32), reduction="none")
    np.testing.assert_allclose(found, [4.605, 2.303, 0.713], atol=1e-3)
    found = log_loss(np.float32([1.0, 0.5, 0.0]), np.ones(3, np.float32), reduction="none")
    np.testing.assert_allclose(found, [0.0, 0.693, np.inf], atol=5e-4)
    gradient = jax.jit(jax.grad(losses.log_loss))(np.float32([1.0, 0.0]), np.float32([1.0, 0.0]))
    np.testing.assert_array_equal(gradient, [-0.5, 0.5])
    gradient = jax.jit(jax.grad(losses.entropy))(np.float32([0.0, 0.25, 0.75]))
    assert np.all(np.isfinite(gradient))


def test_worked_example_of_maximum_likelihood() -> None:
    """F016: -ln .6 - ln .2 - ln .1 - ln .7 = 4.7795, from the likelihood, the sum of logs, or the losses."""
    with jax.enable_x64(True):
        p = np.asarray([0.6, 0.2, 0.1, 0.7])
        loss = -float(log_likelihood(p))
        assert loss == pytest.approx(4.7795, abs=1e-4)
        assert round(loss, 1) == 4.8
        assert likelihood(p) == pytest.approx(0.0084, abs=1e-12)
        assert loss == pytest.approx(-math.log(0.0084), abs=1e-12)
        assert log_loss(p, np.ones(4), reduction="sum") == pytest.approx(4.7795, abs=1e-4)
        rows = np.stack([p, 1 - p], axis=-1)
        found = categorical_log_loss(rows, np.zeros(4, int), reduction="sum")
        assert found == pytest.approx(4.7795, abs=1e-4)


def test_product_underflows_where_the_sum_of_logs_does_not() -> None:
    p = np.full(2000, 0.5, np.float32)
    assert likelihood(p) == 0.0
    assert log_likelihood(p) == pytest.approx(-2000 * math.log(2), rel=1e-5)


def test_entropy_is_largest_when_uniform() -> None:
    np.testing.assert_allclose(entropy(np.float32([[0.25] * 4, [1.0, 0, 0, 0]])), [math.log(4), 0.0], rtol=1e-6)
    assert jax.eval_shape(lambda p: losses.entropy(p, axis=0), np.ones((2, 3), np.float32)).shape == (3,)


def test_squared_errors_differ_by_their_factors() -> None:
    """F033, F034, F037, S14: 1/n, 1/2 sum, 1/(2m)."""
    with jax.enable_x64(True):
        a, b = double(VALUES_BK, TARGETS_BK)
        squares = (VALUES_BK - TARGETS_BK) ** 2
        expected = sklearn.metrics.mean_squared_error(TARGETS_BK, VALUES_BK)
        assert mean_squared_error(a, b) == pytest.approx(expected, rel=1e-12)
        assert half_mean_squared_error(a, b) == pytest.approx(expected / 2, rel=1e-12)
        assert sum_squared_error(a, b) == pytest.approx(squares.sum() / 2, rel=1e-12)
        np.testing.assert_allclose(half_mean_squared_error(a, b, reduction="none"), optax.l2_loss(a, b), rtol=1e-12)
        np.testing.assert_allclose(jax.jit(jax.grad(sum_squared_error))(a, b), VALUES_BK - TARGETS_BK, atol=1e-12)
        w = sum_squared_error(a, b, weights=jnp.asarray(WEIGHTS_B))
        assert w == pytest.approx((squares.sum(-1) * WEIGHTS_B).sum() / 2, rel=1e-12)


@pytest.mark.parametrize(
    "call",
    [
        lambda: jax.eval_shape(losses.mean_squared_error, np.ones((4, 1)), np.ones(4)),
        lambda: jax.eval_shape(losses.binary_cross_entropy, np.ones((4, 1)), np.ones(4)),
        lambda: jax.eval_shape(losses.log_loss, np.ones(4), np.ones(3)),
    ],
)
def test_shapes_that_would_broadcast_are_refused(call) -> None:
    with pytest.raises(ValueError, match="differ; reshape one of them"):
        call()


@pytest.mark.parametrize(
    ("targets", "ignore_index", "message"),
    [
        (
            np.ones(3, np.float32),
            None,
            r"targets of shape \(3,\) and dtype float32 do not fit scores of shape \(3, 5\)",
        ),
        (np.ones(4, int), None, r"use integer classes of shape \(3,\) or distributions of shape \(3, 5\)"),
        (np.ones((3, 5), np.float32), -1, "ignore_index=-1 needs integer classes, not distributions; use weights"),
    ],
)
def test_targets_that_do_not_fit_are_refused(targets, ignore_index, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        jax.eval_shape(lambda z, y: losses.cross_entropy(z, y, ignore_index=ignore_index), np.ones((3, 5)), targets)
