"""Optimizers against optax, NumPy, torch, scikit-learn and the laws of the course."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from sklearn.linear_model import Lasso

from nn_core import regularizers
from nn_core.optimizers import OPTIMIZERS, clip_by_global_norm, make_optimizer
from nn_core.schedules import make_schedule


def constant(step):
    """A factor of 1 that does not round float64 rates to float32."""
    return 1.0


# Every number that an optimizer reads, none at its default.
HPARAMS = {"learning_rate": 0.05, "momentum": 0.8, "weight_decay": 0.1, "beta1": 0.7, "beta2": 0.95, "epsilon": 1e-3}
START = {"dense": {"kernel": np.asarray([[1.0, -2.0], [0.5, 3.0]]), "bias": np.asarray([1.0, -1.0])}}
CURVATURE = {"dense": {"kernel": np.asarray([[1.0, 2.0], [3.0, 0.5]]), "bias": np.asarray([2.0, 1.0])}}


def quadratic(params):
    return sum(jax.tree.leaves(jax.tree.map(lambda c, w: jnp.sum(0.5 * c * w**2), CURVATURE, params)))


def descend(optimizer: optax.GradientTransformation, loss, params, steps: int):
    """The parameters after every step."""

    def body(carry, _):
        params, state = carry
        updates, state = optimizer.update(jax.grad(loss)(params), state, params)
        params = optax.apply_updates(params, updates)
        return (params, state), params

    return jax.lax.scan(body, (params, optimizer.init(params)), length=steps)[1]


def trajectory(name: str, hparams, *, loss=quadratic, start=START, steps=20, schedule=constant, proximal=False):
    def run(start):
        return descend(make_optimizer(name, hparams, schedule, proximal), loss, start, steps)

    return jax.device_get(jax.jit(run)(start))


def both_trajectories(name: str, hparams, oracle: optax.GradientTransformation):
    """The trajectory of a rule and of optax's, as one program."""

    def run(start):
        return tuple(
            descend(optimizer, quadratic, start, 20) for optimizer in (make_optimizer(name, hparams, constant), oracle)
        )

    return jax.jit(run)(START)


def quick(*names: str):
    """Every rule; those that are not named in the slow tests, for the default tests compare their steps with optax."""
    return [pytest.param(name, marks=[] if name in names else pytest.mark.slow) for name in OPTIMIZERS]


def assert_trees_close(found, expected, **tolerance) -> None:
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, **tolerance)


@pytest.mark.parametrize(
    ("name", "oracle"),
    [
        ("sgd", optax.sgd(0.05)),
        ("momentum", optax.sgd(0.05, momentum=0.8)),
        ("nesterov", optax.sgd(0.05, momentum=0.8, nesterov=True)),
        ("rmsprop", optax.rmsprop(0.05, decay=0.95, eps=1e-3, eps_in_sqrt=False)),
        ("adam", optax.adam(0.05, 0.7, 0.95, 1e-3)),
        ("adamw", optax.adamw(0.05, 0.7, 0.95, 1e-3, weight_decay=0.1, mask=regularizers.penalised_mask)),
        ("adagrad", optax.adagrad(0.05, initial_accumulator_value=0.0, eps=1e-3)),
    ],
)
def test_trajectory_equals_optax(name: str, oracle: optax.GradientTransformation) -> None:
    hparams = {key: value for key, value in HPARAMS.items() if name == "adamw" or key != "weight_decay"}
    with jax.enable_x64(True):
        assert_trees_close(*both_trajectories(name, hparams, oracle), rtol=1e-10)


@pytest.mark.parametrize("name", ["rmsprop", "adam"])
def test_absent_hparams_mean_the_values_of_the_papers(name: str) -> None:
    oracle = {"rmsprop": optax.rmsprop(0.05, 0.99, 1e-8, eps_in_sqrt=False), "adam": optax.adam(0.05)}[name]
    with jax.enable_x64(True):
        assert_trees_close(*both_trajectories(name, {"learning_rate": 0.05}, oracle), rtol=1e-10)


def adamw_by_hand(kernel, bias, steps):
    """F049 in NumPy; the bias is not decayed."""
    eta, decay, beta1, beta2, epsilon = (
        HPARAMS[k] for k in ("learning_rate", "weight_decay", "beta1", "beta2", "epsilon")
    )
    moments = [(np.zeros_like(w), np.zeros_like(w)) for w in (kernel, bias)]
    for t in range(1, steps + 1):
        grads = [CURVATURE["dense"]["kernel"] * kernel, CURVATURE["dense"]["bias"] * bias]
        moments = [
            (beta1 * m + (1 - beta1) * g, beta2 * s + (1 - beta2) * g**2)
            for (m, s), g in zip(moments, grads, strict=True)
        ]
        moves = [eta * (m / (1 - beta1**t)) / (np.sqrt(s / (1 - beta2**t)) + epsilon) for m, s in moments]
        kernel, bias = (1 - eta * decay) * kernel - moves[0], bias - moves[1]
    return kernel, bias


