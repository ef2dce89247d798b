"""PPO and GRPO as a task whose step draws its own batch: a run is a scan, a sweep over seeds and KL strengths one program.

An iteration: draw answers, reward them, and make epochs x minibatches updates on them (F171).
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array, lax

from nn_core.alignment.adaptive_kl import adapt
from nn_core.alignment.experience import PPO, Experience, Policy, collect, policy_outputs, temperature_of
from nn_core.alignment.grpo import group_loss
from nn_core.alignment.heads import VALUE, with_head, without_heads
from nn_core.alignment.judgement import (
    Prompts,
    Reward,
    best_of_reference,
    first_answers,
    learned_rewards,
    measures,
    over_reference,
    prompts_of,
    speak,
)
from nn_core.alignment.masks import masked_mean
from nn_core.alignment.ppo import entropy, filtered_log_probs, policy_loss, value_loss
from nn_core.data.sampling import epoch_plan
from nn_core.tasks.base import Batch, Data, Hparams, Metrics, Params, Plan, Task
from nn_core.tasks.language import MakeModel
from nn_core.training.step import MakeOptimizer

ROUNDS = 4  # draws of each test question in the final judgement
BEST_OF = (4, 16)


class PolicyState(NamedTuple):
    """State of the optimizer and of the KL's strength, which may adapt to a target."""

    inner: Any
    coefficient: Array


def with_coefficient(make_optimizer: MakeOptimizer) -> MakeOptimizer:
    """The optimizer whose state also holds hparams.beta, as it is now."""

    def make(hparams: Hparams) -> optax.GradientTransformation:
        inner = make_optimizer(hparams)

        def init(params: Params) -> PolicyState:
            return PolicyState(inner.init(params), jnp.asarray(hparams["beta"], jnp.float32))

        def update(grads: Any, state: PolicyState, params: Params = None) -> tuple[Any, PolicyState]:
            updates, moved = inner.update(grads, state.inner, params)
            return updates, state._replace(inner=moved)

        return optax.GradientTransformation(init, update)

    return make


def make_policy_task(policy: Policy, make_model: MakeModel) -> Task:
    """The task of these parts; the data hold questions, "reference_params", and "reward_params" where there are some."""

    def init(key: Array, hparams: Hparams) -> Params:
        params = make_model(hparams).init(key, jnp.zeros((1, 2), jnp.int32))["params"]
        return with_head(params, VALUE, policy.width) if policy.method == PPO else params

    def no_loss(params: Params, batch: Batch, hparams: Hparams, key: Array) -> tuple[Array, Metrics]:
        raise NotImplementedError("an iteration draws what it learns from: see `update`")

    return Task(
        init=init,
        loss=no_loss,
        evaluate=partial(evaluate, policy),
        prepare=lambda data, key: {},
        plan=lambda data, key, first, num: epoch_plan(
            key, first, num, len(data["train_prompts"]), policy.prompts, drop_last=True
        ),
        batch=batch,
        describe=partial(describe, policy),
        update=partial(update, policy),
    )


def batch(data: Data, plan: Plan) -> Batch:
    """The questions of a step, and the two models that do not learn."""
    asked = Prompts(*(leaf[plan["indices"]] for leaf in prompts_of(data, "train")))
    return {"prompts": asked, "reference": data["reference_params"], "reward": data.get("reward_params", {})}


def update(
    policy: Policy,
    optimizer: optax.GradientTransformation,
    params: Params,
    state: PolicyState,
    batch: Batch,
    hparams: Hparams,
    key: Array,
) -> tuple[Params, PolicyState, Array, Metrics, Array]:
    """One iteration: the new parameters and state, mean objective, metrics, mean norm of the gradients."""
    draw_key, order_key = jax.random.split(key)
    known, told = collect(policy, params, batch, hparams, state.coefficient, draw_key)
    rows = len(known.ids_BT)
    keys_E = jax.random.split(order_key, policy.epochs)
    order_EB = jax.vmap(lambda k: jax.random.permutation(k, rows))(keys_E)
    parts_UB = order_EB.reshape(policy.epochs * policy.minibatches, -1)

    def step(carried: tuple[Params, Any], rows_B: Array) -> tuple[tuple[Params, Any], dict[str, Array]]:
        params, state = carried
        part = jax.tree.map(lambda leaf: leaf[rows_B], known)
        objective = partial(iteration_loss, policy, hparams=hparams, coefficient=state.coefficient)
        (value, more), grads = jax.value_and_grad(objective, has_aux=True)(params, part)
        updates, state = optimizer.update(grads, state, params)
        more |= {"loss": value, "gradient_norm": optax.tree.norm(grads)}
        return (optax.apply_updates(params, updates), state), more

    (params, state), found_U = lax.scan(step, (params, state), parts_UB)
    means = {name: jnp.mean(value_U) for name, value_U in found_U.items()}
    gradient_norm = means.pop("gradient_norm")
    told |= {name: (value, jnp.float32(1)) for name, value in means.items()}
    told["beta"] = (state.coefficient, jnp.float32(1))
    if "kl_target" in hparams:
        kl = told["kl"][0] / told["kl"][1]
        moved = adapt(state.coefficient, kl, hparams["kl_target"], hparams["kl_horizon"], rows)
        state = state._replace(coefficient=moved)
    return params, state, means["loss"], told, gradient_norm


