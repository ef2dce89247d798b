import jax
import numpy as np
import pytest

from nn_core.data import splits
from nn_core.data.splits import SplitSizes

split_indices = jax.jit(splits.split_indices, static_argnums=(2, 3))
stratified_order = jax.jit(splits.stratified_order, static_argnums=2)
LABELS = np.asarray([0] * 53 + [1] * 29 + [2] * 19)


@pytest.mark.parametrize("num_classes", [0, 3])
def test_splits_are_disjoint_and_have_their_sizes(num_classes):
    split = split_indices(jax.random.key(5), LABELS, SplitSizes(47, 23, 31), num_classes)
    assert [len(split[name]) for name in ("train", "validation", "test")] == [47, 23, 31]
    everything = np.concatenate([split[name] for name in split])
    assert len(np.unique(everything)) == 101


def test_stratified_prefixes_keep_the_shares_of_the_classes():
    order = stratified_order(jax.random.key(0), LABELS, 3)
    assert sorted(order.tolist()) == list(range(101))
    for size in (20, 50, 80):
        counts = np.bincount(LABELS[np.asarray(order)[:size]], minlength=3)
        np.testing.assert_allclose(counts, size * np.array([53, 29, 19]) / 101, atol=1.0)


def test_splits_differ_between_keys_and_repeat_for_one():
    orders = [np.asarray(stratified_order(jax.random.key(seed), LABELS, 3)) for seed in (0, 0, 1)]
    assert np.array_equal(orders[0], orders[1])
    assert not np.array_equal(orders[0], orders[2])


def test_without_key_the_order_of_the_file_stays_and_the_test_part_is_the_last():
    split = split_indices(None, LABELS, SplitSizes(10, 5, 7), 3)
    assert split["train"].tolist() == list(range(10))
    assert split["validation"].tolist() == list(range(10, 15))
    assert split["test"].tolist() == list(range(94, 101))


def test_sizes_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="60 \\+ 30 \\+ 20 = 110 exceed the 101"):
        split_indices(jax.random.key(0), LABELS, SplitSizes(60, 30, 20))
    with pytest.raises(ValueError, match="train >= 1"):
        split_indices(jax.random.key(0), LABELS, SplitSizes(0, 30, 20))


def test_standardizer_gives_mean_zero_and_variance_one_and_keeps_constants_finite():
    inputs = np.float32(np.random.default_rng(1).normal(size=(211, 3)) * [[1.0, 7.0, 0.0]] + 5.0)
    shift, scale = jax.device_get(jax.jit(splits.standardizer)(inputs))
    standard = (inputs - shift[None]) / scale[None]
    np.testing.assert_allclose(standard.mean(axis=0), 0, atol=2e-6)
    np.testing.assert_allclose(standard.std(axis=0), [1, 1, 0], atol=1e-5)


def test_flipped_labels_are_other_classes_at_the_given_rate():
    labels = np.zeros((20011,), np.int32)
    noisy = np.asarray(jax.jit(splits.flip_labels, static_argnums=2)(jax.random.key(2), labels, 5, 0.3))
    assert abs(float(np.mean(noisy != 0)) - 0.3) < 0.01
    np.testing.assert_allclose(np.bincount(noisy)[1:] / 20011, 0.075, atol=0.008)


def test_a_constant_feature_stays_zero_and_a_new_value_stays_small():
    greys = np.float32(np.arange(256) / 255)
    nearly = np.where(np.arange(97) % 2, np.float32(0.3), np.nextafter(np.float32(0.3), np.float32(1)))
    inputs = np.concatenate(
        [np.tile(greys, (97, 1)), nearly[:, None], np.float32(2000 + np.arange(97) % 2)[:, None]], 1
    )
    shift, scale = jax.device_get(jax.jit(splits.standardizer)(inputs))
    standard = (inputs - shift[None]) / scale[None]
    np.testing.assert_array_equal(standard[:, :256], 0)
    assert np.abs(standard[:, 256]).max() < 1e-7
    np.testing.assert_allclose(np.abs(standard[:, 257]), 1, atol=0.02)  # small beside its mean, and yet a feature
    assert np.abs((greys + np.float32(0.01) - shift[:256]) / scale[:256]).max() < 0.011
    shift, scale = jax.device_get(splits.standardizer(inputs[:, 25:26], per_feature=False))
    np.testing.assert_array_equal((inputs[:, 25:26] - shift) / scale, 0)