def test_adamw_equals_a_numpy_reference_for_fifty_steps() -> None:
    kernel, bias = adamw_by_hand(START["dense"]["kernel"], START["dense"]["bias"], 50)
    with jax.enable_x64(True):
        found = trajectory("adamw", HPARAMS, steps=50)["dense"]
        np.testing.assert_allclose(found["kernel"][-1], kernel, rtol=1e-10)
        np.testing.assert_allclose(found["bias"][-1], bias, rtol=1e-10)
    found = trajectory("adamw", HPARAMS, steps=50)["dense"]
    np.testing.assert_allclose(found["kernel"][-1], kernel, atol=1e-5)


@pytest.mark.slow
def test_adamw_equals_torch_for_fifty_steps() -> None:
    torch = pytest.importorskip("torch")
    kernel = torch.nn.Parameter(torch.tensor(START["dense"]["kernel"]))
    curvature = torch.tensor(CURVATURE["dense"]["kernel"])
    optimizer = torch.optim.AdamW([kernel], lr=0.05, betas=(0.7, 0.95), eps=1e-3, weight_decay=0.1)
    for _ in range(50):
        optimizer.zero_grad()
        (0.5 * curvature * kernel**2).sum().backward()
        optimizer.step()
    found = trajectory("adamw", HPARAMS, steps=50)["dense"]["kernel"][-1]
    np.testing.assert_allclose(found, kernel.detach().numpy(), atol=1e-5)


@pytest.mark.parametrize("name", ["momentum", "nesterov"])
def test_the_learning_rate_is_inside_the_velocity(name: str) -> None:
    """v <- mu v - eta_t g; a falling rate does not take back the steps already in v."""
    schedule = make_schedule("inverse_sqrt", total_steps=10)
    curvature, w, v, path = 3.0, 1.0, 0.0, []
    for t in range(10):
        kick = 0.1 / np.sqrt(t + 1) * curvature * w
        v = 0.8 * v - kick
        w = w + v if name == "momentum" else w + 0.8 * v - kick
        path.append(w)
    hparams = {"learning_rate": 0.1, "momentum": 0.8}
    found = trajectory(
        name, hparams, loss=lambda w: 0.5 * curvature * w**2, start=np.float32(1.0), steps=10, schedule=schedule
    )
    np.testing.assert_allclose(found, path, rtol=1e-5)


def test_a_constant_gradient_moves_by_the_rate_over_one_minus_momentum() -> None:
    """S26: the weights of the steps sum to 1 / (1 - beta), ten at .9."""
    for name in ("momentum", "nesterov"):
        hparams = {"learning_rate": 0.01, "momentum": 0.9}
        path_T = trajectory(name, hparams, loss=lambda w: 2.0 * w, start=np.float32(0.0), steps=200)
        steps_T = -np.diff(path_T)
        assert steps_T[-1] / (0.01 * 2.0) == pytest.approx(10.0, rel=1e-3)
        assert np.all(np.diff(steps_T[:20]) > 0)


def test_momentum_crosses_a_hump_that_stops_gradient_descent() -> None:
    """a bumpy valley with its deepest point at 0."""

    def bumpy(w):
        return 0.05 * w**2 - 0.3 * jnp.cos(3.0 * w)

    def end(name, **hparams):
        return trajectory(name, {"learning_rate": 0.1, **hparams}, loss=bumpy, start=np.float32(5.0), steps=400)[-1]

    assert end("sgd") > 4.0
    assert abs(end("momentum", momentum=0.9)) < 1e-2


@pytest.mark.parametrize("name", quick("nesterov", "adam"))
def test_every_optimizer_solves_a_quadratic(name: str) -> None:
    hparams = {"learning_rate": 0.3, "momentum": 0.5, "weight_decay": 0.0}
    schedule = make_schedule("exponential", total_steps=1000, decay_steps=50, decay_rate=0.5)
    path = trajectory(name, hparams, steps=400, schedule=schedule if name in ("rmsprop", "adam", "adamw") else constant)
    last = jax.tree.map(lambda leaf: leaf[-1], path)
    assert sum(jax.tree.leaves(jax.tree.map(lambda c, w: np.sum(0.5 * c * w**2), CURVATURE, last))) < 1e-6


