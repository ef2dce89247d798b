"""An iteration of PPO and GRPO, as the command makes it: what is learned from, and what is in no number of it."""

from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from nn_core.alignment.answer_task import Answers, make_answer_task
from nn_core.alignment.experience import GRPO, PPO, Experience, Policy, collect, policy_outputs
from nn_core.alignment.heads import LAST, LIKELIHOOD, SCORE, SUM, VALUE, hidden_states, scores, with_head
from nn_core.alignment.judgement import Prompts, Reward, Speaker, learned_rewards, measures, speak
from nn_core.alignment.pair_task import Pairs, answer_log_probs
from nn_core.alignment.policy_task import describe, iteration_loss
from nn_core.alignment.rollout import Rollout, draw_answers, score_answers
from nn_core.alignment.rule import Rule, judge
from nn_core.models.transformer.gpt import GPT
from nn_core.models.transformer.language_model import make_decoder
from nn_core.training.step import make_gradient
from tests.alignment.test_masks import by_definition
from tests.jitted import drawn
from tests.jitted import method as jitted

END = 2  # also the padding, as in many folders
NEW, TEMPERATURE, BETA = 6, 0.7, 0.3
MODEL = GPT(vocabulary_size=11, context_size=13, embedding_dim=12, heads_num=2, layers_num=1)
PARAMS, OTHER = (drawn(MODEL, jnp.zeros((1, 5), jnp.int32), seed=seed, stddev=0.4)["params"] for seed in (0, 1))
SPEAKER = Speaker(MODEL, make_decoder(MODEL), NEW, END, END)
HEAD = {"kernel": np.random.default_rng(3).normal(size=(12, 1)).astype(np.float32), "bias": np.ones(1, np.float32)}
JUDGE = OTHER | {SCORE: HEAD | {"likelihood": np.full(1, 0.2, np.float32)}}
PROMPTS = Prompts(
    np.array([[3, 4, 5, 6], [7, 8, 2, 2], [9, 2, 2, 2], [1, 6, 2, 2]]), np.array([4, 2, 1, 2]), np.full(4, -1)
)
HPARAMS = {
    "answer_temperature": TEMPERATURE,
    "clip_range": 0.2,
    "discount": 0.9,
    "gae_decay": 0.8,
    "value_coefficient": 0.5,
    "value_clip": 0.3,
    "entropy_coefficient": 0.1,
}


def policy_of(method: str, **changes: Any) -> Policy:
    """The structure of a tiny iteration."""
    parts: dict[str, Any] = {
        "speaker": SPEAKER,
        "width": 12,
        "reward_model": MODEL,
        "pooling": LAST,
        "rule": None,
        "prompts": 4,
        "group": 3 if method == GRPO else 1,
        "epochs": 1,
        "minibatches": 1,
        "estimator": "k3",
        "weigh": "token",
        "missing_end": -1.0,
    }
    return Policy(method, **parts | changes)


def params_of(method: str) -> Any:
    """The policy, with a value head that says something."""
    return PARAMS | ({VALUE: HEAD} if method == PPO else {})


@lru_cache
def iteration(method: str) -> tuple[Experience, dict[str, Any]]:
    """What a policy that has left its reference learns from."""
    run = jax.jit(partial(collect, policy_of(method)))
    batch = {"prompts": PROMPTS, "reference": OTHER, "reward": JUDGE}
    return jax.device_get(run(params_of(method), batch, HPARAMS, jnp.float32(BETA), jax.random.key(5)))


def loss_of(method: str, known: Experience, params: Any = None) -> tuple[float, dict[str, float]]:
    """Loss and what is told of it."""
    objective = jax.jit(partial(iteration_loss, policy_of(method)))
    params = params_of(method) if params is None else params
    return jax.device_get(objective(params, known, hparams=HPARAMS, coefficient=jnp.float32(BETA)))


def test_a_value_is_that_of_the_state_before_its_token():
    """It must not know the token that it judges: the value at t changes with the token at t - 1, and not with that at t."""
    ids_BT = np.array([[3, 4, 5, 6, 7, 8, 9]])
    run = jax.jit(partial(policy_outputs, policy_of(PPO)))

    def values(place: int) -> np.ndarray:
        other_BT = ids_BT.copy()
        other_BT[0, place] = 1
        return np.asarray(run(params_of(PPO), other_BT, hparams=HPARAMS)[1])[0]

    plain = np.asarray(run(params_of(PPO), ids_BT, hparams=HPARAMS)[1])[0]
    assert plain[0] == 0  # nothing stands before the first token
    for place in range(1, 6):
        changed = np.abs(values(place) - plain) > 1e-6
        assert not changed[: place + 1].any() and changed[place + 1 :].all()


