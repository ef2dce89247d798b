"""A number for each token beside a language model's logits: the score of a reward model, the value of a policy (F170).

The parameters are those of the language model with one more leaf group, so that a checkpoint of either starts the other.
"""

from typing import Any

import jax.numpy as jnp
from jax import Array

from nn_core.alignment.answer_loss import token_log_probs
from nn_core.alignment.masks import at_last, row_sums

Params = Any
SCORE, VALUE = "score_head", "value_head"
LAST, SUM, LIKELIHOOD = "last", "sum", "likelihood"
POOLINGS = {LAST: "at the last token", SUM: "over the answer's tokens", LIKELIHOOD: "that, and how probable they are"}
LIKELIHOOD_START = 0.2  # share of the log-probability before anything is learned


def with_head(params: Params, name: str, width: int, *, likelihood: bool = False) -> Params:
    """The parameters with a new head that outputs 0 everywhere until it has learned something.

    Args:
        params: of a language model.
        name: SCORE or VALUE.
        width: D of its hidden states.
        likelihood: for that pooling of `scores`.
    """
    head = {"kernel": jnp.zeros((width, 1)), "bias": jnp.zeros(1)}
    return dict(params) | {name: head | ({"likelihood": jnp.full(1, LIKELIHOOD_START)} if likelihood else {})}


def without_heads(params: Params) -> Params:
    """The language model alone."""
    return {name: part for name, part in params.items() if name not in (SCORE, VALUE)}


def read_head(params: Params, name: str, hidden_BTD: Array) -> Array:
    """h w + b in float32: (B, T)."""
    head = params[name]
    flat_ND = hidden_BTD.reshape(-1, hidden_BTD.shape[-1]).astype(jnp.float32)
    return (flat_ND @ head["kernel"] + head["bias"][None]).reshape(hidden_BTD.shape[:-1])


def hidden_states(model: Any, params: Params, ids_BT: Array, segments_BT: Array | None = None) -> Array:
    """What the heads read, without dropout: (B, T, D)."""
    return model.apply({"params": without_heads(params)}, ids_BT, True, segments_BT, method="hidden")


def logits_of(model: Any, params: Params, hidden_BTD: Array) -> Array:
    """The language model's own head: (B, T, V)."""
    return model.apply({"params": without_heads(params)}, hidden_BTD, method="logits")


def scores(model: Any, params: Params, ids_BT: Array, answer_BT: Array, pooling: str = LAST) -> Array:
    """The score of each answer, (B,).

    Args:
        model, params: a language model with a score head.
        ids_BT: questions with their answers.
        answer_BT: 1 at the answers' tokens.
        pooling: "last": what the head says at the last real token (Ouyang et al. 2022), and not at padding behind it.
            "sum": what it says at each token of the answer, added up: a model of few blocks, which cannot carry a
            verdict on one word to the end, judges each word where it stands. "likelihood": that, plus a learned share
            of each token's log-probability under the model's own language head: the model already finds wrong answers
            improbable and need not learn this again from pairs.
    """
    hidden_BTD = hidden_states(model, params, ids_BT)
    scores_BT = read_head(params, SCORE, hidden_BTD)
    if pooling == LIKELIHOOD:
        share = params[SCORE]["likelihood"][:, None]
        scores_BT = scores_BT + share * token_log_probs(logits_of(model, params, hidden_BTD), ids_BT)
    return at_last(scores_BT, answer_BT) if pooling == LAST else row_sums(scores_BT, answer_BT)