def test_decay_equals_the_penalty_for_gradient_descent_only() -> None:
    """F048, S19: w (1 - 2 lambda eta) - eta g is the step on loss + lambda |w|^2 for SGD, and not for Adam."""
    strength = 0.3

    def penalised(params):
        return quadratic(params) + regularizers.penalty(params, {"l2": strength})

    def gap(name):
        base = {"learning_rate": 0.05, "momentum": 0.8}

        @jax.jit
        def both(start):
            by_decay = make_optimizer(name, {**base, "weight_decay": 2 * strength}, constant)
            by_penalty = make_optimizer(name, base, constant)
            return descend(by_decay, quadratic, start, 10), descend(by_penalty, penalised, start, 10)

        leaves = map(jax.tree.leaves, jax.device_get(both(START)))
        return max(float(np.max(np.abs(a - b))) for a, b in zip(*leaves, strict=True))

    with jax.enable_x64(True):
        assert gap("sgd") < 1e-7
        assert gap("adam") > 1e-2
        assert gap("momentum") > 1e-2


def test_decay_follows_the_schedule_and_spares_biases() -> None:
    schedule = make_schedule("step", total_steps=10, decay_steps=1, decay_rate=0.5)
    hparams = {"learning_rate": 0.1, "weight_decay": 0.2}
    path = trajectory("sgd", hparams, loss=lambda p: 0.0 * p["dense"]["bias"].sum(), steps=3, schedule=schedule)
    shrink = (1 - 0.02) * (1 - 0.01) * (1 - 0.005)
    np.testing.assert_allclose(path["dense"]["kernel"][-1], shrink * START["dense"]["kernel"], rtol=1e-6)
    np.testing.assert_array_equal(path["dense"]["bias"][-1], START["dense"]["bias"])


def test_clipping_uses_one_norm_for_all_gradients() -> None:
    grads = {"a": np.float32([3.0, 0.0]), "b": np.float32([[4.0]])}

    @jax.jit
    def by_both(grads, max_norm):
        by_optax = optax.clip_by_global_norm(max_norm).update(grads, optax.EmptyState())[0]
        return clip_by_global_norm(grads, max_norm), by_optax

    for max_norm in (1.0, 5.0, 7.0):
        assert_trees_close(*by_both(grads, max_norm), rtol=1e-6)
    zeros = jax.tree.map(np.zeros_like, grads)
    assert_trees_close(by_both(zeros, 1.0)[0], zeros)
    first = trajectory("sgd", {"learning_rate": 1.0, "clip_norm": 0.5}, steps=1)
    moved = jax.tree.map(lambda after, before: after[0] - before, first, START)
    assert np.sqrt(sum(np.sum(leaf**2) for leaf in jax.tree.leaves(moved))) == pytest.approx(0.5, rel=1e-5)


def _sparse_problem():
    rng = np.random.default_rng(0)
    x_ND = rng.normal(size=(80, 100))
    support_D = np.zeros(100, bool)
    support_D[rng.choice(100, 10, replace=False)] = True
    w_D = np.where(support_D, rng.choice([-1.0, 1.0], 100) * rng.uniform(1, 2, 100), 0.0)
    return x_ND, x_ND @ w_D + 0.5 * rng.normal(size=80), support_D


def test_proximal_step_recovers_the_support_that_the_penalty_blurs() -> None:
    """F047, S18: exact zeros come from the proximal step only."""
    x_ND, y_N, support_D = _sparse_problem()
    x, y, hparams = jnp.asarray(x_ND, jnp.float32), jnp.asarray(y_N, jnp.float32), {"learning_rate": 0.02, "l1": 1.0}

    def loss(params, proximal):
        error = jnp.mean((x @ params["kernel"] + params["bias"] - y) ** 2)
        return error + regularizers.penalty(params, hparams, proximal)

    def solve(proximal):
        start = {"kernel": np.zeros(100, np.float32), "bias": np.float32(0.0)}
        path = trajectory(
            "sgd", hparams, loss=lambda params: loss(params, proximal), start=start, steps=400, proximal=proximal
        )
        return np.asarray(path["kernel"][-1])

    found = solve(True) != 0
    hits = np.sum(found & support_D)
    assert 2 * hits / (found.sum() + support_D.sum()) >= 0.9
    assert np.sum(solve(False) == 0) == 0