def test_the_end_is_a_token_of_the_answer_where_padding_is_the_end_token():
    """The end is what greedy decoding says first, so that every row has one; behind it nothing is real."""
    greedy = partial(
        jax.jit(partial(draw_answers, SPEAKER.decoder), static_argnames=("new_tokens", "end_id", "pad_id"))
    )
    first = greedy(PARAMS, PROMPTS.ids_BL[:1], PROMPTS.lengths_B[:1], None, new_tokens=3, end_id=10, pad_id=10)
    end = int(first.ids_BT[0, 4 + 1])  # the second token of the answer
    made = greedy(PARAMS, PROMPTS.ids_BL[:1], PROMPTS.lengths_B[:1], None, new_tokens=3, end_id=end, pad_id=end)
    length = 1 if int(first.ids_BT[0, 4]) == end else 2
    np.testing.assert_array_equal(made.answer_BT[0], [0] * 4 + [1] * length + [0] * (3 - length))
    assert int(made.ids_BT[0, 4 + length - 1]) == end and float(made.ended_B[0]) == 1


@pytest.mark.parametrize("pooling", [LAST, SUM, LIKELIHOOD])
def test_a_score_does_not_see_the_padding_behind_the_answer(pooling):
    score = jax.jit(partial(scores, MODEL, pooling=pooling))
    ids, answer = np.array([[3, 4, 5, 6, 2]]), np.array([[0, 0, 1, 1, 1]])
    alone = score(JUDGE, ids, answer)
    for junk in (END, 7):
        padded = np.pad(ids, ((0, 0), (0, 4)), constant_values=junk)
        np.testing.assert_allclose(score(JUDGE, padded, np.pad(answer, ((0, 0), (0, 4)))), alone, atol=1e-5)
    assert abs(float(score(JUDGE, np.where(ids == 2, 7, ids), answer)[0] - alone[0])) > 1e-3  # it sees the last token


@pytest.mark.parametrize("method", [PPO, GRPO])
def test_what_is_told_of_the_answers_counts_their_tokens_only(method):
    known, told = iteration(method)
    real = known.answer_BT > 0
    assert 0 < real.mean() <= 0.5 and len(set(real.sum(axis=1))) > 1  # rows of several lengths
    log_ratio = known.reference_BT - known.old_BT
    kl_B = np.where(real, np.exp(log_ratio) - 1 - log_ratio, 0).sum(axis=1)
    assert told["kl"][0] / told["kl"][1] == pytest.approx(kl_B.mean(), rel=1e-4) and kl_B.min() >= 0
    assert told["length"][0] / told["length"][1] == pytest.approx(real.sum(axis=1).mean())
    assert told["draw_error"][0] < 1e-5


def test_advantages_of_ppo_are_whitened_returns_of_the_answers_alone():
    """Against the definitions: the reward at the last real token, the KL on the way, values of the answer's tokens."""
    known, _ = iteration(PPO)
    real = known.answer_BT > 0
    made = Rollout(known.ids_BT, known.answer_BT, known.old_BT, np.zeros(4))
    judged_B = np.asarray(learned_rewards(Reward(MODEL, JUDGE, LAST), made))
    ended_B = np.array([row[mask][-1] == END for row, mask in zip(known.ids_BT, real, strict=True)])
    expected, returns = [], []
    for row in range(4):
        rewards = -BETA * (known.old_BT - known.reference_BT)[row, real[row]]
        rewards[-1] += judged_B[row] - (not ended_B[row])
        values = known.values_BT[row, real[row]]
        expected.append(by_definition(rewards, values, 0.9, 0.8))
        returns.append(expected[-1] + values)
    found = np.concatenate(expected)
    np.testing.assert_allclose(known.advantages_BT[real], (found - found.mean()) / found.std(), atol=2e-4)
    np.testing.assert_allclose(known.returns_BT[real], np.concatenate(returns), atol=2e-4)
    assert np.all(known.advantages_BT[~real] == 0)


