"""Supervised fine-tuning: the next-token loss of the answers alone (F169; Ouyang et al. 2022)."""

import jax
import jax.numpy as jnp
from jax import Array

from nn_core.alignment.masks import masked_sum
from nn_core.floats import wide


def token_log_probs(logits_BTV: Array, ids_BT: Array) -> Array:
    """ln p of each token given those before it: logits at t - 1 judge the token at t.

    Args:
        logits_BTV: of the token after each one; at least float32 inside.
        ids_BT: the tokens that the logits were computed from.
    Returns:
        (B, T); 0 for the first token, which nothing predicts.
    """
    log_probs_BTV = jax.nn.log_softmax(wide(logits_BTV[:, :-1]))
    found_BT = jnp.take_along_axis(log_probs_BTV, ids_BT[:, 1:, None], axis=2)[..., 0]
    return jnp.pad(found_BT, ((0, 0), (1, 0)))


def answer_loss(logits_BTV: Array, ids_BT: Array, answer_BT: Array) -> tuple[Array, Array]:
    """-sum_t m_t ln p(x_t | x_<t), m = 1 at the tokens of answers: the prompt's tokens are read, not learned.

    Sum and count travel apart, so that micro-batches and ragged batches weigh tokens, not sequences.

    Args:
        logits_BTV: of the token after each one.
        ids_BT: prompts with their answers.
        answer_BT: 1 at the tokens of answers, the end token included.
    Returns:
        (sum of the losses, number of the tokens), scalars; the gradient of the sum is 0 at every logit that predicts a
        token of a prompt or padding.
    """
    mask_BT = jnp.asarray(answer_BT, wide(logits_BTV).dtype).at[:, 0].set(0.0)
    return -masked_sum(token_log_probs(logits_BTV, ids_BT), mask_BT), jnp.sum(mask_BT)
