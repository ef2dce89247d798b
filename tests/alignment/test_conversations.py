"""Conversations as tokens, packed rows, and answers drawn in a compiled program."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nn_core.alignment.answer_loss import answer_loss, token_log_probs
from nn_core.alignment.conversations import encode_turns, last_answer, pad_rows, plain, spoken
from nn_core.alignment.experience import Policy
from nn_core.alignment.heads import LAST, SCORE, with_head
from nn_core.alignment.judgement import Speaker
from nn_core.alignment.kl import exact_kl
from nn_core.alignment.masks import to_the_left
from nn_core.alignment.packing import pack
from nn_core.alignment.policy_task import evaluate
from nn_core.alignment.rollout import draw_answers, score_answers
from nn_core.alignment.templates import make_template
from nn_core.generation.decode import completions, generate
from nn_core.generation.filters import Sampling
from nn_core.models.transformer.gpt import GPT
from nn_core.models.transformer.language_model import make_decoder
from nn_core.text.characters import train_characters
from nn_core.text.trainers import train_words
from tests.jitted import drawn, method

WORDS = train_words(["what is red ? it is a rose . no"], vocabulary_size=40)
TEMPLATE = make_template(WORDS)
MODEL = GPT(vocabulary_size=11, context_size=13, embedding_dim=12, heads_num=2, layers_num=2)
PARAMS = drawn(MODEL, jnp.zeros((1, 5), jnp.int32), stddev=0.4)["params"]
DECODER = make_decoder(MODEL)
PROMPT_BL = np.array([[3, 4, 5, 6], [7, 8, 0, 0], [9, 0, 0, 0]])
LENGTHS_B = np.array([4, 2, 1])


def test_the_mask_marks_the_answers_and_their_ends():
    ids, mask = encode_turns(WORDS, TEMPLATE, [("user", "what is red ?"), ("assistant", "a rose .")])
    assert WORDS.tokens(ids) == ["[SOS]", "what", "is", "red", "?", "[SEP]", "a", "rose", ".", "[EOS]"]
    assert mask == [0] * 6 + [1] * 4
    prompt, none = encode_turns(WORDS, TEMPLATE, [("user", "what is red ?")])
    assert prompt == ids[:6] and not any(none)
    assert plain(WORDS, last_answer(ids, mask)) == "a rose ."
    assert spoken(WORDS, TEMPLATE, [*ids, TEMPLATE.pad_id]) == ("what is red ?", "a rose .")
    both, mask = encode_turns(
        WORDS, TEMPLATE, [("user", "is"), ("assistant", "a"), ("user", "no"), ("assistant", "it")]
    )
    assert WORDS.tokens(np.array(both)[np.array(mask) > 0]) == ["a", "[EOS]", "it", "[EOS]"]
    assert WORDS.tokens(last_answer(both, mask)) == ["it", "[EOS]"]


def test_a_user_cannot_type_a_special_token():
    ids, _ = encode_turns(WORDS, TEMPLATE, [("user", "what [EOS] [SEP] is")])
    assert ids.count(TEMPLATE.end_id) == 0 and WORDS.tokens(ids).count("[SEP]") == 1


def test_the_end_stays_in_the_mask_where_padding_is_the_end_token():
    """What is padding is known from lengths, never from ids."""
    rows = [([1, 3, 2], [0, 1, 1]), ([1, 2], [0, 1])]
    np.testing.assert_array_equal(pad_rows(rows, 4, 2).answer_NT, [[0, 1, 1, 0], [0, 1, 0, 0]])
    np.testing.assert_array_equal(pad_rows(rows, 4, 2).lengths_N, [3, 2])
    packed = pack(rows, 6, 2)
    np.testing.assert_array_equal(packed.answer_NT, [[0, 1, 1, 0, 1, 0]])
    np.testing.assert_array_equal(packed.segments_NT, [[1, 1, 1, 2, 2, 0]])


def test_a_row_that_is_too_long_is_refused_not_cut():
    with pytest.raises(ValueError, match="conversation 2 has 3 tokens, more than the context of 2"):
        pad_rows([([1], [0]), ([1, 2, 3], [0, 1, 1])], 2, 0)
    with pytest.raises(ValueError, match="conversation 1 has 3 tokens, more than the context of 2"):
        pack([([1, 2, 3], [0, 1, 1])], 2, 0)
    with pytest.raises(ValueError, match=r"the tokenizer has no \[SOS\]"):
        make_template(train_characters(["abc"]))


@pytest.mark.parametrize("position", ["learned", "rotary", "alibi", "relative"])
def test_packed_conversations_have_the_loss_that_they_have_alone(position):
    rng = np.random.default_rng(2)
    rows = [(rng.integers(1, 11, n).tolist(), [0] + [1] * (n - 1)) for n in (5, 3, 7, 2, 4)]
    packed = pack(rows, 12, 0)
    assert len(packed.ids_NT) == 2 and int((packed.segments_NT > 0).sum()) == 21
    alone = pad_rows(rows, 12, 0)
    model = MODEL.clone(position=position)
    params = drawn(model, jnp.zeros((1, 5), jnp.int32), stddev=0.4)["params"]

    @jax.jit
    def loss(params, ids_NT, answer_NT, segments_NT):
        hidden = model.apply({"params": params}, ids_NT, True, segments_NT, method="hidden")
        return answer_loss(model.apply({"params": params}, hidden, method="logits"), ids_NT, answer_NT)

    both = loss(params, *packed), loss(params, alone.ids_NT, alone.answer_NT, np.zeros_like(alone.ids_NT))
    np.testing.assert_allclose(both[0], both[1], rtol=2e-5)
    assert float(both[0][1]) == 16


rollouts = jax.jit(partial(draw_answers, DECODER), static_argnames=("new_tokens", "end_id", "pad_id"))
OPTIONS = {"new_tokens": 6, "end_id": 2, "pad_id": 2}


def test_greedy_rollouts_are_those_of_generate():
    made = jax.device_get(rollouts(PARAMS, PROMPT_BL, LENGTHS_B, None, **OPTIONS))
    prompts = [row[:length].tolist() for row, length in zip(PROMPT_BL, LENGTHS_B, strict=True)]
    expected = completions(generate(DECODER, PARAMS, prompts, max_new_tokens=6, eos_id=2))
    for ids_T, answer_T, prompt, answer in zip(made.ids_BT, made.answer_BT, prompts, expected, strict=True):
        assert ids_T[: len(prompt)].tolist() == prompt
        assert ids_T[answer_T > 0].tolist() == answer


def test_scores_of_a_policy_that_has_not_moved_are_those_of_the_draw():
    """Ratio exactly 1 up to rounding: same temperature, no dropout, padding = end token in use."""
    sampling = Sampling(temperature=0.7)
    made = rollouts(PARAMS, PROMPT_BL, LENGTHS_B, jax.random.key(1), sampling=sampling, **OPTIONS)
    logits = method(MODEL)({"params": PARAMS}, made.ids_BT)
    scored = score_answers(logits, made.ids_BT, 0.7)
    real = np.asarray(made.answer_BT) > 0
    np.testing.assert_allclose(np.asarray(scored)[real], np.asarray(made.log_probs_BT)[real], atol=2e-5)
    assert np.abs(np.asarray(token_log_probs(logits, made.ids_BT)) - made.log_probs_BT)[real].max() > 0.01
    lengths = np.asarray(made.answer_BT).sum(axis=1)
    assert np.all((lengths < 6) <= (np.asarray(made.ended_B) == 1))


def test_scores_are_those_of_the_filters_that_answers_were_drawn_with():
    """Top 3 at a temperature: probabilities of the draw and of the score are shares of what was kept."""
    sampling = Sampling(temperature=0.7, top_k=3)
    made = rollouts(PARAMS, PROMPT_BL, LENGTHS_B, jax.random.key(1), sampling=sampling, **OPTIONS)
    logits_BTV = np.asarray(method(MODEL)({"params": PARAMS}, made.ids_BT))[:, :-1]
    kept_BTV = logits_BTV >= np.sort(logits_BTV, axis=-1)[..., -3:-2]
    scored = score_answers(np.pad(logits_BTV, ((0, 0), (0, 1), (0, 0))), made.ids_BT, 0.7, kept_BTV)
    real = np.asarray(made.answer_BT) > 0
    np.testing.assert_allclose(np.asarray(scored)[real], np.asarray(made.log_probs_BT)[real], atol=2e-5)
    shares_BTV = np.where(kept_BTV, np.exp(logits_BTV / 0.7), 0.0)
    shares_BTV /= shares_BTV.sum(axis=-1, keepdims=True)
    drawn_BT = np.take_along_axis(shares_BTV, np.asarray(made.ids_BT)[:, 1:, None], axis=2)[..., 0]
    np.testing.assert_allclose(np.exp(np.asarray(made.log_probs_BT))[real], drawn_BT[real[:, 1:]], rtol=1e-4)


def test_left_and_right_padded_prompts_have_the_same_answers():
    left_BL = np.array([[3, 4, 5, 6], [0, 0, 7, 8], [0, 0, 0, 9]])
    mask_BL = np.arange(4)[None] >= 4 - LENGTHS_B[:, None]
    moved_BL, lengths_B = to_the_left(left_BL, mask_BL)
    np.testing.assert_array_equal(moved_BL, PROMPT_BL)
    key = jax.random.key(3)
    made = [
        rollouts(PARAMS, ids, n, key, **OPTIONS)
        for ids, n in ((PROMPT_BL, LENGTHS_B), (np.asarray(moved_BL), np.asarray(lengths_B)))
    ]
    np.testing.assert_array_equal(made[0].ids_BT, made[1].ids_BT)


def test_a_row_draws_the_same_whatever_stands_beside_it_and_behind_its_prompt():
    key = jax.random.key(3)
    spoiled = np.where(np.arange(4)[None] < LENGTHS_B[:, None], PROMPT_BL, 10)
    a, b = (rollouts(PARAMS, ids, LENGTHS_B, key, **OPTIONS) for ids in (PROMPT_BL, spoiled))
    np.testing.assert_array_equal(a.ids_BT, b.ids_BT)
    np.testing.assert_array_equal(a.log_probs_BT, b.log_probs_BT)


def test_a_context_that_is_too_small_is_told():
    with pytest.raises(ValueError, match="a prompt of 4 tokens and an answer of 10 are more than the context of 13"):
        draw_answers(DECODER, PARAMS, PROMPT_BL, LENGTHS_B, None, new_tokens=10, end_id=2, pad_id=0)


def test_an_evaluation_tells_the_kl_at_the_temperature_that_answers_are_drawn_at():
    """One token an answer: the mean over many draws is the enumerated KL of the two tempered distributions."""
    count, temperature = 4096, 0.5
    policy = Policy(
        method="grpo",
        speaker=Speaker(MODEL, DECODER, 1, 2, 0),
        width=MODEL.embedding_dim,
        reward_model=MODEL,
        pooling=LAST,
        rule=None,
        prompts=1,
        group=2,
        epochs=1,
        minibatches=1,
        estimator="k3",
        weigh="token",
        missing_end=0.0,
    )
    other = jax.tree.map(lambda leaf: 0.8 * leaf, PARAMS)
    data = {"test_prompts": np.tile(PROMPT_BL[:1], (count, 1)), "test_lengths": np.tile(LENGTHS_B[:1], count)}
    data |= {"test_truth": np.full(count, -1), "reference_params": other}
    data |= {"reward_params": with_head(PARAMS, SCORE, MODEL.embedding_dim)}
    hparams = {"answer_temperature": temperature, "beta": 0.1}
    told = jax.jit(partial(evaluate, policy, split="test"))(PARAMS, data, hparams)
    own_V, other_V = (
        jax.nn.log_softmax(method(MODEL)({"params": params}, PROMPT_BL[:1])[0, LENGTHS_B[0] - 1] / temperature)
        for params in (PARAMS, other)
    )
    exact = float(exact_kl(own_V, other_V))
    assert float(told["kl"][0] / told["kl"][1]) == pytest.approx(exact, rel=0.1)
    plain_V = (jax.nn.log_softmax(leaf_V * temperature) for leaf_V in (own_V, other_V))
    assert float(exact_kl(*plain_V)) != pytest.approx(exact, rel=0.3)
