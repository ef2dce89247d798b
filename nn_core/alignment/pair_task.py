"""Learning from pairs of answers: the reward model (F170), and the policy directly (F171)."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from nn_core.alignment.dpo import direct_preference_loss
from nn_core.alignment.heads import LAST, LIKELIHOOD, SCORE, scores, with_head
from nn_core.alignment.judgement import Speaker, first_answers, log_probs, over_reference, prompts_of
from nn_core.alignment.masks import row_sums
from nn_core.alignment.preference_loss import calibration, preference_accuracy, preference_loss
from nn_core.alignment.rule import Rule
from nn_core.data.sampling import epoch_plan
from nn_core.tasks.base import Batch, Data, Hparams, Metrics, Params, Plan, Task
from nn_core.tasks.language import MakeModel
from nn_core.tasks.supervised import in_parts

SIDES = ("chosen", "rejected")
ROUNDS = 4  # draws of each test question in the final judgement


class Pairs(NamedTuple):
    """The problem: data hold "SPLIT_chosen_ids", "SPLIT_chosen_answer" and those of "rejected", (N, T).

    Attributes:
        make_model: hparams -> GPT.
        width: D of its hidden states.
        batch_size, evaluation_batch: pairs of a step, and of a forward pass of an evaluation.
        speaker: how a policy's answers are drawn when it is judged; None for a reward model.
        rule: the true reward; None: unknown.
        kind: of DPO: "sigmoid" or "identity".
        normalise: divide log-ratios by the answers' lengths.
        pooling: of a reward model's scores.
    """

    make_model: MakeModel
    width: int
    batch_size: int
    evaluation_batch: int
    speaker: Speaker | None = None
    rule: Rule | None = None
    kind: str = "sigmoid"
    normalise: bool = False
    pooling: str = LAST


def plan(problem: Pairs, data: Data, key: Array, first_step: Array, num_steps: int) -> Plan:
    """Pairs of each step, without replacement within an epoch; the ragged rest of an epoch is left out."""
    return epoch_plan(key, first_step, num_steps, len(data["train_chosen_ids"]), problem.batch_size, drop_last=True)


def rows_of(data: Data, split: str, rows_B: Array) -> Batch:
    """Some pairs of a split, with the reference's log-probabilities where they are kept."""
    names = [f"{side}_{part}" for side in SIDES for part in ("ids", "answer")]
    found = {name: data[f"{split}_{name}"][rows_B] for name in names}
    kept = f"{split}_reference"
    return found | ({"reference": data[kept][rows_B]} if kept in data else {})


def evaluate_pairs(problem: Pairs, judge_rows: Any, data: Data, split: str) -> Metrics:
    """Sums over all pairs of a split: `judge_rows(rows) -> {name: (B,)}`."""

    def part(rows_B: Array, weights_B: Array | None) -> Metrics:
        found = judge_rows(rows_of(data, split, rows_B))
        weights_B = jnp.ones(len(rows_B)) if weights_B is None else weights_B
        return {name: (jnp.sum(value_B * weights_B), jnp.sum(weights_B)) for name, value_B in found.items()}

    return in_parts(part, jnp.arange(len(data[f"{split}_chosen_ids"])), problem.evaluation_batch)


def make_reward_task(problem: Pairs) -> Task:
    """The reward model: a language model with a score at the last token."""
    return Task(
        init=partial(init_reward, problem),
        loss=partial(reward_loss, problem),
        evaluate=lambda params, data, hparams, split: evaluate_pairs(
            problem, partial(reward_measures, problem, params, hparams), data, split
        ),
        prepare=lambda data, key: {},
        plan=partial(plan, problem),
        batch=lambda data, plan: rows_of(data, "train", plan["indices"]),
        describe=partial(describe_reward, problem),
    )


def init_reward(problem: Pairs, key: Array, hparams: Hparams) -> Params:
    """A language model with a head that scores 0."""
    params = problem.make_model(hparams).init(key, jnp.zeros((1, 2), jnp.int32))["params"]
    return with_head(params, SCORE, problem.width, likelihood=problem.pooling == LIKELIHOOD)


def pair_scores(problem: Pairs, params: Params, hparams: Hparams, rows: Batch) -> tuple[Array, Array]:
    """Scores of the preferred and of the other answers, (B,) each; one pass for both."""
    ids_NT = jnp.concatenate([rows[f"{side}_ids"] for side in SIDES]).astype(jnp.int32)
    answer_NT = jnp.concatenate([rows[f"{side}_answer"] for side in SIDES])
    found_N = scores(problem.make_model(hparams), params, ids_NT, answer_NT, problem.pooling)
    chosen_B, rejected_B = jnp.split(found_N, 2)
    return chosen_B, rejected_B


def reward_loss(problem: Pairs, params: Params, batch: Batch, hparams: Hparams, key: Array) -> tuple[Array, Metrics]:
    """Bradley-Terry; hparams.centring where it is set."""
    del key
    chosen_B, rejected_B = pair_scores(problem, params, hparams, batch)
    centring = hparams["centring"] if "centring" in hparams else None
    value = preference_loss(chosen_B, rejected_B, centring=centring)
    count = jnp.float32(len(chosen_B))
    return value, {
        "loss": (value * count, count),
        "accuracy": (jnp.sum(preference_accuracy(chosen_B, rejected_B)), count),
    }


def reward_measures(problem: Pairs, params: Params, hparams: Hparams, rows: Batch) -> dict[str, Array]:
    """Of each pair: loss, accuracy, and the scores."""
    chosen_B, rejected_B = pair_scores(problem, params, hparams, rows)
    return {
        "loss": jax.nn.softplus(rejected_B - chosen_B),
        "accuracy": preference_accuracy(chosen_B, rejected_B),
        "chosen_score": chosen_B,
        "rejected_score": rejected_B,
    }