def iteration_loss(
    policy: Policy, params: Params, part: Experience, *, hparams: Hparams, coefficient: Array
) -> tuple[Array, dict[str, Array]]:
    """The loss of a minibatch: hparams clip_range; for PPO value_coefficient, value_clip; entropy_coefficient."""
    new_BT, values_BT, logits_BTV = policy_outputs(policy, params, part.ids_BT, hparams)
    mask_BT, clip = part.answer_BT, hparams["clip_range"]
    if policy.method == PPO:
        loss, told = policy_loss(new_BT, part.old_BT, part.advantages_BT, mask_BT, clip)
        near = hparams["value_clip"] if "value_clip" in hparams else None
        value = value_loss(values_BT, part.values_BT, part.returns_BT, mask_BT, near)
        loss, told = loss + hparams["value_coefficient"] * value, told | {"value_loss": value}
    else:
        advantages_B = jnp.sum(part.advantages_BT, axis=1) / jnp.maximum(jnp.sum(mask_BT, axis=1), 1.0)
        loss, told = group_loss(
            new_BT,
            part.old_BT,
            part.reference_BT,
            advantages_B,
            mask_BT,
            clip_range=clip,
            coefficient=coefficient,
            estimator=policy.estimator,
            weigh=policy.weigh,
        )
        told.pop("kl")  # it is reported for the answers when they are drawn
    temperature = temperature_of(hparams)
    # Entropy is that of the distribution which each token of the answer was drawn from.
    drawn_BTV = filtered_log_probs(logits_BTV[:, :-1], 1.0 if temperature is None else temperature)
    spread = masked_mean(entropy(drawn_BTV), mask_BT[:, 1:])
    if "entropy_coefficient" in hparams:
        loss = loss - hparams["entropy_coefficient"] * spread
    return loss, told | {"entropy": spread}


def evaluate(policy: Policy, params: Params, data: Data, hparams: Hparams, split: str) -> Metrics:
    """An answer to each question of a split, always drawn with the same key: rewards, KL, length.

    The loss is -(reward - beta KL), which the policy minimises.
    """
    prompts, reference, temperature = prompts_of(data, split), data["reference_params"], temperature_of(hparams)
    made = speak(policy.speaker, params, prompts, jax.random.key(0), temperature)
    own = without_heads(params)
    found = measures(policy.speaker, own, reference, made, policy.rule, prompts.truth_B, temperature)
    if policy.reward_model is None:
        found["reward"] = found["true_reward"]
    else:
        found["reward"] = learned_rewards(Reward(policy.reward_model, data["reward_params"], policy.pooling), made)
    found["loss"] = hparams["beta"] * found["kl"] - found["reward"]
    count = jnp.float32(len(prompts.lengths_B))
    return {name: (jnp.sum(value_B), count) for name, value_B in found.items()}


def describe(policy: Policy, params: Params, data: Data, hparams: Hparams, key: Array) -> dict[str, Array]:
    """What its answers are worth beside those of the reference, and of the best of n answers of the reference; all are
    drawn at the temperature that the policy learns at."""
    temperature = temperature_of(hparams)
    prompts, reference = prompts_of(data, "test"), data["reference_params"]
    own = without_heads(params)
    told = {"answers": first_answers(policy.speaker, own, prompts)}
    if policy.rule is None:
        return told
    over_key, best_key = jax.random.split(key)
    told |= over_reference(policy.speaker, own, reference, prompts, policy.rule, over_key, ROUNDS, temperature)
    if policy.reward_model is None:
        return told
    reward = Reward(policy.reward_model, data["reward_params"], policy.pooling)
    told |= best_of_reference(policy.speaker, reference, reward, prompts, policy.rule, best_key, BEST_OF, temperature)
    made = speak(policy.speaker, own, prompts, jax.random.fold_in(best_key, 1), temperature)
    learned = (jnp.mean(learned_rewards(reward, made)) - told["reference_reward"]) / told["reference_reward_std"]
    true = (told["true_reward"] - told["reference_true_reward"]) / told["reference_true_std"]
    # Each in standard deviations of the start's answers: what the learned reward claims beyond what is true.
    return told | {"learned_gain": learned, "true_gain": true, "overstated": learned - true}
