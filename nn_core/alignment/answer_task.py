"""Supervised fine-tuning as a task: people's answers are the targets; questions are read, not learned (F169)."""

from functools import partial
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

from nn_core.alignment.answer_loss import answer_loss
from nn_core.alignment.heads import hidden_states, logits_of
from nn_core.alignment.judgement import Speaker, first_answers, prompts_of, speak
from nn_core.alignment.rule import Rule, judge
from nn_core.data.sampling import epoch_plan
from nn_core.tasks.base import Batch, Data, Hparams, Metrics, Params, Plan, Task
from nn_core.tasks.language import MakeModel
from nn_core.tasks.supervised import in_parts


class Answers(NamedTuple):
    """The problem: data hold, for each split, "SPLIT_ids", "SPLIT_answer" and "SPLIT_segments" (N, T), and questions.

    Attributes:
        make_model: hparams -> GPT.
        speaker: how answers are written when the model is judged.
        batch_size: rows of a step.
        evaluation_batch: rows of one forward pass of an evaluation.
        packed: several conversations stand in a row.
        rule: says which answers are right; None: those that equal the first target of the row.
    """

    make_model: MakeModel
    speaker: Speaker
    batch_size: int
    evaluation_batch: int
    packed: bool
    rule: Rule | None


def make_answer_task(problem: Answers) -> Task:
    """The task of these parts."""
    return Task(
        init=partial(init, problem),
        loss=partial(loss, problem),
        evaluate=partial(evaluate, problem),
        prepare=lambda data, key: {},
        plan=partial(plan, problem),
        batch=batch,
        describe=partial(describe, problem),
    )


def init(problem: Answers, key: Array, hparams: Hparams) -> Params:
    """Initial parameters."""
    return problem.make_model(hparams).init(key, jnp.zeros((1, 2), jnp.int32))["params"]


def losses(problem: Answers, params: Params, rows: Batch, hparams: Hparams, key: Array | None) -> tuple[Array, Array]:
    """Sum and number of the answers' losses."""
    model: Any = problem.make_model(hparams)
    segments_BT = rows["segments"] if problem.packed else None
    ids_BT = rows["ids"].astype(jnp.int32)
    if key is None:
        hidden_BTD = hidden_states(model, params, ids_BT, segments_BT)
    else:
        rngs = {"dropout": key}
        hidden_BTD = model.apply({"params": params}, ids_BT, False, segments_BT, method="hidden", rngs=rngs)
    return answer_loss(logits_of(model, params, hidden_BTD), ids_BT, rows["answer"])


def loss(problem: Answers, params: Params, batch: Batch, hparams: Hparams, key: Array) -> tuple[Array, Metrics]:
    """Mean over the tokens of all answers of the batch: long answers count more, micro-batches change nothing."""
    total, count = losses(problem, params, batch, hparams, key)
    return total / jnp.maximum(count, 1.0), {"loss": (total, count)}


def evaluate(problem: Answers, params: Params, data: Data, hparams: Hparams, split: str) -> Metrics:
    """Loss of a split's answers, and the share of its questions that greedy decoding answers exactly."""

    def part(rows_B: Array, weights_B: Array | None) -> Metrics:
        rows = {name: data[f"{split}_{name}"][rows_B] for name in ("ids", "answer", "segments")}
        if weights_B is not None:
            rows["answer"] = rows["answer"] * weights_B[:, None]
        return {"loss": losses(problem, params, rows, hparams, None)}

    found = in_parts(part, jnp.arange(len(data[f"{split}_ids"])), problem.evaluation_batch)
    exact_B = exact_answers(problem, params, data, split)
    return found | {"exact": (jnp.sum(exact_B), jnp.float32(len(exact_B)))}


def exact_answers(problem: Answers, params: Params, data: Data, split: str) -> Array:
    """1 for each question of a split that greedy decoding answers right: (M,)."""
    prompts = prompts_of(data, split)
    made = speak(problem.speaker, params, prompts, None)
    if problem.rule is not None:
        return judge(problem.rule, made.ids_BT, made.answer_BT, prompts.truth_B)[1]
    wanted_MT = data[f"{split}_expected"]
    return jnp.all(jnp.where(made.answer_BT > 0, made.ids_BT, -1) == wanted_MT, axis=1).astype(jnp.float32)


def plan(problem: Answers, data: Data, key: Array, first_step: Array, num_steps: int) -> Plan:
    """Rows of each step, without replacement within an epoch; the ragged rest of an epoch is left out."""
    return epoch_plan(key, first_step, num_steps, len(data["train_ids"]), problem.batch_size, drop_last=True)


def batch(data: Data, plan: Plan) -> Batch:
    """The rows of one step."""
    return {name: data[f"train_{name}"][plan["indices"]] for name in ("ids", "answer", "segments")}


def describe(problem: Answers, params: Params, data: Data, hparams: Hparams, key: Array) -> dict[str, Array]:
    """Answers to the first test questions, beside those of the model that the run started from, if there is one."""
    del hparams, key
    prompts = prompts_of(data, "test")
    told = {"answers": first_answers(problem.speaker, params, prompts)}
    if "start" not in data:
        return told
    start_exact = jnp.mean(exact_answers(problem, data["start"], data, "test"))
    return told | {"start_exact": start_exact, "start_answers": first_answers(problem.speaker, data["start"], prompts)}
