import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nn_core.models.gpt import GPT
from nn_core.models.language import token_losses
from nn_core.tasks.language import (
    Windows,
    check_length,
    cut,
    evaluation_starts,
    make_language_model,
    split_tokens,
    window_starts,
)

IDS = jnp.asarray(np.random.default_rng(0).integers(0, 7, 103), jnp.int32)


def test_targets_are_the_inputs_shifted_by_one():
    inputs, targets = cut(IDS, jnp.asarray([0, 31]), 11)
    assert jnp.array_equal(inputs[:, 1:], targets[:, :-1])
    assert jnp.array_equal(inputs[1], IDS[31:42]) and int(targets[1, -1]) == int(IDS[42])


def test_the_notes_eight_words_give_their_seven_pairs():
    words = jnp.arange(8)
    inputs, targets = cut(words, jnp.asarray([0]), 7)
    assert list(zip(inputs[0].tolist(), targets[0].tolist(), strict=True)) == [(i, i + 1) for i in range(7)]


def test_windows_repeat_by_step_and_reach_both_ends():
    windows = Windows(batch_size=64, context_size=5, evaluation_windows=4, evaluation_batch=4)
    starts = np.concatenate([window_starts(jax.random.key(1), jnp.int32(s), 13, windows) for s in range(20)])
    assert (starts.min(), starts.max()) == (0, 13 - 5 - 1)
    assert jnp.array_equal(window_starts(jax.random.key(1), 3, 13, windows), starts.reshape(20, 64)[3])


def test_the_split_is_in_the_order_of_the_text():
    assert {k: len(v) for k, v in split_tokens(np.zeros(1_115_394), 0.9).items()} == {
        "train": 1_003_854,
        "validation": 111_540,
    }


@pytest.mark.parametrize("num_tokens", [12, 22, 23, 103])
def test_full_evaluation_counts_every_target_once(num_tokens):
    starts, first = evaluation_starts(num_tokens, 11, None)
    targets = [int(s) + t + 1 for s, f in zip(starts, first, strict=True) for t in range(int(f), 11)]
    assert sorted(targets) == list(range(1, num_tokens))


def test_full_loss_is_the_exact_mean_and_windows_a_part_of_it():
    def make_model(hparams):
        return GPT(7, 11, embedding_dim=6, heads_num=2, layers_num=1)

    def losses(model, params, ids, targets, key):
        return token_losses(model, params, ids, targets, dropout_key=key)

    task = make_language_model(make_model, losses, Windows(3, 11, 2, 4))
    data = {"train": IDS, "validation": IDS[:23]}
    params = task.init(jax.random.key(0), {})
    total, count = task.evaluate(params, data, {}, "train_full")["loss"]
    assert int(count) == 102
    assert abs(float(total / count) - np.log(7)) < 0.1
    by_hand = 0.0
    for start in range(0, 102, 11):
        kept = min(start, 103 - 12)
        inputs, targets = cut(IDS, jnp.asarray([kept]), 11)
        by_hand += float(losses(make_model({}), params, inputs, targets, None)[0, start - kept :].sum())
    np.testing.assert_allclose(total, by_hand, rtol=1e-5)
    _, some = task.evaluate(params, data, {}, "train")["loss"]
    assert int(some) == 22


def test_a_text_shorter_than_a_window_is_refused():
    with pytest.raises(ValueError, match="validation text has 11 tokens and a window needs context_size \\+ 1 = 12"):
        check_length(11, 11, "validation")
