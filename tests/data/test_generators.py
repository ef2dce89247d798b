"""Generated data: pure in the seed, of the documented geometry, and refusing what cannot be."""

import numpy as np
import pytest
from sklearn.linear_model import Lasso, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from nn_core.data import generators as g
from nn_core.data.shapes import shapes

ALL = {
    "gates": g.gates,
    "blobs": g.blobs,
    "imbalanced": g.imbalanced,
    "xor": g.xor,
    "circles": g.circles,
    "moons": g.moons,
    "spirals": g.spirals,
    "sparse_regression": g.sparse_regression,
    "churn": g.churn,
    "sine": g.sine,
    "shapes": shapes,
}


@pytest.mark.parametrize("name", ALL)
def test_pure_function_of_the_seed(name: str) -> None:
    make = ALL[name]
    first, again = make(num_examples=53, noise=0.1, seed=3), make(num_examples=53, noise=0.1, seed=3)
    other = make(num_examples=53, noise=0.1, seed=4)
    assert len(first.inputs) == 53
    np.testing.assert_array_equal(first.inputs, again.inputs)
    np.testing.assert_array_equal(first.targets, again.targets)
    assert not np.array_equal(first.inputs, other.inputs)


@pytest.mark.parametrize("name", ALL)
def test_no_noise_is_allowed(name: str) -> None:
    assert len(ALL[name](num_examples=7, noise=0.0, seed=0).targets) == 7


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("option", [{"num_examples": 0}, {"noise": -0.1}, {"seed": -1}, {"num_examples": 10**10}])
def test_out_of_range_is_refused_in_one_line(name: str, option: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(option))}=.* is out of range; use a") as caught:
        ALL[name](**option)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "option"),
    [
        (g.blobs, {"num_classes": 1}),
        (g.blobs, {"num_features": 0}),
        (g.blobs, {"num_examples": 2, "num_classes": 3}),
        (g.imbalanced, {"minority": 0.0}),
        (g.imbalanced, {"minority": 0.6}),
        (g.circles, {"inner_radius": 1.0}),
        (g.spirals, {"turns": 0.0}),
        (g.sparse_regression, {"num_informative": 101}),
        (g.churn, {"num_useless": -1}),
        (g.churn, {"noise": 0.51}),
        (g.sine, {"length": 1}),
        (g.sine, {"min_period": 40.0}),
        (shapes, {"size": 11}),
        (shapes, {"channels": 4}),
    ],
)
def test_own_options_are_checked(make: object, option: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="out of range"):
        make(**option)  # type: ignore[operator]


def test_gates_are_truth_tables() -> None:
    table = g.gates(gate="or")
    assert table.inputs.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]] and table.targets.tolist() == [0, 1, 1, 1]
    assert g.gates(gate="and").targets.tolist() == [0, 0, 0, 1]
    inverse = g.gates(gate="not", num_examples=2)
    assert inverse.inputs.tolist() == [[0], [1]] and inverse.targets.tolist() == [1, 0]
    noisy = g.gates(gate="xor", num_examples=400, noise=0.1)
    np.testing.assert_array_equal(noisy.inputs.round() % 2 @ np.ones(2) % 2, noisy.targets)
    with pytest.raises(ValueError, match="unknown gate 'adn'.*did you mean 'and'"):
        g.gates(gate="adn")


def test_blobs_have_the_noise_around_each_centre() -> None:
    data = g.blobs(num_examples=3001, noise=0.3, num_classes=3, num_features=5, seed=1)
    assert data.inputs.shape == (3001, 5)
    assert sorted(np.bincount(data.targets).tolist()) == [1000, 1000, 1001]
    for label in range(3):
        spread = data.inputs[data.targets == label].std(axis=0)
        np.testing.assert_allclose(spread, 0.3, rtol=0.1)
    still = g.blobs(num_examples=30, noise=0.0, seed=1)
    assert len(np.unique(still.inputs, axis=0)) == 3


@pytest.mark.parametrize(("num_examples", "minority", "rare"), [(1000, 0.05, 50), (10, 0.01, 1), (7, 0.5, 4)])
def test_imbalanced_share_is_exact(num_examples: int, minority: float, rare: int) -> None:
    data = g.imbalanced(num_examples=num_examples, minority=minority)
    assert data.targets.sum() == rare and data.target_names == ("common", "rare")


def test_xor_is_no_linear_problem_and_is_one_of_signs() -> None:
    data = g.xor(num_examples=800, noise=0.1)
    np.testing.assert_array_equal((data.inputs[:, 0] > 0) != (data.inputs[:, 1] > 0), data.targets == 1)
    inputs = data.inputs.astype(np.float64)
    assert LogisticRegression().fit(inputs, data.targets).score(inputs, data.targets) < 0.6


