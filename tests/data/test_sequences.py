from collections import Counter, defaultdict

import numpy as np
import pytest

from nn_core.data.sequences import (
    ADDITION_TOKENIZER,
    END_ID,
    PAD_ID,
    START_ID,
    TAG_WORDS,
    TAGS,
    addition,
    copy_first_token,
    forecasting_windows,
    noisy_sine,
    tagged_sentences,
)


def test_the_first_token_is_the_class_and_nothing_else_tells_it():
    data = copy_first_token(num_examples=3000, length=5, num_classes=3, num_distractors=2, seed=7)
    np.testing.assert_array_equal(data.ids_NT[:, 0], data.targets_N)
    assert data.ids_NT.dtype == data.targets_N.dtype == np.int32 and data.ids_NT.shape == (3000, 5)
    assert set(data.ids_NT[:, 1:].ravel().tolist()) == {3, 4} and data.vocabulary_size == 5
    assert np.bincount(data.targets_N).min() > 900
    for c in range(3):
        assert abs(data.ids_NT[data.targets_N == c, 1:].mean() - 3.5) < 0.03
    again = copy_first_token(num_examples=3000, length=5, num_classes=3, num_distractors=2, seed=7)
    np.testing.assert_array_equal(again.ids_NT, data.ids_NT)
    assert (copy_first_token(num_examples=3000, length=5, seed=8).targets_N != data.targets_N).any()


def test_sums_are_right_different_and_encoded():
    data = addition(num_examples=300, max_digits=2, seed=1)
    assert len(set(data.sources)) == 300
    for n, (source, target) in enumerate(zip(data.sources, data.targets, strict=True)):
        a, b = source.split("+")
        assert int(a) + int(b) == int(target)
        assert ADDITION_TOKENIZER.decode(data.source_NS[n]) == source
        length = len(target)
        assert data.target_NT[n, 0] == START_ID and data.target_NT[n, length + 1] == END_ID
        assert ADDITION_TOKENIZER.decode(data.target_NT[n, 1 : length + 1]) == target
        assert (data.target_NT[n, length + 2 :] == PAD_ID).all() and (data.source_NS[n, len(source) :] == PAD_ID).all()
    assert data.source_NS.shape == (300, 5) and data.target_NT.shape == (300, 5)


def test_all_sums_can_be_asked_for_but_no_more():
    assert len(set(addition(num_examples=100, max_digits=1).sources)) == 100
    with pytest.raises(ValueError, match="101"):
        addition(num_examples=101, max_digits=1)


def test_tags_need_the_context():
    data = tagged_sentences(num_examples=800, seed=3)
    assert ((data.tags_NT == -1) == (data.ids_NT == PAD_ID)).all() and (data.keep_NT == (data.tags_NT >= 0)).all()
    assert data.tags_NT.max() == len(TAGS) - 1 and data.ids_NT.max() < len(TAG_WORDS)
    tags_of = defaultdict(Counter)
    for word, tag in zip(data.ids_NT[data.keep_NT].tolist(), data.tags_NT[data.keep_NT].tolist(), strict=True):
        tags_of[word][tag] += 1
    best = sum(max(counts.values()) for counts in tags_of.values()) / data.keep_NT.sum()
    assert 0.75 < best < 0.93
    watch = tags_of[TAG_WORDS.index("watch")]
    assert {TAGS[tag] for tag in watch} == {"noun", "verb"}
    assert {TAGS[tag] for tag in tags_of[TAG_WORDS.index("light")]} == {"noun", "verb", "adjective"}


def test_the_series_is_a_sine_plus_noise():
    pure = noisy_sine(num_steps=500, period=20.0, noise=0.0, seed=2)
    assert pure.dtype == np.float32 and np.abs(pure[20:] - pure[:-20]).max() < 1e-5 and pure.max() > 0.98
    noisy = noisy_sine(num_steps=500, period=20.0, noise=0.3, seed=2)
    assert abs(np.std(noisy - pure) - 0.3) < 0.03
    with pytest.raises(ValueError, match="num_steps"):
        noisy_sine(num_steps=1)


def test_windows_are_followed_by_their_targets():
    data = forecasting_windows(np.arange(10.0), 3)
    assert data.inputs.shape == (7, 3, 1) and data.inputs[2, :, 0].tolist() == [2, 3, 4]
    assert data.targets.tolist() == [3, 4, 5, 6, 7, 8, 9] and data.target_names == ()
    with pytest.raises(ValueError, match="window"):
        forecasting_windows(np.arange(3.0), 3)
