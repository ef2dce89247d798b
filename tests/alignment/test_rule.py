"""The hidden rule on tokens is the rule on text; DPO trained on an enumerable toy ends at the enumerated optimum."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nn_core.alignment.by_seed import Stack, chosen
from nn_core.alignment.conversations import encode_turns, pad_rows
from nn_core.alignment.dpo import direct_preference_loss
from nn_core.alignment.rule import judge, make_rule
from nn_core.alignment.templates import make_template
from nn_core.data.assistant_world import assistant_text, questions, random_answer, world_facts
from nn_core.data.preferences import is_right, true_reward
from nn_core.text.characters import train_characters
from nn_core.text.trainers import train_words
from nn_core.training.population import root_keys
from nn_core.training.state import run_keys


def test_rewards_on_tokens_are_those_of_the_text():
    tokenizer = train_words([assistant_text(num_lines=2000)], vocabulary_size=400)
    template, rng = make_template(tokenizer), np.random.default_rng(3)
    asked = questions(world_facts())
    texts = [random_answer(fact, rng, wrong=0.4) for fact, _ in asked] + ["gladly gladly , rome or paris"] * len(asked)
    asked = asked * 2
    rows = [
        encode_turns(tokenizer, template, [("user", q), ("assistant", t)])
        for (_, q), t in zip(asked, texts, strict=True)
    ]
    encoded = pad_rows(rows, 40, template.pad_id)
    truth = np.array([tokenizer.encode(fact.value)[0] for fact, _ in asked])
    rewards, right = judge(
        make_rule(tokenizer), jnp.asarray(encoded.ids_NT), jnp.asarray(encoded.answer_NT), jnp.asarray(truth)
    )
    expected = [true_reward(text, fact.value) for (fact, _), text in zip(asked, texts, strict=True)]
    np.testing.assert_allclose(rewards, expected, atol=1e-5)
    np.testing.assert_array_equal(
        right, [is_right(text, fact.value) for (fact, _), text in zip(asked, texts, strict=True)]
    )
    with pytest.raises(ValueError, match="the word 'gladly' is not a single token of this vocabulary"):
        make_rule(train_characters([assistant_text(num_lines=10)]))


@pytest.mark.parametrize("beta", [0.5, 2.0])
def test_dpo_ends_at_the_optimum_that_enumeration_finds(beta):
    """Six answers: pi* ~ rho exp(r / beta), the policy that maximises E[r] - beta KL(pi || rho), within 1e-3."""
    rewards_V, reference_V = np.random.default_rng(1).normal(size=(2, 6)).astype(np.float32)
    best_V = np.exp(jax.nn.log_softmax(reference_V) + rewards_V / beta)
    best_V = best_V / best_V.sum()
    pairs = np.indices((6, 6)).reshape(2, -1)
    often_N = jax.nn.sigmoid(rewards_V[pairs[0]] - rewards_V[pairs[1]])

    def loss(z_V):
        logs = jax.nn.log_softmax(z_V)[pairs], jax.nn.log_softmax(reference_V)[pairs]
        return direct_preference_loss(*logs, beta, weights_N=often_N)[0]

    step = jax.jit(lambda z: jax.lax.fori_loop(0, 4000, lambda _, z: z - 8.0 / beta**2 * jax.grad(loss)(z), z))
    found_V = jax.nn.softmax(step(jnp.asarray(reference_V)))
    np.testing.assert_allclose(found_V, best_V, atol=1e-3)
    assert np.abs(np.asarray(jax.nn.softmax(reference_V)) - best_V).max() > 0.05


def test_a_run_starts_from_the_run_of_its_own_seed():
    seeds = (3, 0, 11)
    stack = Stack({"w": np.arange(3.0, dtype=np.float32)[:, None]}, np.asarray(seeds, np.uint32))
    for place, root in enumerate(root_keys(seeds)):
        assert float(chosen(stack, run_keys(root).init, lambda keys: keys.init)["w"][0]) == place
        assert float(chosen(stack, run_keys(root).split, lambda keys: keys.split)["w"][0]) == place
