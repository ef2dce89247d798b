"""What a policy's answers are worth: true and learned reward, KL, length, wins over its reference, the best of n."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from nn_core.alignment.heads import hidden_states, logits_of, scores
from nn_core.alignment.kl import k3
from nn_core.alignment.masks import row_sums
from nn_core.alignment.rollout import Rollout, draw_answers, score_answers
from nn_core.alignment.rule import Rule, judge
from nn_core.alignment.selection import best_of_n
from nn_core.generation.decoder import Decoder
from nn_core.generation.filters import Sampling

Params = Any
ANSWERS_SHOWN = 8


class Speaker(NamedTuple):
    """How a model answers.

    Attributes:
        model: a GPT without dropout.
        decoder: of it.
        new_tokens: most tokens of an answer.
        end_id, pad_id: of the template.
    """

    model: Any
    decoder: Decoder
    new_tokens: int
    end_id: int
    pad_id: int


class Prompts(NamedTuple):
    """Questions.

    Attributes:
        ids_BL: tokens, padded at the end.
        lengths_B: how many are real.
        truth_B: id of the true value; -1 where nothing is known.
    """

    ids_BL: Array
    lengths_B: Array
    truth_B: Array


def prompts_of(data: dict[str, Array], split: str) -> Prompts:
    """The questions of a split."""
    return Prompts(*(data[f"{split}_{name}"] for name in ("prompts", "lengths", "truth")))


def speak(
    speaker: Speaker, params: Params, prompts: Prompts, key: Array | None, temperature: Array | float | None = None
) -> Rollout:
    """An answer to each question; greedy without a key."""
    return draw_answers(
        speaker.decoder,
        params,
        prompts.ids_BL,
        prompts.lengths_B,
        key,
        new_tokens=speaker.new_tokens,
        end_id=speaker.end_id,
        pad_id=speaker.pad_id,
        sampling=None if key is None else Sampling(temperature=temperature),
    )


def log_probs(
    speaker: Speaker, params: Params, ids_BT: Array, temperature: Array | float | None = None
) -> tuple[Array, Array]:
    """Log-probabilities of tokens, (B, T), and the logits that they come from, (B, T, V)."""
    logits_BTV = logits_of(speaker.model, params, hidden_states(speaker.model, params, ids_BT))
    return score_answers(logits_BTV, ids_BT, temperature), logits_BTV


class Reward(NamedTuple):
    """A learned reward.

    Attributes:
        model: the reward model's GPT.
        params: with a score head.
        pooling: see `nn_core.alignment.heads.scores`.
    """

    model: Any
    params: Params
    pooling: str


def learned_rewards(reward: Reward, made: Rollout) -> Array:
    """(B,) scores."""
    return scores(reward.model, reward.params, made.ids_BT, made.answer_BT, reward.pooling)


def measures(
    speaker: Speaker,
    params: Params,
    reference: Params,
    made: Rollout,
    rule: Rule | None,
    truth_B: Array,
    temperature: Array | float | None = None,
) -> dict[str, Array]:
    """Of each answer, (B,): "kl" to the reference (k3 summed over its tokens), "length", "ended", and by the rule
    "true_reward" and "right". The KL is that of the two distributions at the temperature which answers were drawn at."""
    own_BT, _ = log_probs(speaker, params, made.ids_BT, temperature)
    others_BT, _ = log_probs(speaker, reference, made.ids_BT, temperature)
    found = {
        "kl": row_sums(k3(own_BT, others_BT), made.answer_BT),
        "length": jnp.sum(made.answer_BT, axis=1),
        "ended": made.ended_B,
    }
    if rule is None:
        return found
    true_B, right_B = judge(rule, made.ids_BT, made.answer_BT, truth_B)
    return found | {"true_reward": true_B, "right": right_B}


def wins(own_B: Array, other_B: Array) -> Array:
    """1 where the own reward is larger, 1/2 where both are equal."""
    return (own_B > other_B).astype(jnp.float32) + 0.5 * (own_B == other_B).astype(jnp.float32)


def over_reference(
    speaker: Speaker,
    params: Params,
    reference: Params,
    prompts: Prompts,
    rule: Rule,
    key: Array,
    rounds: int,
    temperature: Array | float | None = None,
) -> dict[str, Array]:
    """Means over all questions and some rounds of draws: what the policy's answers are worth beside its reference's."""

    def one(round_key: Array) -> dict[str, Array]:
        own_key, other_key = jax.random.split(round_key)
        made = speak(speaker, params, prompts, own_key, temperature)
        others = speak(speaker, reference, prompts, other_key, temperature)
        found = measures(speaker, params, reference, made, rule, prompts.truth_B, temperature)
        true_B, right_B = judge(rule, others.ids_BT, others.answer_BT, prompts.truth_B)
        more = {"reference_true_reward": true_B, "reference_right": right_B}
        more |= {"reference_length": jnp.sum(others.answer_BT, axis=1), "win_rate": wins(found["true_reward"], true_B)}
        return {name: jnp.mean(value_B) for name, value_B in (found | more).items()}

    told = jax.lax.map(one, jax.random.split(key, rounds))
    return {name: jnp.mean(value_R) for name, value_R in told.items()}


def best_of_reference(
    speaker: Speaker,
    reference: Params,
    reward: Reward,
    prompts: Prompts,
    rule: Rule,
    key: Array,
    counts: tuple[int, ...],
    temperature: Array | float | None = None,
) -> dict[str, Array]:
    """True reward of the answer, of n by the reference, that the learned reward likes best: no training, n samples."""

    def one(round_key: Array) -> tuple[Array, Array]:
        made = speak(speaker, reference, prompts, round_key, temperature)
        return learned_rewards(reward, made), judge(rule, made.ids_BT, made.answer_BT, prompts.truth_B)[0]

    learned_NB, true_NB = jax.lax.map(one, jax.random.split(key, max(counts)))
    found = {"reference_reward": jnp.mean(learned_NB)}
    found |= {"reference_reward_std": jnp.std(learned_NB), "reference_true_std": jnp.std(true_NB)}
    for count in counts:
        places_B1 = best_of_n(learned_NB[:count].T)[:, None]
        found[f"best_of_{count}_true_reward"] = jnp.mean(jnp.take_along_axis(true_NB[:count].T, places_B1, axis=1))
    return found


def first_answers(speaker: Speaker, params: Params, prompts: Prompts) -> Array:
    """Greedy answers to the first questions, to be shown beside others: ids (M, T), question and answer."""
    first = Prompts(*(leaf[:ANSWERS_SHOWN] for leaf in prompts))
    return speak(speaker, params, first, None).ids_BT


Score = Callable[[Rollout, Array], Array]  # (answers, truth (B,)) -> rewards (B,)
