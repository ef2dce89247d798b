"""Both formulations of a convolution against Flax, SciPy and each other; pooling against windows; sizes by hand."""

from collections.abc import Callable
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal
from jax import Array, lax

from nn_core.models.convolution import (
    FORMULATIONS,
    Conv,
    average_pool,
    convolve,
    default_formulation,
    extract_patches,
    max_pool,
    no_pool,
    output_size,
)
from nn_core.models.layers import GroupNorm

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(2, 7, 11, 3))
KERNEL = RNG.normal(size=(3, 5, 3, 4))


@pytest.mark.parametrize(
    ("padding", "strides", "kernel"),
    [
        ("same", (1, 1), KERNEL),
        ("valid", (2, 3), KERNEL),
        ("same", (2, 3), KERNEL[:1, :1]),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in (
                ("same", (2, 3), KERNEL),
                ("valid", (1, 1), KERNEL),
                ("same", (1, 1), KERNEL[:1, :1]),
                ("valid", (1, 1), KERNEL[:1, :1]),
                ("valid", (2, 3), KERNEL[:1, :1]),
            )
        ),
    ],
)
def test_formulations_agree_in_value_and_gradients(padding: str, strides: tuple[int, int], kernel: np.ndarray) -> None:
    """In float64, so that nothing but the mathematics can differ; the kernel's gradient has two orders of a product:
    one for more inputs than features, one for more features."""

    def run(formulation: str, images: Array, kernel: Array) -> tuple:
        def loss(x: Array, kernel: Array) -> tuple[Array, Array]:
            y = convolve(x, kernel, strides=strides, padding=padding, formulation=formulation)
            return jnp.sum(jnp.sin(y)), y

        return jax.value_and_grad(loss, (0, 1), has_aux=True)(images, kernel)

    with jax.enable_x64(True):
        first, *others = jax.jit(lambda *arguments: [run(name, *arguments) for name in FORMULATIONS])(IMAGES, kernel)
        assert first[0][1].dtype == jnp.float64
        for other in others:
            jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-11), first, other)


@pytest.mark.parametrize("formulation", FORMULATIONS)
def test_outputs_that_fill_no_field_are_not_computed(formulation: str) -> None:
    """Of 7 x 11 outputs the fields of 2 x 2 leave a row and a column, those of 3 x 3 one row and two columns."""
    x, kernel = IMAGES.astype(np.float32), KERNEL.astype(np.float32)
    run = partial(convolve, formulation=formulation)
    whole, twos, threes = jax.jit(lambda x, k: (run(x, k), run(x, k, field=2), run(x, k, field=3)))(x, kernel)
    assert (twos.shape, threes.shape) == ((2, 6, 10, 4), (2, 6, 9, 4))
    np.testing.assert_allclose(twos, whole[:, :6, :10], atol=1e-5)
    np.testing.assert_allclose(threes, whole[:, :6, :9], atol=1e-5)


@pytest.mark.parametrize("formulation", FORMULATIONS)
def test_it_is_a_cross_correlation(formulation: str) -> None:
    image, kernel = IMAGES[0, :, :, 0], KERNEL[:, :, 0, 0]
    found = jax.jit(partial(convolve, padding="valid", formulation=formulation))(
        image[None, :, :, None].astype(np.float32), kernel[:, :, None, None].astype(np.float32)
    )
    np.testing.assert_allclose(found[0, :, :, 0], scipy.signal.correlate2d(image, kernel, "valid"), atol=1e-5)


def test_an_edge_detector_by_hand() -> None:
    """the first layer sees edges; a 3 x 3 Sobel filter on a bright right half."""
    image = np.zeros((1, 4, 5, 1), np.float32)
    image[:, :, 3:] = 1.0
    sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.float32)[:, :, None, None]
    edges = np.asarray(jax.jit(partial(convolve, padding="valid"))(image, sobel))
    assert np.array_equal(edges[0, :, :, 0], [[0, 4, 4], [0, 4, 4]])


def test_patches_are_the_pixels_under_the_window() -> None:
    x = np.arange(12, dtype=np.float32).reshape(1, 3, 4, 1)
    patches = np.asarray(jax.jit(extract_patches, static_argnums=(1, 2, 3))(x, (2, 2), (1, 2), ((0, 0), (0, 0))))
    assert np.array_equal(patches[0], [[[0, 1, 4, 5], [2, 3, 6, 7]], [[4, 5, 8, 9], [6, 7, 10, 11]]])


@pytest.mark.parametrize(
    ("size", "window", "stride", "padding", "expected"),
    [
        (32, 5, 1, "valid", 28),
        (28, 3, 1, "same", 28),
        (28, 3, 2, "same", 14),
        (227, 11, 4, "valid", 55),
        (7, 3, 3, "same", 3),
        (2, 3, 1, "valid", 0),
    ],
)
def test_output_size(size: int, window: int, stride: int, padding: str, expected: int) -> None:
    """floor((n - k) / s) + 1: LeNet's 32 -> 28, AlexNet's 227 -> 55 among them; and what XLA makes of it."""
    assert output_size(size, window, stride, padding) == expected
    if expected:
        x, kernel = (jax.ShapeDtypeStruct(shape, jnp.float32) for shape in ((1, size, size, 1), (window, window, 1, 1)))
        for name in FORMULATIONS:
            found = jax.eval_shape(
                lambda a, b, name=name: convolve(a, b, strides=(stride, stride), padding=padding, formulation=name),
                x,
                kernel,
            )
            assert found.shape == (1, expected, expected, 1)