def test_advantages_of_grpo_compare_the_answers_to_one_question():
    known, _ = iteration(GRPO)
    real = known.answer_BT > 0
    made = Rollout(known.ids_BT, known.answer_BT, known.old_BT, np.zeros(12))
    judged_B = np.asarray(learned_rewards(Reward(MODEL, JUDGE, LAST), made))
    judged_B = judged_B - [row[mask][-1] != END for row, mask in zip(known.ids_BT, real, strict=True)]
    groups_GN = judged_B.reshape(4, 3)
    expected_GN = (groups_GN - groups_GN.mean(axis=1, keepdims=True)) / (
        groups_GN.std(axis=1, ddof=1, keepdims=True) + 1e-4
    )
    np.testing.assert_allclose(known.advantages_BT, expected_GN.reshape(-1, 1) * real, atol=2e-3)
    for group in known.ids_BT.reshape(4, 3, -1):  # one question each
        assert len({tuple(row[:1]) for row in group}) == 1


@pytest.mark.parametrize("method", [PPO, GRPO])
def test_a_policy_that_has_not_moved_has_ratios_of_exactly_one(method):
    """At the temperature of the draws, without dropout."""
    _, told = loss_of(method, iteration(method)[0])
    assert told["clip_share"] == 0
    if method == PPO:
        assert told["ratio"] == 1 and told["old_kl"] == 0


@pytest.mark.parametrize("method", [PPO, GRPO])
def test_padding_is_in_no_loss_and_no_gradient(method):
    """Whatever stands behind an answer: other tokens, other numbers."""
    known, _ = iteration(method)
    real = known.answer_BT > 0
    behind = np.cumsum(real[:, ::-1], axis=1)[:, ::-1] == 0
    junk = {name: np.where(real, leaf, 37.0) for name, leaf in known._asdict().items() if name != "answer_BT"}
    junk["ids_BT"] = np.where(behind, 10, known.ids_BT)
    if method == GRPO:
        junk["advantages_BT"] = known.advantages_BT  # of a whole answer
    spoiled = known._replace(**junk)
    moved = jax.tree.map(lambda leaf: 1.1 * leaf, params_of(method))
    one, other = loss_of(method, known, moved), loss_of(method, spoiled, moved)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=2e-4, atol=1e-5), one, other)


@pytest.mark.parametrize("method", [PPO, GRPO])
def test_the_entropy_is_that_of_the_draws(method):
    """Over the answers' tokens, at their temperature."""
    known, _ = iteration(method)
    logits_BTV = np.asarray(jitted(MODEL)({"params": PARAMS}, known.ids_BT))[:, :-1] / TEMPERATURE
    spread_BT = -np.sum(softmax(logits_BTV, axis=-1) * log_softmax(logits_BTV, axis=-1), axis=-1)
    _, told = loss_of(method, known)
    assert told["entropy"] == pytest.approx(spread_BT[known.answer_BT[:, 1:] > 0].mean(), rel=1e-4)


@pytest.mark.parametrize("method", [PPO, GRPO])
def test_a_constant_reward_teaches_nothing(method):
    """A judge that likes all answers alike, and no KL: every gradient is exactly 0."""
    policy = policy_of(method, missing_end=0.0)
    start = PARAMS | ({VALUE: jax.tree.map(np.zeros_like, HEAD)} if method == PPO else {})
    hparams = HPARAMS | {"entropy_coefficient": 0.0}
    batch = {"prompts": PROMPTS, "reference": OTHER, "reward": with_head(OTHER, SCORE, 12)}

    @jax.jit
    def gradient(params):
        known, _ = collect(policy, params, batch, hparams, jnp.float32(0), jax.random.key(5))
        return jax.grad(lambda p: iteration_loss(policy, p, known, hparams=hparams, coefficient=jnp.float32(0))[0])(
            params
        )

    assert all(np.all(np.asarray(leaf) == 0) for leaf in jax.tree.leaves(gradient(start)))


