"""What one iteration of PPO or GRPO learns from: answers drawn by the policy, their rewards, and advantages (F171)."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from nn_core.alignment.advantages import generalized_advantages, group_advantages
from nn_core.alignment.heads import VALUE, hidden_states, logits_of, read_head
from nn_core.alignment.judgement import Prompts, Reward, Speaker, learned_rewards, log_probs, speak
from nn_core.alignment.kl import k1, k3
from nn_core.alignment.masks import masked_mean, row_sums, whiten
from nn_core.alignment.ppo import token_rewards
from nn_core.alignment.rollout import Rollout, score_answers
from nn_core.alignment.rule import Rule, judge
from nn_core.tasks.base import Hparams, Metrics, Params

PPO, GRPO = "ppo", "grpo"
LEARNED, TRUE = "model", "rule"  # where rewards come from


class Policy(NamedTuple):
    """The structure of an iteration.

    Attributes:
        method: "ppo" or "grpo".
        speaker: how the policy answers.
        width: D of its hidden states.
        reward_model: the reward model's GPT; None where the rule rewards.
        pooling: of its scores.
        rule: the true reward; None: unknown.
        prompts: questions of a step.
        group: answers to each question; 1 for PPO.
        epochs, minibatches: passes over the answers, and parts of each pass.
        estimator, weigh: of GRPO, see `nn_core.alignment.grpo`.
        missing_end: added to the reward of an answer that does not reach its end token.
    """

    method: str
    speaker: Speaker
    width: int
    reward_model: Any
    pooling: str
    rule: Rule | None
    prompts: int
    group: int
    epochs: int
    minibatches: int
    estimator: str
    weigh: str
    missing_end: float


class Experience(NamedTuple):
    """Answers and what is known of each token, (B, T); the policy is fitted to them for some epochs."""

    ids_BT: Array
    answer_BT: Array
    old_BT: Array
    reference_BT: Array
    values_BT: Array
    advantages_BT: Array
    returns_BT: Array


def temperature_of(hparams: Hparams) -> Array | None:
    """What answers are drawn with, and scored with."""
    return hparams["answer_temperature"] if "answer_temperature" in hparams else None


def policy_outputs(policy: Policy, params: Params, ids_BT: Array, hparams: Hparams) -> tuple[Array, Array, Array]:
    """Log-probabilities of the tokens and values before them, (B, T); logits after each token (B, T, V).

    There is no dropout in it: a policy that has not moved has ratios of exactly 1.
    """
    hidden_BTD = hidden_states(policy.speaker.model, params, ids_BT)
    logits_BTV = logits_of(policy.speaker.model, params, hidden_BTD)
    scored_BT = score_answers(logits_BTV, ids_BT, temperature_of(hparams))
    if policy.method != PPO:
        return scored_BT, jnp.zeros_like(scored_BT), logits_BTV
    values_BT = read_head(params, VALUE, hidden_BTD)
    return scored_BT, jnp.pad(values_BT[:, :-1], ((0, 0), (1, 0))), logits_BTV


def rewards_of(policy: Policy, reward_params: Params, made: Rollout, truth_B: Array) -> tuple[Array, Metrics]:
    """The rewards that are learned from, (B,), and what else is known of the answers."""
    count = jnp.float32(len(truth_B))
    told: Metrics = {}
    if policy.rule is not None:
        true_B, right_B = judge(policy.rule, made.ids_BT, made.answer_BT, truth_B)
        told = {"true_reward": (jnp.sum(true_B), count), "right": (jnp.sum(right_B), count)}
    if policy.reward_model is None:
        reward_B = true_B
    else:
        reward_B = learned_rewards(Reward(policy.reward_model, reward_params, policy.pooling), made)
    told["reward"] = (jnp.sum(reward_B), count)
    return reward_B + policy.missing_end * (1.0 - made.ended_B), told


def collect(
    policy: Policy, params: Params, batch: dict[str, Any], hparams: Hparams, coefficient: Array, key: Array
) -> tuple[Experience, Metrics]:
    """Draws answers to the batch's questions and computes what each of their tokens was worth.

    Args:
        policy: the structure.
        params: of the policy, with a value head for PPO.
        batch: "prompts" (`Prompts`), "reference" and "reward": parameters of the two models.
        hparams: answer_temperature where it is set; for PPO discount and gae_decay.
        coefficient: beta, the strength of the KL; PPO takes it off the rewards, GRPO has it in its loss.
        key: of the draws.
    Returns:
        The experience, without any gradient; metrics of the answers.
    """
    prompts = Prompts(*(jnp.repeat(leaf, policy.group, axis=0) for leaf in batch["prompts"]))
    temperature = temperature_of(hparams)
    made = speak(policy.speaker, params, prompts, key, temperature)
    old_BT, values_BT, _ = policy_outputs(policy, params, made.ids_BT, hparams)
    reference_BT, _ = log_probs(policy.speaker, batch["reference"], made.ids_BT, temperature)
    reward_B, told = rewards_of(policy, batch["reward"], made, prompts.truth_B)
    answer_BT = made.answer_BT
    if policy.method == PPO:
        rewards_BT = token_rewards(reward_B, k1(old_BT, reference_BT), answer_BT, coefficient)
        advantages_BT, returns_BT = generalized_advantages(
            rewards_BT, values_BT, answer_BT, hparams["discount"], hparams["gae_decay"]
        )
        advantages_BT = whiten(advantages_BT, answer_BT)
    else:
        found_B = group_advantages(reward_B.reshape(-1, policy.group)).reshape(-1)
        advantages_BT, returns_BT = found_B[:, None] * answer_BT, jnp.zeros_like(answer_BT)
    count = jnp.float32(len(reward_B))
    told |= {
        "kl": (jnp.sum(row_sums(k3(old_BT, reference_BT), answer_BT)), count),
        "length": (jnp.sum(answer_BT), count),
        "ended": (jnp.sum(made.ended_B), count),
        # How far the scores of the whole sequence are from those of the draw with its cache: only rounding.
        "draw_error": (masked_mean(jnp.abs(old_BT - made.log_probs_BT), answer_BT), jnp.float32(1)),
    }
    known = Experience(made.ids_BT, answer_BT, old_BT, reference_BT, values_BT, advantages_BT, returns_BT)
    return jax.tree.map(lax.stop_gradient, known), told
