"""Both formulations of a convolution against Flax, SciPy and each other; pooling against windows; sizes by hand."""

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

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(2, 7, 11, 3))
KERNEL = RNG.normal(size=(3, 5, 3, 4))


@pytest.mark.parametrize("kernel", [KERNEL, KERNEL[:1, :1]], ids=["more inputs", "more features"])
@pytest.mark.parametrize("strides", [(1, 1), (2, 3)])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_formulations_agree_in_value_and_gradients(kernel: np.ndarray, strides: tuple[int, int], padding: str) -> None:
    """In float64, so that nothing but the mathematics can differ; the kernel's gradient has two orders of a product."""

    def run(formulation: str) -> tuple:
        def loss(x: Array, kernel: Array) -> tuple[Array, Array]:
            y = convolve(x, kernel, strides=strides, padding=padding, formulation=formulation)
            return jnp.sum(jnp.sin(y)), y

        return jax.jit(jax.value_and_grad(loss, (0, 1), has_aux=True))(jnp.asarray(IMAGES), jnp.asarray(kernel))

    with jax.enable_x64(True):
        first, *others = (run(name) for name in FORMULATIONS)
        assert first[0][1].dtype == jnp.float64
        for other in others:
            jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-11), first, other)


@pytest.mark.parametrize("formulation", FORMULATIONS)
def test_it_is_a_cross_correlation(formulation: str) -> None:
    image, kernel = IMAGES[0, :, :, 0], KERNEL[:, :, 0, 0]
    found = convolve(
        jnp.asarray(image[None, :, :, None], jnp.float32),
        jnp.asarray(kernel[:, :, None, None], jnp.float32),
        padding="valid",
        formulation=formulation,
    )
    np.testing.assert_allclose(found[0, :, :, 0], scipy.signal.correlate2d(image, kernel, "valid"), atol=1e-5)


def test_an_edge_detector_by_hand() -> None:
    """L1526: the first layer sees edges; a 3 x 3 Sobel filter on a bright right half."""
    image = jnp.zeros((1, 4, 5, 1)).at[:, :, 3:].set(1.0)
    sobel = jnp.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])[:, :, None, None]
    assert np.array_equal(convolve(image, sobel, padding="valid")[0, :, :, 0], [[0, 4, 4], [0, 4, 4]])


def test_patches_are_the_pixels_under_the_window() -> None:
    x = jnp.arange(12.0).reshape(1, 3, 4, 1)
    patches = extract_patches(x, (2, 2), (1, 2), "valid")
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
    x = jnp.asarray(IMAGES, jnp.float32)
    ours = Conv(4, (3, 5), (2, 1), formulation=formulation, bias_init=nn.initializers.normal(1.0))
    theirs = nn.Conv(4, (3, 5), (2, 1))
    variables = ours.init(jax.random.key(0), x)
    shapes = jax.tree.map(jnp.shape, variables)
    assert shapes == jax.tree.map(jnp.shape, jax.eval_shape(theirs.init, jax.random.key(0), x))
    assert set(variables["params"]) == {"kernel", "bias"}
    np.testing.assert_allclose(ours.apply(variables, x), theirs.apply(variables, x), atol=1e-5)


def test_layer_without_bias_and_in_half_precision() -> None:
    x = jnp.asarray(IMAGES, jnp.float32)
    output, variables = jax.eval_shape(
        Conv(4, use_bias=False, dtype=jnp.bfloat16).init_with_output, jax.random.key(0), x
    )
    assert output.dtype == jnp.bfloat16 and variables["params"]["kernel"].dtype == jnp.float32
    assert set(variables["params"]) == {"kernel"}


def test_vmapped_kernels_equal_their_solo_runs() -> None:
    x, kernels = jnp.asarray(IMAGES, jnp.float32), jnp.asarray(RNG.normal(size=(3, 3, 3, 3, 4)), jnp.float32)
    together = jax.jit(jax.vmap(convolve, (None, 0)))(x, kernels)
    for kernel, outputs in zip(kernels, together, strict=True):
        np.testing.assert_allclose(outputs, convolve(x, kernel), atol=1e-5)


def test_the_default_on_a_cpu_is_patches() -> None:
    assert default_formulation() == ("patches" if jax.default_backend() == "cpu" else "convolution")


@pytest.mark.parametrize("window", [1, 2, 3])
def test_max_pool_is_reduce_window_in_value_and_gradient(window: int) -> None:
    x = jnp.asarray(IMAGES, jnp.float32)
    shape = (1, window, window, 1)

    def theirs(x: Array) -> Array:
        return lax.reduce_window(x, -jnp.inf, lax.max, shape, shape, "VALID")

    assert np.array_equal(max_pool(x, window), theirs(x))
    slopes = [jax.grad(lambda x, f=f: jnp.sum(jnp.sin(f(x))))(x) for f in (lambda x: max_pool(x, window), theirs)]
    assert np.array_equal(slopes[0], slopes[1])


def test_pooling_by_hand() -> None:
    """The odd last row and column fill no field."""
    x = jnp.array([[1.0, 2, 9], [3, 4, 9], [9, 9, 9]])[None, :, :, None]
    assert max_pool(x).ravel() == 4 and average_pool(x).ravel() == 2.5 and no_pool(x) is x
    tied = jax.grad(lambda x: max_pool(x).sum())(jnp.ones((1, 2, 2, 1)))
    assert np.array_equal(tied.ravel(), [0.25] * 4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x, k: convolve(x[..., :2], k), r"shape \(2, 7, 11, 2\) do not fit a kernel .* width, 3\)"),
        (lambda x, k: convolve(x[0], k), "do not fit a kernel"),
        (lambda x, k: convolve(x[:, :2], k, padding="valid"), r"kernel of \(3, 5\) does not fit into .* \(2, 11\)"),
        (lambda x, k: convolve(x, k, padding="full"), "padding='full' is unknown; use one of same, valid"),
        (lambda x, k: convolve(x, k, formulation="fft"), "formulation='fft' is unknown; use one of patches"),
        (lambda x, k: max_pool(x, 8), r"image of \(7, 11\) is smaller than a pooling window of 8"),
    ],
)
def test_misfits_are_refused(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(jnp.asarray(IMAGES, jnp.float32), jnp.asarray(KERNEL, jnp.float32))