def test_circles_have_their_radii() -> None:
    data = g.circles(noise=0.0, inner_radius=0.3)
    np.testing.assert_allclose(np.hypot(*data.inputs.T), np.where(data.targets == 1, 0.3, 1.0), rtol=1e-6)


def test_moons_are_half_circles() -> None:
    data = g.moons(noise=0.0)
    upper, lower = data.inputs[data.targets == 0], data.inputs[data.targets == 1]
    np.testing.assert_allclose(np.hypot(*upper.T), 1.0, rtol=1e-6)
    np.testing.assert_allclose(np.hypot(*(lower - np.array([1.0, 0.5])).T), 1.0, rtol=1e-6)
    assert upper[:, 1].min() >= 0 and lower[:, 1].max() <= 0.5


def test_spirals_turn() -> None:
    data = g.spirals(noise=0.0, num_classes=3, turns=2.0)
    radius = np.hypot(*data.inputs.T).astype(np.float64)
    expected = 2 * np.pi * (2.0 * radius + data.targets / 3)
    angle = np.arctan2(data.inputs[:, 1], data.inputs[:, 0])
    np.testing.assert_allclose(np.cos(angle - expected)[radius > 0.05], 1.0, atol=1e-6)
    neighbours = KNeighborsClassifier(1).fit(data.inputs[:400], data.targets[:400])
    assert neighbours.score(data.inputs[400:], data.targets[400:]) > 0.95


def test_sparse_regression_follows_its_coefficients() -> None:
    truth = g.sparse_coefficients(seed=5)
    assert (truth != 0).sum() == 10
    assert ((np.abs(truth[truth != 0]) >= 1) & (np.abs(truth[truth != 0]) <= 3)).all()
    exact = g.sparse_regression(noise=0.0, seed=5)
    np.testing.assert_allclose(exact.inputs @ truth, exact.targets, atol=1e-4)
    noisy = g.sparse_regression(noise=0.5, seed=5)
    assert np.std(noisy.targets - noisy.inputs @ truth) == pytest.approx(0.5, rel=0.15)
    found = Lasso(0.1).fit(noisy.inputs.astype(np.float64), noisy.targets.astype(np.float64)).coef_
    assert ((np.abs(found) > 0.3) == (truth != 0)).all()
    np.testing.assert_array_equal(g.sparse_regression(num_examples=200, seed=5).inputs, noisy.inputs)


def test_churn_can_be_learned_from_the_telling_columns_only() -> None:
    data = g.churn(num_examples=3000, noise=0.0, num_useless=20)
    assert data.inputs.shape == (3000, 26) and data.input_names[0] == "tenure_months"
    assert data.targets.mean() == pytest.approx(0.27, abs=0.002)
    inputs = data.inputs.astype(np.float64)
    scaled = (inputs - inputs.mean(axis=0)) / inputs.std(axis=0)

    def score(columns: slice) -> float:
        model = LogisticRegression().fit(scaled[:2000, columns], data.targets[:2000])
        return model.score(scaled[2000:, columns], data.targets[2000:])

    assert score(slice(0, 6)) > 0.85 and score(slice(6, None)) < 0.76


def test_churn_noise_flips_labels() -> None:
    clean, noisy = g.churn(num_examples=4000, noise=0.0), g.churn(num_examples=4000, noise=0.2)
    np.testing.assert_array_equal(clean.inputs, noisy.inputs)
    assert (clean.targets != noisy.targets).mean() == pytest.approx(0.2, abs=0.02)


def test_sine_continues() -> None:
    data = g.sine(num_examples=200, noise=0.0, length=5, min_period=6.0, max_period=20.0)
    assert data.inputs.shape == (200, 5, 1) and data.targets.shape == (200,)
    waves = np.column_stack([data.inputs[..., 0], data.targets]).astype(np.float64)
    # x[t+1] + x[t-1] = 2 cos(2 pi / period) x[t]: the same factor at every step of a wave
    factors = (waves[:, 2:] + waves[:, :-2]) / waves[:, 1:-1]
    steady = np.abs(waves[:, 1:-1]).min(axis=1) > 0.1
    assert steady.sum() > 50
    np.testing.assert_allclose(factors[steady], factors[steady][:, :1] @ np.ones((1, 4)), atol=1e-4)
    assert (2 * np.cos(2 * np.pi / 6.0) - 1e-4 < factors[steady]).all()