def test_a_reference_that_is_the_policy_is_at_no_distance_at_any_temperature():
    policy, batch = policy_of(GRPO), {"prompts": PROMPTS, "reference": PARAMS, "reward": JUDGE}
    _, told = jax.jit(partial(collect, policy))(PARAMS, batch, HPARAMS, jnp.float32(BETA), jax.random.key(5))
    assert abs(float(told["kl"][0])) < 1e-9

    @jax.jit
    def told_of(params, reference):
        made = speak(SPEAKER, params, PROMPTS, jax.random.key(0), TEMPERATURE)
        return made, measures(SPEAKER, params, reference, made, None, PROMPTS.truth_B, TEMPERATURE)

    made, found = told_of(PARAMS, OTHER)
    logs = [
        np.asarray(score_answers(jitted(MODEL)({"params": params}, made.ids_BT), made.ids_BT, TEMPERATURE))
        for params in (OTHER, PARAMS)
    ]
    k3_BT = np.expm1(logs[0] - logs[1]) - (logs[0] - logs[1])
    np.testing.assert_allclose(found["kl"], np.where(made.answer_BT > 0, k3_BT, 0).sum(axis=1), rtol=1e-3)
    assert float(jnp.min(found["kl"])) > 0  # of each answer, never negative


@pytest.mark.slow
def test_the_end_is_judged_at_the_temperature_of_the_draws():
    """Near 0 every draw is the greedy answer: the best of many is no better than one."""
    marks = np.random.default_rng(7).random((4, 11)) < 0.4
    policy = policy_of(GRPO, rule=Rule(*marks))
    data = {f"test_{name}": leaf for name, leaf in zip(("prompts", "lengths", "truth"), PROMPTS, strict=True)}
    data |= {"reference_params": OTHER, "reward_params": JUDGE}
    told = jax.jit(partial(describe, policy))(PARAMS, data, {"answer_temperature": 1e-3}, jax.random.key(0))
    greedy = speak(SPEAKER, OTHER, PROMPTS, None)
    worth = float(jnp.mean(judge(policy.rule, greedy.ids_BT, greedy.answer_BT, PROMPTS.truth_B)[0]))
    assert worth != 0
    for name in ("reference_true_reward", "best_of_4_true_reward", "best_of_16_true_reward"):
        assert float(told[name]) == pytest.approx(worth, abs=1e-5), name


def test_nothing_is_dropped_while_scoring():
    dropping, ids = MODEL.clone(dropout_rate=0.5), np.array([[3, 4, 5, 6, 2]])
    np.testing.assert_array_equal(hidden_states(dropping, PARAMS, ids), hidden_states(MODEL, PARAMS, ids))


def test_answers_in_micro_batches_make_the_update_of_the_whole_batch():
    """Rows of fine-tuning whose answers are of 1 to 5 tokens: each token weighs the same, in whatever piece it stands."""
    task = make_answer_task(Answers(lambda hparams: MODEL, SPEAKER, 6, 6, False, None))
    rng = np.random.default_rng(4)
    lengths_N = np.array([5, 5, 4, 1, 1, 1])
    answer_NT = (np.arange(8)[None] >= 2) & (np.arange(8)[None] < 2 + lengths_N[:, None])
    batch = {"ids": rng.integers(0, 11, (6, 8)), "answer": answer_NT.astype(np.int8), "segments": np.zeros((6, 8))}

    def update(pieces):
        return jax.jit(make_gradient(task, pieces))(PARAMS, batch, {}, jax.random.key(0))

    for one, other in zip(jax.tree.leaves(update(1)), jax.tree.leaves(update(3)), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-6)


def test_padding_behind_an_answer_is_in_no_preference():
    """Log-probabilities and lengths of a pair's answers; scores are tested above."""
    problem = Pairs(lambda hparams: MODEL, 12, 1, 1, speaker=SPEAKER)
    ids, answer = np.array([[3, 4, 5, 6, 2]]), np.array([[0, 0, 1, 1, 1]])
    other_ids, other = np.array([[3, 4, 9, 2, 2]]), np.array([[0, 0, 1, 1, 0]])
    rows = {"chosen_ids": ids, "chosen_answer": answer, "rejected_ids": other_ids, "rejected_answer": other}
    found, lengths = jax.jit(partial(answer_log_probs, problem))(PARAMS, rows)
    logs_BTV = log_softmax(np.asarray(jitted(MODEL)({"params": PARAMS}, np.concatenate([ids, other_ids]))), axis=-1)
    by_hand = [
        sum(logs_BTV[0, t - 1, ids[0, t]] for t in (2, 3, 4)),
        sum(logs_BTV[1, t - 1, (9, 2)[t - 2]] for t in (2, 3)),
    ]
    np.testing.assert_allclose(found[:, 0], by_hand, rtol=1e-4)
    np.testing.assert_array_equal(lengths[:, 0], [3, 2])
