import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nn_core.models.recurrent.cells import CELLS, cell_step, find_cell, scan_cell, zero_carry

T, B, D, H = 4, 3, 5, 2
SETTINGS = [(name, *how) for name in CELLS for how in ((False, False), (True, True))]
run_scan = jax.jit(scan_cell, static_argnums=(0, 1))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def by_hand(name, x_BG, u_HG, carry):
    """One step in NumPy, float64, written from the formulas of the notes' cells."""
    h, product = carry[0], carry[0] @ u_HG
    if name == "vanilla":
        return (np.tanh(x_BG + product),)
    if name == "lstm":
        i, f, g, o = np.split(x_BG + product, 4, axis=1)
        c = sigmoid(f) * carry[1] + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c
    (xr, xz, xn), (pr, pz, pn) = np.split(x_BG, 3, axis=1), np.split(product, 3, axis=1)
    r, z = sigmoid(xr + pr), sigmoid(xz + pz)
    return ((1 - z) * np.tanh(xn + r * pn) + z * h,)


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def example(name, masked):
    cell = CELLS[name]
    kernel_HG = normal(0, H, cell.num_gates * H) * np.float32(0.5)
    projected_TBG = normal(1, T, B, cell.num_gates * H)
    carry = tuple(normal(2 + i, B, H) for i in range(cell.num_states))
    keep_TB = np.arange(T)[:, None] < np.array([T, 2, 1])[None] if masked else None
    return cell, kernel_HG, carry, projected_TBG, keep_TB


@pytest.mark.parametrize(("name", "reverse", "masked"), SETTINGS)
def test_scan_equals_numpy_by_hand(name, reverse, masked):
    cell, kernel_HG, carry, projected_TBG, keep_TB = example(name, masked)
    last, outputs_TBH = run_scan(cell, reverse, kernel_HG, carry, projected_TBG, keep_TB)
    state = [np.asarray(a, np.float64) for a in carry]
    expected = np.zeros((T, B, H))
    for t in reversed(range(T)) if reverse else range(T):
        new = by_hand(name, np.asarray(projected_TBG[t], np.float64), np.asarray(kernel_HG, np.float64), state)
        keep_B1 = np.ones((B, 1), bool) if keep_TB is None else np.asarray(keep_TB[t])[:, None]
        state = [np.where(keep_B1, a, b) for a, b in zip(new, state, strict=True)]
        expected[t] = np.where(keep_B1, state[0], 0)
    np.testing.assert_allclose(outputs_TBH, expected, rtol=0, atol=1e-6)
    for a, b in zip(last, state, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "reverse", "masked"),
    [pytest.param(*case, marks=[] if case[1] or case[0] == "lstm" else pytest.mark.slow) for case in SETTINGS],
)
def test_gradients_equal_those_of_a_python_loop(name, reverse, masked):
    cell, kernel_HG, carry, projected_TBG, keep_TB = example(name, masked)
    weights_TBH = normal(5, T, B, H)

    def loop(kernel_HG, carry, projected_TBG):
        outputs = [jnp.zeros(())] * T
        for t in reversed(range(T)) if reverse else range(T):
            new = cell_step(cell, kernel_HG, carry, projected_TBG[t])
            if keep_TB is not None:
                new = tuple(jnp.where(keep_TB[t][:, None], a, b) for a, b in zip(new, carry, strict=True))
            carry = new
            outputs[t] = carry[0] if keep_TB is None else jnp.where(keep_TB[t][:, None], carry[0], 0)
        return carry, jnp.stack(outputs)

    def gradients(run):
        def loss(*arguments):
            carry, outputs_TBH = run(*arguments)
            return jnp.sum(outputs_TBH * weights_TBH) + sum(jnp.sum(jnp.sin(a)) for a in carry)

        return jax.value_and_grad(loss, (0, 1, 2))

    def both(*arguments):
        return gradients(lambda *a: scan_cell(cell, reverse, *a, keep_TB))(*arguments), gradients(loop)(*arguments)

    actual, expected = jax.device_get(jax.jit(both)(kernel_HG, carry, projected_TBG))
    for a, b in zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True):
        assert np.abs(b).max() > 0.05
        np.testing.assert_allclose(a, b, rtol=0, atol=3e-6)


@pytest.mark.parametrize("name", ["vanilla", "lstm", "gru"])
def test_one_step_equals_flax(name):
    cell = CELLS[name]
    inputs_BD = normal(2, B, D)
    carry = tuple(normal(3 + i, B, H) for i in range(cell.num_states))
    if name == "vanilla":
        module, gates, flax_carry = nn.SimpleCell(H), [("i", "h")], carry[0]
    elif name == "lstm":
        module, gates, flax_carry = nn.OptimizedLSTMCell(H), [("i" + g, "h" + g) for g in "ifgo"], (carry[1], carry[0])
    else:
        module, gates, flax_carry = nn.GRUCell(H), [("i" + g, "h" + g) for g in "rzn"], carry[0]
    shapes = jax.eval_shape(module.init, jax.random.key(5), flax_carry, inputs_BD)["params"]
    rng = np.random.default_rng(6)
    params = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape).astype(np.float32), shapes)
    if name == "gru":  # flax has a second bias inside the reset gate's product, we have none
        params["hn"]["bias"] = np.zeros_like(params["hn"]["bias"])
    kernel_DG = np.concatenate([params[x]["kernel"] for x, _ in gates], axis=1)
    kernel_HG = np.concatenate([params[h]["kernel"] for _, h in gates], axis=1)
    zeros_H = np.zeros(H, np.float32)
    bias_G = np.concatenate([params[x].get("bias", zeros_H) + params[h].get("bias", zeros_H) for x, h in gates])
    new = jax.jit(cell_step, static_argnums=0)(cell, kernel_HG, carry, inputs_BD @ kernel_DG + bias_G)
    expected, _ = jax.jit(module.apply)({"params": params}, flax_carry, inputs_BD)
    expected = (expected[1], expected[0]) if name == "lstm" else (expected,)
    for a, b in zip(new, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", CELLS)
def test_reading_in_two_pieces_equals_reading_at_once(name):
    cell, kernel_HG, carry, projected_TBG, _ = example(name, masked=False)
    whole, outputs_TBH = run_scan(cell, False, kernel_HG, carry, projected_TBG, None)
    middle, first = run_scan(cell, False, kernel_HG, carry, projected_TBG[:2], None)
    last, second = run_scan(cell, False, kernel_HG, middle, projected_TBG[2:], None)
    np.testing.assert_array_equal(np.concatenate([first, second]), outputs_TBH)
    for a, b in zip(last, whole, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_batch_of_runs_is_the_runs_one_by_one():
    cell, kernel_HG, carry, projected_TBG, keep_TB = example("lstm", masked=True)
    scales = jnp.array([0.5, 1.5])

    def loss(scale):
        return jnp.sum(scan_cell(cell, False, kernel_HG * scale, carry, projected_TBG * scale, keep_TB)[1] ** 2)

    together = jax.jit(jax.vmap(jax.grad(loss)))(scales)
    gradient = jax.jit(jax.grad(loss))
    alone = np.stack([gradient(scale) for scale in scales])
    np.testing.assert_allclose(together, alone, rtol=1e-5)


def test_the_empty_state_and_unknown_cells():
    assert [a.shape for a in zero_carry(CELLS["lstm"], B, H)] == [(B, H), (B, H)]
    assert len(zero_carry(CELLS["gru"], B, H)) == 1
    with pytest.raises(ValueError, match="'elman' is unknown; use one of vanilla, lstm, gru"):
        find_cell("elman")
