"""The perceptron against a loop in NumPy, scikit-learn, Novikoff's bound and the notes' claims (F001-F004)."""

from functools import partial
from typing import Any

import jax
import numpy as np
import pytest
from sklearn.linear_model import Perceptron
from sklearn.svm import LinearSVC

from nn_core.models import perceptron

SQUARE = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], np.float32)
XOR = np.array([0, 1, 1, 0])
LIMITS = {"max_epochs": 20, "max_recorded": 1000}  # of most tests: one program

# Small programs that run once: compile them fast.
FAST = {"xla_backend_optimization_level": 0}
compiled = jax.jit(perceptron.train_perceptron, static_argnames=("max_epochs", "max_recorded"), compiler_options=FAST)
widest_boundary = jax.jit(perceptron.widest_boundary, static_argnums=2, compiler_options=FAST)
margin = jax.jit(perceptron.margin, compiler_options=FAST)
mistake_bound = jax.jit(perceptron.mistake_bound, compiler_options=FAST)
predict = jax.jit(perceptron.predict)
three_case_update = jax.jit(perceptron.three_case_update)


def train(inputs: np.ndarray, targets: np.ndarray, **options: Any) -> perceptron.PerceptronResult:
    """The result in NumPy, where slicing compiles nothing."""
    return jax.device_get(compiled(inputs, targets, **options))


def answers(result: perceptron.PerceptronResult, inputs: np.ndarray) -> np.ndarray:
    return (inputs @ result.weights_D + result.bias >= 0).astype(int)