@pytest.mark.parametrize("name", quick("momentum", "adam"))
def test_proximal_step_minimises_the_penalised_loss_under_every_rule(name: str) -> None:
    """The step is taken in the rule's metric, so Adam's zeros are the Lasso's too."""
    rng = np.random.default_rng(1)
    x_ND = rng.normal(size=(40, 6)) * np.asarray([1.0, 3.0, 1.0, 0.3, 1.0, 2.0])
    y_N = x_ND @ np.asarray([1.0, -0.5, 0.0, 0.0, 0.3, 0.0]) + 0.3 * rng.normal(size=40)
    oracle = Lasso(alpha=0.15, fit_intercept=False, tol=1e-12, max_iter=100_000).fit(x_ND, y_N).coef_
    assert 0 < np.sum(oracle == 0) < 6
    hparams = {"learning_rate": 0.02, "momentum": 0.6, "weight_decay": 0.0, "l1": 0.3, "epsilon": 1e-6}
    if name in ("adagrad", "adam", "adamw", "rmsprop"):
        hparams["learning_rate"] = 0.5 if name == "adagrad" else 0.05
    schedule = make_schedule("exponential", total_steps=1, decay_steps=300, decay_rate=0.5)
    with jax.enable_x64(True):
        x, y = jnp.asarray(x_ND, jnp.float64), jnp.asarray(y_N, jnp.float64)
        path = trajectory(
            name,
            hparams,
            loss=lambda params: jnp.mean((x @ params["kernel"] - y) ** 2),
            start={"kernel": np.ones(6)},
            steps=3000,
            schedule=constant if name in ("sgd", "momentum", "nesterov", "adagrad") else schedule,
            proximal=True,
        )
        found = np.asarray(path["kernel"][-1])
    np.testing.assert_allclose(found, oracle, atol=1e-3)
    np.testing.assert_array_equal(found == 0, oracle == 0)


def test_proximal_step_is_bounded_by_the_rate_under_adaptive_rules() -> None:
    """A weight of tiny gradients shrinks by at most eta a step, and those on biases not at all."""
    start = {"kernel": np.full(3, 0.5, np.float32), "bias": np.full(3, 0.5, np.float32)}
    for name in ("rmsprop", "adam", "adagrad"):
        path = trajectory(
            name,
            {"learning_rate": 0.01, "l1": 0.1},
            loss=lambda p: 1e-12 * (p["kernel"].sum() + p["bias"].sum()),
            start=start,
            steps=60,
            proximal=True,
        )
        steps = -np.diff(np.asarray(path["kernel"]), axis=0)
        assert steps.max() <= 0.011 and path["kernel"][10].min() > 0.35 and not path["kernel"][-1].any()
        assert path["bias"][-1].min() > 0.49


@pytest.mark.parametrize("name", quick("nesterov", "adamw"))
def test_every_number_is_an_axis_of_a_sweep_and_members_equal_solo_runs(name: str) -> None:
    hparams = {**HPARAMS, "clip_norm": 1.5, "l1": 0.05}
    members = {key: np.float32([value, 0.5 * value, 0.9 * value]) for key, value in hparams.items()}
    start = jax.tree.map(np.float32, START)
    run = jax.jit(lambda hparams: descend(make_optimizer(name, hparams, constant, proximal=True), quadratic, start, 7))
    population = jax.device_get(jax.jit(jax.vmap(run))(members))
    for i in range(3):
        solo = run({key: value[i] for key, value in members.items()})
        assert_trees_close(jax.tree.map(lambda leaf, i=i: leaf[i], population), solo, rtol=1e-5, atol=1e-7)
    assert len(np.unique(np.asarray(population["dense"]["kernel"])[:, -1, 1, 1])) == 3


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_reads_only_what_it_needs(name: str) -> None:
    reads: set[str] = set()

    class Recorder(dict):
        def __getitem__(self, key: str):
            reads.add(key)
            return super().__getitem__(key)

    make_optimizer(name, Recorder(HPARAMS), constant)
    own = {
        "sgd": set(),
        "momentum": {"momentum"},
        "nesterov": {"momentum"},
        "rmsprop": {"beta2", "epsilon"},
        "adagrad": {"epsilon"},
    }
    assert reads == {"learning_rate", "weight_decay"} | own.get(name, {"beta1", "beta2", "epsilon"})


@pytest.mark.parametrize(
    ("name", "hparams", "proximal", "message"),
    [
        ("adma", {"learning_rate": 0.1}, False, "optimizer 'adma' is unknown; use one of sgd, .*adamw"),
        ("sgd", {}, False, "hparams.learning_rate is not set and optimizer 'sgd' needs it; set hparams.learning_rate"),
        ("momentum", {"learning_rate": 0.1}, False, "hparams.momentum is not set and optimizer 'momentum' needs it"),
        ("nesterov", {"learning_rate": 0.1}, False, "hparams.momentum is not set and optimizer 'nesterov' needs it"),
        ("adamw", {"learning_rate": 0.1}, False, "hparams.weight_decay is not set and optimizer 'adamw' needs it"),
        ("sgd", {"learning_rate": 0.1}, True, "proximal=True has no strength: set hparams.l1"),
    ],
)
def test_missing_numbers_are_named(name: str, hparams: dict, proximal: bool, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_optimizer(name, hparams, constant, proximal)
