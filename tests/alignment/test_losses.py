"""Losses of fine-tuning, preferences and policies: gradients where they belong, and nowhere else."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit, log_softmax

from nn_core.alignment.answer_loss import answer_loss, token_log_probs
from nn_core.alignment.dpo import direct_preference_loss
from nn_core.alignment.grpo import group_loss
from nn_core.alignment.ppo import clipped_objective, entropy, filtered_log_probs, policy_loss, token_rewards, value_loss
from nn_core.alignment.preference_loss import calibration, preference_accuracy, preference_loss
from nn_core.alignment.selection import accept, best_of_n, best_of_n_kl, expected_best

RNG = np.random.default_rng(11)
LOGITS_BTV = RNG.normal(size=(2, 5, 7)).astype(np.float32)
IDS_BT = RNG.integers(0, 7, (2, 5))
ANSWER_BT = np.array([[0, 0, 1, 1, 0], [0, 1, 1, 1, 1]], np.float32)


def test_prompt_tokens_have_exactly_no_gradient():
    value, gradient = jax.value_and_grad(lambda z: answer_loss(z, IDS_BT, ANSWER_BT)[0])(LOGITS_BTV)
    predicts_BT = np.pad(ANSWER_BT[:, 1:], ((0, 0), (0, 1)))  # the logits before each answer's token
    assert np.all(np.asarray(gradient)[predicts_BT == 0] == 0)
    assert np.all(np.abs(np.asarray(gradient)[predicts_BT > 0]).max(axis=-1) > 0)
    by_hand = -sum(log_softmax(LOGITS_BTV[b, t - 1])[IDS_BT[b, t]] for b, t in np.argwhere(ANSWER_BT))
    assert float(value) == pytest.approx(by_hand, rel=1e-5)


def test_micro_batches_weigh_tokens_not_sequences():
    parts = [answer_loss(LOGITS_BTV[b : b + 1], IDS_BT[b : b + 1], ANSWER_BT[b : b + 1]) for b in range(2)]
    total, count = answer_loss(LOGITS_BTV, IDS_BT, ANSWER_BT)
    joined = sum(float(part[0]) for part in parts) / sum(float(part[1]) for part in parts)
    assert joined == pytest.approx(float(total / count), rel=1e-6)
    assert np.mean([float(a / b) for a, b in parts]) != pytest.approx(joined, rel=1e-3)


def test_a_reversed_pair_has_the_negated_margin():
    chosen_N, rejected_N = RNG.normal(size=(2, 6)).astype(np.float32)
    forward = preference_loss(chosen_N, rejected_N)
    np.testing.assert_allclose(forward, -np.log(expit(chosen_N - rejected_N)).mean(), rtol=1e-5)
    slopes = jax.grad(lambda pair: preference_loss(pair[0], pair[1]))(np.stack([chosen_N, rejected_N]))
    np.testing.assert_allclose(slopes[0], -slopes[1], atol=1e-8)
    both = preference_accuracy(chosen_N, rejected_N) + preference_accuracy(rejected_N, chosen_N)
    np.testing.assert_array_equal(both, 1.0)
    assert float(preference_accuracy(chosen_N, chosen_N)[0]) == 0.5
    policy_2N, reference_2N = RNG.normal(size=(2, 2, 6)).astype(np.float32)
    margins = [
        direct_preference_loss(p, r, 0.3)[1]["margin"]
        for p, r in ((policy_2N, reference_2N), (policy_2N[::-1], reference_2N[::-1]))
    ]
    assert float(margins[0]) == pytest.approx(-float(margins[1]), rel=1e-5)


def test_margin_centring_and_weights():
    chosen_N, rejected_N = np.array([2.0, 0.0], np.float32), np.array([0.5, 1.0], np.float32)
    plain = preference_loss(chosen_N, rejected_N)
    assert float(preference_loss(chosen_N, rejected_N, margin_N=1.0)) > float(plain)
    shifted = [preference_loss(chosen_N + s, rejected_N + s, centring=0.1) for s in (-1.75 / 2, 5.0)]
    assert float(shifted[0]) < float(shifted[1])
    assert float(preference_loss(chosen_N + 5, rejected_N + 5)) == pytest.approx(float(plain), rel=1e-5)
    one = preference_loss(chosen_N, rejected_N, weights_N=np.array([1.0, 0.0], np.float32))
    assert float(one) == pytest.approx(float(preference_loss(chosen_N[:1], rejected_N[:1])), rel=1e-6)


def test_calibration_of_a_model_that_is_right_about_itself():
    probabilities_N = RNG.uniform(size=20_000).astype(np.float32)
    outcomes_N = (RNG.uniform(size=20_000) < probabilities_N).astype(np.float32)
    found = calibration(probabilities_N, outcomes_N)
    assert float(found["error"]) < 0.02
    assert float(calibration(np.clip(probabilities_N * 1.5, 0, 1), outcomes_N)["error"]) > 0.1
    assert float(jnp.sum(found["count"])) == 20_000


def test_clipping_stops_the_gradient_only_on_the_far_side():
    slope = jax.grad(lambda w, a: clipped_objective(w, a, 0.2, 0.2))
    assert [float(slope(w, 1.0)) for w in (0.5, 1.0, 1.5)] == [1.0, 1.0, 0.0]
    assert [float(slope(w, -1.0)) for w in (0.5, 1.0, 1.5)] == [0.0, -1.0, -1.0]


def test_padding_is_in_no_policy_or_value_loss():
    new_BT, old_BT, advantages_BT = RNG.normal(size=(3, 2, 5)).astype(np.float32)
    spoiled = [np.where(ANSWER_BT > 0, part, np.nan) for part in (new_BT, old_BT, advantages_BT)]
    assert float(policy_loss(*spoiled, ANSWER_BT, 0.2)[0]) == pytest.approx(
        float(policy_loss(new_BT, old_BT, advantages_BT, ANSWER_BT, 0.2)[0]), rel=1e-6
    )
    assert float(value_loss(*spoiled, ANSWER_BT, 0.2)) == pytest.approx(
        float(value_loss(new_BT, old_BT, advantages_BT, ANSWER_BT, 0.2)), rel=1e-6
    )
    gradient = jax.grad(lambda new: policy_loss(new, spoiled[1], spoiled[2], ANSWER_BT, 0.2)[0])(spoiled[0])
    assert np.all(np.asarray(gradient)[ANSWER_BT == 0] == 0) and np.all(np.isfinite(gradient))


def test_value_clipping_takes_the_worse_of_both_errors():
    found = [
        float(value_loss(np.array([[v]]), np.array([[0.0]]), np.array([[2.0]]), np.ones((1, 1)), 0.5))
        for v in (0.3, 1.5)
    ]
    assert found == pytest.approx([0.5 * 1.7**2, 0.5 * 1.5**2])
    assert float(value_loss(np.array([[1.5]]), np.zeros((1, 1)), np.array([[2.0]]), np.ones((1, 1)))) == pytest.approx(
        0.125
    )


def test_the_reward_is_paid_at_the_end_and_the_kl_on_the_way():
    kl_BT = np.array([[9.0, 9.0, 0.2, 0.3, 9.0], [9.0, 0.1, 0.1, 0.1, 0.1]], np.float32)
    found = token_rewards(np.array([1.0, 2.0]), kl_BT, ANSWER_BT, 0.5, np.array([1.0, 0.0]))
    np.testing.assert_allclose(found, [[0, 0, -0.1, 1 - 0.15, 0], [0, -0.05, -0.05, -0.05, -0.05]], atol=1e-6)


def test_entropy_and_the_distribution_that_is_drawn_from():
    kept_BTV = LOGITS_BTV > np.median(LOGITS_BTV)
    log_probs = np.asarray(filtered_log_probs(LOGITS_BTV, 0.7, kept_BTV))
    assert np.all(np.isneginf(log_probs[~kept_BTV]))
    np.testing.assert_allclose(np.exp(log_probs).sum(-1), 1.0, atol=1e-5)
    expected = -np.sum(np.exp(log_probs) * np.where(kept_BTV, log_probs, 0), axis=-1)
    np.testing.assert_allclose(entropy(log_probs), expected, atol=1e-5)


def test_an_advantage_of_zero_gives_no_gradient_in_grpo():
    new_BT, reference_BT = RNG.normal(size=(2, 2, 5)).astype(np.float32)

    def loss(new, beta, weigh="token"):
        return group_loss(
            new, new_BT, reference_BT, np.zeros(2, np.float32), ANSWER_BT, clip_range=0.2, coefficient=beta, weigh=weigh
        )

    assert np.all(np.asarray(jax.grad(lambda new: loss(new, 0.0)[0])(new_BT)) == 0)
    assert float(loss(new_BT, 0.1)[1]["kl"]) > 0
    short_and_long = [float(loss(new_BT, 0.1, weigh)[0]) for weigh in ("token", "sequence")]
    assert short_and_long[0] != pytest.approx(short_and_long[1], rel=1e-3)
    with pytest.raises(ValueError, match="weigh='word' is unknown; use one of token, sequence"):
        loss(new_BT, 0.1, "word")


def test_dpo_ipo_and_lengths():
    policy_2N, reference_2N = RNG.normal(size=(2, 2, 6)).astype(np.float32)
    h_N = (policy_2N - reference_2N)[0] - (policy_2N - reference_2N)[1]
    np.testing.assert_allclose(
        direct_preference_loss(policy_2N, reference_2N, 0.3)[0], np.logaddexp(0, -0.3 * h_N).mean(), rtol=1e-5
    )
    identity = direct_preference_loss(policy_2N, reference_2N, 0.3, kind="identity")[0]
    np.testing.assert_allclose(identity, ((h_N - 1 / 0.6) ** 2).mean(), rtol=1e-5)
    lengths_2N = np.full((2, 6), 4.0, np.float32)
    normalised = direct_preference_loss(policy_2N, reference_2N, 1.2, lengths_2N=lengths_2N)[0]
    np.testing.assert_allclose(normalised, np.logaddexp(0, -0.3 * h_N).mean(), rtol=1e-5)
    smoothed = direct_preference_loss(policy_2N, reference_2N, 0.3, label_smoothing=0.5)[0]
    np.testing.assert_allclose(
        smoothed, 0.5 * (np.logaddexp(0, -0.3 * h_N) + np.logaddexp(0, 0.3 * h_N)).mean(), rtol=1e-5
    )
    with pytest.raises(ValueError, match="kind='hinge' is unknown; use one of sigmoid, identity"):
        direct_preference_loss(policy_2N, reference_2N, 0.3, kind="hinge")


def test_the_best_of_n_against_every_subset():
    rewards_N = np.array([0.3, -1.0, 2.0, 0.5], np.float32)
    pairs = [max(rewards_N[a], rewards_N[b]) for a in range(4) for b in range(a)]
    assert float(expected_best(rewards_N, 2)) == pytest.approx(np.mean(pairs), rel=1e-6)
    assert float(expected_best(rewards_N, 1)) == pytest.approx(rewards_N.mean(), rel=1e-6)
    assert int(best_of_n(rewards_N[None])[0]) == 2
    assert best_of_n_kl(1) == 0 and best_of_n_kl(4) == pytest.approx(np.log(4) - 0.75)
    with pytest.raises(ValueError, match=r"n=5 is outside 1 \.\. 4"):
        expected_best(rewards_N, 5)


def test_rejection_sampling_draws_from_the_tilted_distribution():
    rewards_GN = np.tile(np.array([0.0, 0.5, 1.0], np.float32), (4000, 1))
    stays_GN = np.asarray(accept(jax.random.key(0), rewards_GN, 0.5))
    np.testing.assert_allclose(stays_GN.mean(axis=0), np.exp(np.array([-2.0, -1.0, 0.0])), atol=0.03)
    assert stays_GN[:, 2].all()


def test_token_log_probs_are_those_of_the_next_token():
    found = np.asarray(token_log_probs(LOGITS_BTV, IDS_BT))
    assert np.all(found[:, 0] == 0)
    assert found[1, 3] == pytest.approx(log_softmax(LOGITS_BTV[1, 2])[IDS_BT[1, 3]], rel=1e-5)
