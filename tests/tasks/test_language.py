import jax
import numpy as np
import pytest

from nn_core.models.transformer.gpt import GPT
from nn_core.models.transformer.language_model import token_losses
from nn_core.tasks import language
from nn_core.tasks.language import (
    Windows,
    check_length,
    evaluation_starts,
    make_language_model,
    split_tokens,
    window_starts,
)

IDS = np.random.default_rng(0).integers(0, 7, 103).astype(np.int32)
SPLITS = ("train_full", "train")
FULL_SIZES = (12, 22, 23, 103)
cut = jax.jit(language.cut, static_argnums=2)


def test_targets_are_the_inputs_shifted_by_one():
    inputs, targets = jax.device_get(cut(IDS, np.asarray([0, 31]), 11))
    assert np.array_equal(inputs[:, 1:], targets[:, :-1])
    assert np.array_equal(inputs[1], IDS[31:42]) and int(targets[1, -1]) == int(IDS[42])


def test_the_notes_eight_words_give_their_seven_pairs():
    """F152: "The" predicts "core", "The core" predicts "innovation", and so on to "attention"."""
    words = "The core innovation of Transformers is the attention".split()
    inputs, targets = cut(np.arange(8), np.asarray([0]), 7)
    shown = {" ".join(words[i] for i in inputs[0][: t + 1]): words[targets[0][t]] for t in range(7)}
    assert shown == {" ".join(words[:n]): words[n] for n in range(1, 8)} and len(shown) == 7
    assert shown["The"] == "core" and shown["The core innovation of Transformers is the"] == "attention"


def test_windows_repeat_by_step_and_reach_both_ends():
    windows = Windows(batch_size=64, context_size=5, evaluation_windows=4, evaluation_batch=4)
    draw = jax.jit(lambda step: window_starts(jax.random.key(1), step, 13, windows))
    starts = np.stack([draw(step) for step in range(20)])
    assert (starts.min(), starts.max()) == (0, 13 - 5 - 1)
    assert np.array_equal(draw(3), starts[3])


def test_the_split_is_in_the_order_of_the_text():
    assert {k: len(v) for k, v in split_tokens(np.zeros(1_115_394), 0.9).items()} == {
        "train": 1_003_854,
        "validation": 111_540,
    }


@pytest.fixture(scope="module")
def full_evaluations():
    return jax.jit(lambda: {size: evaluation_starts(size, 11, None) for size in FULL_SIZES})()


@pytest.mark.parametrize("num_tokens", FULL_SIZES)
def test_full_evaluation_counts_every_target_once(full_evaluations, num_tokens):
    starts, first = full_evaluations[num_tokens]
    targets = [int(s) + t + 1 for s, f in zip(starts, first, strict=True) for t in range(int(f), 11)]
    assert sorted(targets) == list(range(1, num_tokens))


def test_full_loss_is_the_exact_mean_and_windows_a_part_of_it():
    def make_model(hparams):
        return GPT(7, 11, embedding_dim=6, heads_num=2, layers_num=1)

    def losses(model, params, ids, targets, key):
        return token_losses(model, params, ids, targets, dropout_key=key)

    task = make_language_model(make_model, losses, Windows(3, 11, 2, 4))
    data = {"train": IDS, "validation": IDS[:23]}
    params = jax.jit(task.init)(jax.random.key(0), {})
    judge = jax.jit(lambda data: {split: task.evaluate(params, data, {}, split)["loss"] for split in SPLITS})
    judged = judge(data)
    total, count = judged["train_full"]
    assert int(count) == 102
    assert abs(float(total / count) - np.log(7)) < 0.1
    window_losses = jax.jit(lambda ids, targets: losses(make_model({}), params, ids, targets, None)[0])
    by_hand = 0.0
    for start in range(0, 102, 11):
        kept = min(start, 103 - 12)
        by_hand += float(
            np.sum(window_losses(IDS[None, kept : kept + 11], IDS[None, kept + 1 : kept + 12])[start - kept :])
        )
    np.testing.assert_allclose(total, by_hand, rtol=1e-5)
    _, some = judged["train"]
    assert int(some) == 22


def test_a_text_shorter_than_a_window_is_refused():
    with pytest.raises(ValueError, match="validation text has 11 tokens and a window needs context_size \\+ 1 = 12"):
        check_length(11, 11, "validation")