def separable(seed: int, gap: float, flipped: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """53 points labelled by a random plane, none within `gap` of it; the labels of the first `flipped` are wrong."""
    rng = np.random.default_rng(seed)
    normal, points = rng.normal(size=3), rng.normal(size=(2000, 3))
    distances = points @ normal / np.linalg.norm(normal) + 0.3
    rows = np.flatnonzero(np.abs(distances) > gap)[:53]
    targets = (distances[rows] > 0).astype(np.int32)
    targets[:flipped] = 1 - targets[:flipped]
    return points[rows].astype(np.float32), targets


def by_cases(
    inputs: np.ndarray, targets: np.ndarray, rate: float, orders: list[np.ndarray]
) -> tuple[list[np.ndarray], list[int]]:
    """The notes' three cases in plain Python: boundaries after each mistake, mistakes of each epoch."""
    weights, bias, history, counts = np.zeros(inputs.shape[1]), 0.0, [], []
    for order in orders:
        counts.append(0)
        for x, y in zip(inputs[order].astype(np.float64), targets[order], strict=True):
            positive = weights @ x + bias >= 0
            if positive and y == 0:
                weights, bias = weights - rate * x, bias - rate
            elif not positive and y == 1:
                weights, bias = weights + rate * x, bias + rate
            else:
                continue
            counts[-1] += 1
            history.append(np.append(weights, bias))
        if counts[-1] == 0:
            break
    return history, counts


def test_step_of_zero_is_one() -> None:
    """S2: the notes leave step(0) open; here it is 1."""
    points = np.array([[0.0, 0.0], [1e-30, 0.0], [-1e-30, 0.0], [0.0, 0.0]], np.float32)
    assert predict(np.ones(2, np.float32), 0.0, points).tolist() == [1.0, 1.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("weights", "bias", "inputs", "targets"),
    [
        ([1.0, 1.0], -1.5, SQUARE, [0, 0, 0, 1]),
        ([1.0, 1.0], -0.5, SQUARE, [0, 1, 1, 1]),
        ([-1.0], 0.5, np.array([[0.0], [1.0]], np.float32), [1, 0]),
    ],
    ids=["and", "or", "not"],
)
def test_gates_are_perceptrons_and_are_learned(
    weights: list[float], bias: float, inputs: np.ndarray, targets: list[int]
) -> None:
    assert predict(np.array(weights, np.float32), bias, inputs).tolist() == targets
    result = train(inputs, np.array(targets), learning_rate=1.0, max_epochs=20)
    assert result.converged
    assert answers(result, inputs).tolist() == targets


def test_three_cases_and_one_line_agree_bit_for_bit() -> None:
    rng = np.random.default_rng(0)
    weights, points = rng.normal(size=(2, 1000, 5)).astype(np.float32)
    biases, labels = rng.normal(size=1000).astype(np.float32), rng.integers(0, 2, 1000).astype(np.float32)
    cases = jax.vmap(partial(perceptron.three_case_update, learning_rate=0.3))
    line = jax.vmap(partial(perceptron.update, learning_rate=0.3))
    by_case, by_line = cases(weights, biases, points, labels), line(weights, biases, points, labels)
    assert np.array_equal(by_case[0], by_line[0]) and np.array_equal(by_case[1], by_line[1])
    wrong = jax.vmap(perceptron.predict)(weights, biases, points) != labels
    assert np.array_equal(wrong, np.any(by_case[0] != weights, axis=1)) and 300 < wrong.sum() < 700
    # Compiled, a fused multiply-add rounds once less in one of them.
    fused = jax.jit(line)(weights, biases, points, labels)
    np.testing.assert_allclose(fused[0], by_line[0], atol=2e-7)


def test_positive_means_the_label() -> None:
    """S3b: a missed positive is pulled in, a false positive is pushed out."""
    x = np.array([2.0, 3.0], np.float32)
    missed = three_case_update(np.array([-1.0, 0.0], np.float32), 0.5, x, 1.0, 0.25)
    assert missed[0].tolist() == [-0.5, 0.75] and missed[1] == 0.75
    false_alarm = three_case_update(np.array([1.0, 0.0], np.float32), 0.5, x, 0.0, 0.25)
    assert false_alarm[0].tolist() == [0.5, -0.75] and false_alarm[1] == 0.25


@pytest.mark.parametrize(("flipped", "shuffled"), [(0, False), (5, False), (0, True)])
def test_loop_equals_the_notes_cases_in_plain_python(flipped: int, shuffled: bool) -> None:
    inputs, targets = separable(3, 0.1, flipped)
    key = jax.random.key(0) if shuffled else None
    epochs = LIMITS["max_epochs"]
    orders = [np.arange(53)] * epochs
    if shuffled:
        draw = jax.vmap(lambda epoch: jax.random.permutation(jax.random.fold_in(key, epoch), 53))
        orders = list(np.asarray(jax.jit(draw)(np.arange(epochs))))
    history, counts = by_cases(inputs, targets, 0.5, orders)
    result = train(inputs, targets, learning_rate=0.5, order_key=key, **LIMITS)
    assert len(history) > 3 and result.num_epochs == len(counts) and result.num_mistakes == len(history)
    assert result.mistakes_E.tolist() == counts + [0] * (epochs - len(counts))
    np.testing.assert_allclose(result.mistake_boundaries_MD[: len(history)], history, atol=1e-5)
    np.testing.assert_allclose(result.boundary_D, history[-1], atol=1e-5)
    assert bool(result.converged) == (counts[-1] == 0)


def test_history_holds_the_boundary_after_each_epoch_and_stays_at_the_last() -> None:
    inputs, targets = separable(3, 0.1)
    result = train(inputs, targets, learning_rate=0.5, **LIMITS)
    assert result.converged and 2 < result.num_epochs < 20 and result.num_mistakes < 1000
    assert not np.any(result.epoch_boundaries_ED[0])
    after = np.cumsum(result.mistakes_E)[: result.num_epochs] - 1
    assert np.array_equal(result.epoch_boundaries_ED[1 : result.num_epochs + 1], result.mistake_boundaries_MD[after])
    assert np.all(result.epoch_boundaries_ED[result.num_epochs :] == result.boundary_D[None, :])
    assert np.all(result.mistake_boundaries_MD[result.num_mistakes - 1 :] == result.boundary_D[None, :])
    short = train(inputs, targets, learning_rate=0.5, max_epochs=20, max_recorded=3)
    assert np.array_equal(short.mistake_boundaries_MD, result.mistake_boundaries_MD[:3])
    assert short.num_mistakes == result.num_mistakes


@pytest.mark.parametrize("seed", range(5))
def test_mistakes_stay_below_novikoffs_bound(seed: int) -> None:
    inputs, targets = separable(seed, 0.2)
    result = train(inputs, targets, learning_rate=0.1, max_epochs=200)
    assert result.converged and np.array_equal(answers(result, inputs), targets)
    widest = widest_boundary(inputs, targets, 500)
    bound = mistake_bound(widest, inputs, targets)
    assert 0 < result.num_mistakes <= bound < np.inf
    # S3: what it found separates, but is not the widest boundary.
    own = margin(result.boundary_D, inputs, targets)
    assert 0 <= own < 0.9 * margin(widest, inputs, targets)
    assert bound < mistake_bound(result.boundary_D, inputs, targets)


def test_widest_boundary_is_the_one_of_a_support_vector_machine() -> None:
    inputs, targets = separable(1, 0.2)
    points = np.concatenate([inputs, np.ones((len(inputs), 1))], axis=1)
    machine = LinearSVC(C=1e4, loss="hinge", fit_intercept=False, max_iter=1_000_000, tol=1e-7, random_state=0)
    best = machine.fit(points, targets).coef_[0].astype(np.float32)
    expected = margin(best, inputs, targets)
    found = margin(widest_boundary(inputs, targets, 20_000), inputs, targets)
    np.testing.assert_allclose(found, expected, rtol=2e-3)


def test_radius_margin_and_bound_by_hand() -> None:
    inputs, targets = np.array([[3.0], [-1.0]], np.float32), np.array([1, 0])
    assert jax.jit(perceptron.radius)(inputs) == pytest.approx(np.sqrt(10))
    boundary = np.array([2.0, -1.0], np.float32)  # 2 * 3 - 1 = 5 and -(2 * -1 - 1) = 3
    assert margin(boundary, inputs, targets) == pytest.approx(3 / np.sqrt(5))
    assert mistake_bound(boundary, inputs, targets) == pytest.approx(10.0 / (9 / 5))
    assert mistake_bound(-boundary, inputs, targets) == np.inf


def test_a_boundary_of_rounding_dust_neither_hides_nor_makes_a_margin() -> None:
    """The nearest point of XOR's hull is the origin: what a search ends with there is dust of any direction."""
    inputs, targets = np.array([[3.0], [-1.0]], np.float32), np.array([1, 0])
    tiny = np.array([2e-25, -1e-25], np.float32)  # its squared length is 0 in float32
    assert mistake_bound(tiny, inputs, targets) == pytest.approx(10.0 / (9 / 5))
    barely = np.array([1e-7, 1.0], np.float32)  # labels (1, 1) only; a point's product of 1e-7 is rounding
    assert mistake_bound(barely, np.array([[0.0], [-1e7 + 1]], np.float32), np.array([1, 1])) == np.inf


def test_xor_stops_at_the_limit_unconverged() -> None:
    result = train(SQUARE, XOR, learning_rate=1.0, max_epochs=20)
    assert not result.converged and result.num_epochs == 20
    assert np.all(result.mistakes_E > 0)
    assert mistake_bound(result.boundary_D, SQUARE, XOR) == np.inf


def test_learning_rate_only_scales_a_boundary_that_starts_at_zero() -> None:
    inputs, targets = separable(5, 0.1)
    rates = np.array([0.125, 1.0], np.float32)  # powers of two: exact
    many = jax.vmap(lambda rate: compiled(inputs, targets, learning_rate=rate, max_epochs=30))(rates)
    many = jax.device_get(many)
    assert many.num_mistakes[0] == many.num_mistakes[1] > 0
    assert np.array_equal(8 * many.boundary_D[0], many.boundary_D[1])
    started = train(
        inputs,
        targets,
        learning_rate=0.125,
        max_epochs=30,
        initial_boundary_D=np.array([3.0, -2.0, 1.0, 0.5], np.float32),
    )
    assert started.epoch_boundaries_ED[0].tolist() == [3.0, -2.0, 1.0, 0.5]


def test_order_changes_the_boundary_and_members_equal_their_solo_runs() -> None:
    """S3: which separating line is found depends on the order of the points."""
    inputs, targets = separable(7, 0.1)
    run = partial(compiled, inputs, targets, learning_rate=1.0, **LIMITS)
    keys = jax.random.split(jax.random.key(1), 4)
    together = jax.device_get(jax.vmap(lambda key: run(order_key=key))(keys))
    assert np.all(together.converged) and len(np.unique(together.boundary_D, axis=0)) == 4
    for i, key in enumerate(keys):
        alone = run(order_key=key)
        assert all(np.array_equal(x, y[i]) for x, y in zip(alone, together, strict=True))


def test_scikit_learn_finds_the_same_boundary() -> None:
    inputs, targets = separable(11, 0.02)
    targets = np.where(np.arange(len(targets)) == 0, 0, targets)
    inputs[0] = -1.0  # a negative first: both rules call a score of 0 a mistake then
    model = Perceptron(alpha=0.0, eta0=1.0, shuffle=False, max_iter=20, tol=None).fit(
        inputs.astype(np.float64), targets
    )
    result = train(inputs, targets, learning_rate=1.0, **LIMITS)
    np.testing.assert_allclose(result.weights_D, model.coef_[0], rtol=1e-4)
    np.testing.assert_allclose(result.bias, model.intercept_[0], rtol=1e-4)


def test_pocket_keeps_the_best_where_the_last_is_not() -> None:
    inputs, targets = separable(4, 0.1, flipped=5)
    result = train(inputs, targets, learning_rate=1.0, **LIMITS)
    assert not result.converged
    boundary, errors = jax.jit(perceptron.pocket)(result.mistake_boundaries_MD, inputs, targets)
    rows = np.asarray(result.mistake_boundaries_MD)
    wrong = np.sum((inputs @ rows[:, :-1].T + rows[:, -1] >= 0) != targets[:, None], axis=0)
    assert errors == min(wrong) < wrong[-1] and np.array_equal(boundary, rows[np.argmin(wrong)])


@pytest.mark.parametrize("limits", [{"max_epochs": 0}, {"max_epochs": 3, "max_recorded": 0}])
def test_limits_below_one_are_refused(limits: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be at least 1"):
        perceptron.train_perceptron(SQUARE, XOR, learning_rate=1.0, **limits)