def describe_reward(problem: Pairs, params: Params, data: Data, hparams: Hparams, key: Array) -> dict[str, Array]:
    """Whether its probabilities are calibrated, on validation pairs, whose labels are as noisy as in training."""
    del key
    rows = rows_of(data, "validation", jnp.arange(len(data["validation_chosen_ids"])))
    chosen_B, rejected_B = pair_scores(problem, params, hparams, rows)
    sure_B = jax.nn.sigmoid(jnp.abs(chosen_B - rejected_B))
    found = calibration(sure_B, (chosen_B >= rejected_B).astype(jnp.float32))
    return {"calibration_error": found["error"]} | {
        f"calibration_{name}": found[name] for name in ("predicted", "observed", "count")
    }


def make_direct_task(problem: Pairs) -> Task:
    """Direct preference optimization; data["reference_params"] is the model that the policy starts from."""
    return Task(
        init=lambda key, hparams: problem.make_model(hparams).init(key, jnp.zeros((1, 2), jnp.int32))["params"],
        loss=partial(direct_loss, problem),
        evaluate=lambda params, data, hparams, split: evaluate_pairs(
            problem, partial(direct_measures, problem, params, hparams), data, split
        ),
        prepare=lambda data, key: {},
        plan=partial(plan, problem),
        batch=lambda data, plan: rows_of(data, "train", plan["indices"]),
        describe=partial(describe_direct, problem),
    )


def answer_log_probs(problem: Pairs, params: Params, rows: Batch) -> tuple[Array, Array]:
    """Summed log-probabilities of (chosen, rejected) answers and their lengths, (2, B) each; one pass for both."""
    assert problem.speaker is not None
    ids_NT = jnp.concatenate([rows[f"{side}_ids"] for side in SIDES]).astype(jnp.int32)
    answer_NT = jnp.concatenate([rows[f"{side}_answer"] for side in SIDES]).astype(jnp.float32)
    found_N = row_sums(log_probs(problem.speaker, params, ids_NT)[0], answer_NT)
    return found_N.reshape(2, -1), jnp.sum(answer_NT, axis=1).reshape(2, -1)


def reference_log_probs(problem: Pairs, params: Params, data: Data, splits: tuple[str, ...]) -> Data:
    """{"SPLIT_reference": (N, 2)} of every pair, once: the reference does not change."""

    def of(split: str) -> Array:
        count = len(data[f"{split}_chosen_ids"])
        size = min(problem.evaluation_batch, count)
        rows_PB = jnp.pad(jnp.arange(count), (0, -count % size)).reshape(-1, size)
        found = jax.lax.map(
            lambda rows_B: answer_log_probs(problem, params, rows_of(data, split, rows_B))[0].T, rows_PB
        )
        return found.reshape(-1, 2)[:count]

    return {f"{split}_reference": of(split) for split in splits}


def direct_loss(problem: Pairs, params: Params, batch: Batch, hparams: Hparams, key: Array) -> tuple[Array, Metrics]:
    """DPO or IPO of a batch; hparams.beta, and hparams.label_smoothing where it is set."""
    del key
    policy_2B, lengths_2B = answer_log_probs(problem, params, batch)
    value, told = direct_preference_loss(
        policy_2B,
        batch["reference"].T,
        hparams["beta"],
        kind=problem.kind,
        lengths_2N=lengths_2B if problem.normalise else None,
        label_smoothing=hparams["label_smoothing"] if "label_smoothing" in hparams else None,
    )
    count = jnp.float32(policy_2B.shape[1])
    return value, {name: (number * count, count) for name, number in ({"loss": value} | told).items()}


def direct_measures(problem: Pairs, params: Params, hparams: Hparams, rows: Batch) -> dict[str, Array]:
    """Of each pair: loss, margin, accuracy, log-probabilities and how far they moved from the reference's."""
    policy_2B, lengths_2B = answer_log_probs(problem, params, rows)
    reference_2B = rows["reference"].T
    lengths_2B = lengths_2B if problem.normalise else jnp.ones_like(lengths_2B)

    def one(policy_2: Array, reference_2: Array, lengths_2: Array) -> dict[str, Array]:
        pair = (leaf[:, None] for leaf in (policy_2, reference_2, lengths_2))
        policy_21, reference_21, lengths_21 = pair
        value, told = direct_preference_loss(
            policy_21, reference_21, hparams["beta"], kind=problem.kind, lengths_2N=lengths_21
        )
        moved = {f"{side}_moved": policy_2[place] - reference_2[place] for place, side in enumerate(SIDES)}
        return {"loss": value} | told | moved

    return jax.vmap(one, in_axes=1)(policy_2B, reference_2B, lengths_2B)


def describe_direct(problem: Pairs, params: Params, data: Data, hparams: Hparams, key: Array) -> dict[str, Array]:
    """What its answers are worth beside those of the reference, and what chooses between settings: their worth on the
    questions of validation."""
    del hparams
    assert problem.speaker is not None
    prompts = prompts_of(data, "test")
    told = {"answers": first_answers(problem.speaker, params, prompts)}
    if problem.rule is None:
        return told
    judge = partial(over_reference, problem.speaker, params, data["reference_params"], rule=problem.rule, rounds=ROUNDS)
    known = judge(prompts=prompts_of(data, "validation"), key=jax.random.fold_in(key, 1))
    return told | judge(prompts=prompts, key=key) | {"validation_true_reward": known["true_reward"]}