@pytest.mark.parametrize("formulation", FORMULATIONS)
def test_layer_equals_flax(formulation: str) -> None:
    x = IMAGES.astype(np.float32)
    models = Conv(4, (3, 5), (2, 1), formulation=formulation), nn.Conv(4, (3, 5), (2, 1))
    shapes, expected = (jax.eval_shape(model.init, jax.random.key(0), x) for model in models)
    assert jax.tree.map(jnp.shape, shapes) == jax.tree.map(jnp.shape, expected)
    assert set(shapes["params"]) == {"kernel", "bias"}
    rng = np.random.default_rng(2)
    variables = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape).astype(np.float32), shapes)
    ours, theirs = jax.jit(lambda variables: [model.apply(variables, x) for model in models])(variables)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_layer_without_bias_and_in_half_precision() -> None:
    x = jnp.asarray(IMAGES, jnp.float32)
    output, variables = jax.eval_shape(
        Conv(4, use_bias=False, dtype=jnp.bfloat16).init_with_output, jax.random.key(0), x
    )
    assert output.dtype == jnp.bfloat16 and variables["params"]["kernel"].dtype == jnp.float32
    assert set(variables["params"]) == {"kernel"}


def test_vmapped_kernels_equal_their_solo_runs() -> None:
    x, kernels = IMAGES.astype(np.float32), RNG.normal(size=(3, 3, 3, 3, 4)).astype(np.float32)
    together, alone = jax.device_get(jax.jit(jax.vmap(convolve, (None, 0)))(x, kernels)), jax.jit(convolve)
    for kernel, outputs in zip(kernels, together, strict=True):
        np.testing.assert_allclose(outputs, alone(x, kernel), atol=1e-5)


def test_the_default_on_a_cpu_is_patches() -> None:
    assert default_formulation() == ("patches" if jax.default_backend() == "cpu" else "convolution")


@pytest.mark.parametrize("window", [1, 2, 3])
def test_max_pool_is_reduce_window_in_value_and_gradient(window: int) -> None:
    x = IMAGES.astype(np.float32)
    shape = (1, window, window, 1)

    def theirs(x: Array) -> Array:
        return lax.reduce_window(x, -jnp.inf, lax.max, shape, shape, "VALID")

    def pooled(pool: Callable[[Array], Array]) -> tuple[Array, Array]:
        y, back = jax.vjp(pool, x)
        return y, back(jnp.cos(y))[0]

    ours, expected = jax.jit(lambda: [pooled(pool) for pool in (partial(max_pool, window=window), theirs)])()
    assert np.array_equal(ours[0], expected[0])
    assert np.array_equal(ours[1], expected[1])


def test_every_field_passes_its_gradient_on_behind_a_normalization() -> None:
    """XLA may compute what is pooled twice, rounded in other places: where the maximum stands must not depend on it."""
    norm, x = GroupNorm(2), RNG.normal(size=(5, 11, 9, 8)).astype(np.float32)
    params = dict(zip(("scale", "bias"), RNG.normal(size=(2, 8)).astype(np.float32), strict=True))
    slopes = jax.jit(jax.grad(lambda params: max_pool(norm.apply({"params": params}, x)).sum()))(params)
    assert np.array_equal(slopes["bias"], np.full(8, 5 * 5 * 4))


def test_pooling_by_hand() -> None:
    """The odd last row and column fill no field."""
    x = np.array([[1, 2, 9], [3, 4, 9], [9, 9, 9]], np.float32)[None, :, :, None]
    largest, mean, tied = jax.jit(
        lambda x: (max_pool(x), average_pool(x), jax.grad(lambda x: max_pool(x).sum())(jnp.ones((1, 2, 2, 1))))
    )(x)
    assert np.ravel(largest) == 4 and np.ravel(mean) == 2.5 and no_pool(x) is x
    assert np.array_equal(np.ravel(tied), [1, 0, 0, 0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x, k: convolve(x[..., :2], k), r"shape \(2, 7, 11, 2\) do not fit a kernel .* width, 3\)"),
        (lambda x, k: convolve(x[0], k), "do not fit a kernel"),
        (lambda x, k: convolve(x[:, :2], k, padding="valid"), r"kernel of \(3, 5\) does not fit into .* \(2, 11\)"),
        (lambda x, k: convolve(x, k, padding="full"), "padding='full' is unknown; use one of same, valid"),
        (lambda x, k: convolve(x, k, formulation="fft"), "formulation='fft' is unknown; use one of patches"),
        (lambda x, k: convolve(x, k, field=8), r"image of \(7, 11\) is smaller than a pooling window of 8"),
        (lambda x, k: max_pool(x, 8), r"image of \(7, 11\) is smaller than a pooling window of 8"),
    ],
)
def test_misfits_are_refused(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(jnp.asarray(IMAGES, jnp.float32), jnp.asarray(KERNEL, jnp.float32))
