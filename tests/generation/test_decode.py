"""The decoding loop: equal to decoding without a cache, row by row, piece by piece, and compiled once."""

import jax
import numpy as np
import pytest
from scipy import special, stats

from nn_core.generation.decode import begin, completions, generate, generate_chunk, result, running_rows
from nn_core.generation.filters import Sampling
from tests.generation.toys import (
    MARKOV,
    RECURRENT,
    VOCABULARY,
    Traces,
    greedy_without_cache,
    make_window_decoder,
    make_window_params,
    random_table,
    recurrent_greedy,
)

CONTEXT = 11
DECODER = make_window_decoder(CONTEXT)
WITHOUT_PREFILL = make_window_decoder(CONTEXT, prefill=False)
PARAMS = make_window_params(CONTEXT)
PROMPTS = [[3], [1, 2, 3, 4, 5], [6, 0, 2], list(range(7)) * 2]


@pytest.mark.parametrize("prefill", [True, False])
@pytest.mark.parametrize("keep", [1, 5, CONTEXT])
def test_greedy_with_a_cache_equals_greedy_without_one_also_past_the_window(prefill: bool, keep: int) -> None:
    decoder = DECODER if prefill else WITHOUT_PREFILL
    texts = completions(generate(decoder, PARAMS, PROMPTS, max_new_tokens=29, keep=keep))
    expected = [greedy_without_cache(PARAMS, prompt, 29, CONTEXT, keep) for prompt in PROMPTS]
    assert texts == expected


def test_a_window_longer_than_one_piece_is_read_in_pieces() -> None:
    context = 2 * 32 + 7
    decoder, params = make_window_decoder(context), make_window_params(context, seed=4)
    prompt = np.random.default_rng(0).integers(0, VOCABULARY, 3 * context).tolist()
    prompts = [prompt, prompt[:40], prompt[:70], prompt[:33]]
    texts = completions(generate(decoder, params, prompts, max_new_tokens=90, keep=67))
    assert texts == [greedy_without_cache(params, prompt, 90, context, 67) for prompt in prompts]


def test_a_recurrent_model_takes_every_token_in_once() -> None:
    params = make_window_params(CONTEXT, seed=3)
    prompts = [*PROMPTS, [2, 5] * 50]
    for new_tokens in (3, 40):
        texts = completions(generate(RECURRENT, params, prompts, max_new_tokens=new_tokens))
        assert texts == [recurrent_greedy(params, prompt, new_tokens) for prompt in prompts]


def test_only_the_rows_that_are_full_are_read_again() -> None:
    request, progress = begin(DECODER, PARAMS, [[1], [1, 2, 3], [4] * 11, [2]], max_new_tokens=9)
    progress = generate_chunk(DECODER, PARAMS, request, progress, 9)
    # All but the last token of each prompt; the third row is full after 1 token and after 7 more and keeps half twice.
    kept = CONTEXT // 2
    assert progress.cache["read"].tolist() == [0, 2, 10 + 2 * (kept - 1), 0]
    assert progress.cache["steps"] == 9


def test_half_the_window_is_kept_unless_said_otherwise() -> None:
    texts = completions(generate(DECODER, PARAMS, PROMPTS, max_new_tokens=40))
    half, whole = (
        [greedy_without_cache(PARAMS, prompt, 40, CONTEXT, keep) for prompt in PROMPTS]
        for keep in (CONTEXT // 2, CONTEXT)
    )
    assert texts == half
    assert texts[0] != whole[0]


def test_greedy_is_temperature_zero_and_top_k_one_whatever_the_seed() -> None:
    greedy = completions(generate(DECODER, PARAMS, PROMPTS, max_new_tokens=23))
    for seed in (0, 1):
        key = jax.random.key(seed)
        for sampling in (
            Sampling(temperature=0.0),
            Sampling(temperature=0.0, top_k=5, top_p=0.9, repetition_penalty=1.0),
            Sampling(temperature=1.0, top_k=1, top_p=1.0, repetition_penalty=1.0),
            Sampling(temperature=1.0, top_k=7, top_p=1e-6, repetition_penalty=1.0),
        ):
            drawn = generate(DECODER, PARAMS, PROMPTS, key=key, sampling=sampling, max_new_tokens=23)
            assert completions(drawn) == greedy


def test_a_seed_repeats_a_text_and_another_seed_changes_it() -> None:
    def text(seed: int) -> list[list[int]]:
        key, sampling = jax.random.key(seed), Sampling(temperature=1.0)
        return completions(generate(DECODER, PARAMS, PROMPTS, key=key, sampling=sampling, max_new_tokens=23))

    assert text(1) == text(1)
    assert text(1) != text(2)


def test_transitions_of_generated_texts_fit_the_chain() -> None:
    table = random_table(3) / 2
    texts = completions(generate(MARKOV, table, [[0]] * 40, key=jax.random.key(0), max_new_tokens=250))
    counts = np.zeros((VOCABULARY, VOCABULARY))
    for text in texts:
        np.add.at(counts, (text[:-1], text[1:]), 1)
    expected = counts.sum(axis=1, keepdims=True) * special.softmax(table.astype(np.float64), axis=1)
    statistic = ((counts - expected) ** 2 / expected).sum()
    assert expected.min() > 5
    assert stats.chi2.sf(statistic, VOCABULARY * (VOCABULARY - 1)) > 1e-3


def test_rows_of_a_batch_equal_the_rows_alone() -> None:
    row_keys = jax.random.split(jax.random.key(7), len(PROMPTS))
    sampling = Sampling(temperature=0.9, top_k=5, top_p=0.95, repetition_penalty=1.3)
    options = {"sampling": sampling, "max_new_tokens": 31, "eos_id": 4}
    batch = jax.device_get(generate(DECODER, PARAMS, PROMPTS, key=row_keys, **options))
    for row, prompt in enumerate(PROMPTS):
        alone = jax.device_get(generate(DECODER, PARAMS, [prompt], key=row_keys[row : row + 1], **options))
        np.testing.assert_array_equal(alone.ids_BN[0], batch.ids_BN[row])
        np.testing.assert_allclose(alone.log_probs_BN[0], batch.log_probs_BN[row], rtol=1e-5, atol=1e-6)
    by_key = generate(DECODER, PARAMS, PROMPTS, key=jax.random.key(3), **options)
    folded = jax.vmap(jax.random.fold_in, (None, 0))(jax.random.key(3), np.arange(len(PROMPTS)))
    by_row = generate(DECODER, PARAMS, PROMPTS, key=folded, **options)
    np.testing.assert_array_equal(by_key.ids_BN, by_row.ids_BN)


@pytest.mark.parametrize("pieces", [[7, 1, 23], [1] * 31, [31], [40]])
def test_pieces_give_the_text_of_one_call(pieces: list[int]) -> None:
    sampling = Sampling(temperature=1.1, top_k=6, top_p=0.99, repetition_penalty=1.1)
    options = {"key": jax.random.key(5), "sampling": sampling, "max_new_tokens": 31, "eos_id": 0}
    whole = generate(DECODER, PARAMS, PROMPTS, **options)
    request, progress = begin(DECODER, PARAMS, PROMPTS, **options)
    for piece in pieces:
        progress = generate_chunk(DECODER, PARAMS, request, progress, piece)
    assert not running_rows(request, progress).any()
    for one, other in zip(whole, result(progress), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_row_stops_at_the_end_token_and_the_others_go_on() -> None:
    cycle = np.log(np.roll(np.eye(VOCABULARY), 1, axis=1) + 1e-9).astype(np.float32)
    options = {"eos_id": 5, "sampling": Sampling(repetition_penalty=1.0)}  # one program with the test of the penalty
    generation = jax.device_get(generate(MARKOV, cycle, [[0], [3], [5, 6]], max_new_tokens=6, pad_id=9, **options))
    assert completions(generation) == [[1, 2, 3, 4, 5], [4, 5], [0, 1, 2, 3, 4, 5]]
    assert generation.stopped_B.tolist() == [True, True, True]
    assert set(generation.ids_BN[1, 2:].tolist()) == {9}
    assert generation.log_probs_BN[1, 2:].tolist() == [0.0] * (generation.log_probs_BN.shape[1] - 2)
    cut = generate(MARKOV, cycle, [[0], [3], [5]], max_new_tokens=3, **options)
    assert completions(cut) == [[1, 2, 3], [4, 5], [6, 0, 1]]
    assert cut.stopped_B.tolist() == [False, True, False]


def test_lengths_are_exact_for_both_meanings() -> None:
    lengths = [len(prompt) for prompt in PROMPTS]
    new = generate(DECODER, PARAMS, PROMPTS, max_new_tokens=17)
    assert new.lengths_B.tolist() == [17] * 4
    total = generate(DECODER, PARAMS, PROMPTS, max_length=17)
    assert (np.asarray(total.lengths_B) + np.array(lengths)).tolist() == [17] * 4
    whole = completions(new)
    assert completions(total) == [text[: 17 - length] for text, length in zip(whole, lengths, strict=True)]


def test_no_row_leaves_its_window_not_even_when_it_has_finished() -> None:
    request, progress = begin(DECODER, PARAMS, [[1], [2] * 9, [3] * 30, [4]], max_new_tokens=CONTEXT)
    for _ in range(CONTEXT + 2):
        progress = generate_chunk(DECODER, PARAMS, request, progress, 1)
        going_on = np.asarray(running_rows(request, progress))
        # A row that goes on may be full until the next call makes room; one that has finished stays where it was.
        assert (np.asarray(progress.text.positions_B) <= np.where(going_on, CONTEXT, CONTEXT - 1)).all()


def test_log_probs_are_those_of_the_model_without_filters() -> None:
    table = random_table(2)
    sampling = Sampling(temperature=0.5, top_k=3, repetition_penalty=1.5)
    generation = generate(MARKOV, table, [[2]], key=jax.random.key(0), sampling=sampling, max_new_tokens=50)
    text = [2, *completions(generation)[0]]
    log_probs = special.log_softmax(table.astype(np.float64), axis=1)
    expected = [log_probs[last, token] for last, token in zip(text, text[1:], strict=False)]
    np.testing.assert_allclose(np.asarray(generation.log_probs_BN)[0, :50], expected, rtol=1e-5, atol=1e-6)


def test_several_sequences_per_prompt_are_different_rows_next_to_each_other() -> None:
    options = {"key": jax.random.key(0), "sampling": Sampling(temperature=1.0), "max_new_tokens": 20}
    several = completions(generate(DECODER, PARAMS, PROMPTS[:2], num_return_sequences=2, **options))
    repeated = [PROMPTS[0]] * 2 + [PROMPTS[1]] * 2
    assert several == completions(generate(DECODER, PARAMS, repeated, **options))
    assert len({tuple(text) for text in several}) == 4


def test_the_repetition_penalty_knows_the_prompt_and_the_new_tokens() -> None:
    table = np.tile(np.arange(VOCABULARY, 0, -1, dtype=np.float32), (VOCABULARY, 1))
    sampling = Sampling(repetition_penalty=1000.0)
    generation = generate(MARKOV, table, [[0, 2], [1, 1], [6, 5, 4]], sampling=sampling, max_new_tokens=5)
    assert completions(generation) == [[1, 3, 4, 5, 6], [0, 2, 3, 4, 5], [0, 1, 2, 3, 0]]


def test_the_repetition_penalty_remembers_what_the_context_has_no_room_for() -> None:
    params = {name: np.zeros_like(value) for name, value in PARAMS.items()}
    params["weight"][:, :] = 1 / CONTEXT
    params["table"][1] = [2, 1, 9, 3, 4, 8, 0]  # a text of ones wants 2, then 5, then 4
    options = {"sampling": Sampling(repetition_penalty=1000.0), "max_new_tokens": 1}
    long, longer = [5, 5] + [1] * (CONTEXT - 2), [2, 2, 5] + [1] * (5 * CONTEXT)
    assert completions(generate(DECODER, params, [long, longer, [1]], **options)) == [[2], [4], [2]]


def test_values_and_lengths_do_not_compile_again() -> None:
    traces = Traces()
    decoder = make_window_decoder(CONTEXT, traces=traces)

    def run(prompts: list[list[int]], seed: int, new: int, *values: float, eos_id: int | None = None) -> None:
        generate(
            decoder,
            PARAMS,
            prompts,
            key=jax.random.key(seed),
            sampling=Sampling(*values),
            max_new_tokens=new,
            eos_id=eos_id,
        )

    run([[1], [2, 3]], 0, 5, 1.0, 3, 0.9, 0.0, 1.0)
    first = (traces.steps, traces.prefills)
    run([[1], [2, 3]], 1, 5, 1.0, 3, 0.9, 0.0, 1.0)
    run([[1] * 9, [2] * 40], 1, 200, 0, 1, 1, 1, 2, eos_id=6)
    run([[5] * 3, [2]], 2, 1, 0.7, 1000, 0.5, 0.3, 1.2, eos_id=0)
    assert (traces.steps, traces.prefills) == first
    # One program reads prompts (tracing a step for the shape of the logits), one decodes and reads full windows again.
    assert first[0] <= 4 and first[1] <= 3


def test_one_position_is_enough() -> None:
    decoder, params = make_window_decoder(1), make_window_params(1)
    texts = completions(generate(decoder, params, [[1], [2, 3, 4]], max_new_tokens=9))
    assert texts == [greedy_without_cache(params, prompt, 9, 1, 1) for prompt in ([1], [2, 3, 4])]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_new_tokens": 3, "max_length": 9}, "max_new_tokens=3 conflicts with max_length=9"),
        ({}, "the length is open"),
        ({"max_new_tokens": 0}, "max_new_tokens=0 must be at least 1"),
        ({"max_length": 2}, "max_length=2 counts the prompt and leaves no room after a prompt of 2 tokens"),
        ({"max_new_tokens": 3, "sampling": Sampling(temperature=0.5)}, "temperature=0.5 has no effect without a key"),
        ({"max_new_tokens": 3, "num_return_sequences": 2}, "num_return_sequences=2 repeats one text"),
        ({"max_new_tokens": 3, "num_return_sequences": 0}, "num_return_sequences=0 must be at least 1"),
        ({"max_new_tokens": 3, "keep": CONTEXT + 1}, "keep=12 is outside 1 .. context_size=11"),
        ({"max_new_tokens": 3, "sampling": Sampling(repetition_penalty=0.0)}, "repetition_penalty=0.0 must be > 0"),
        ({"max_new_tokens": 3, "key": 3}, "key has the shape"),
        ({"max_new_tokens": 3, "key": 1, "sampling": Sampling(top_k=9, width=4)}, "top_k=9 is more than width=4"),
    ],
)
def test_bad_requests_are_one_line(options: dict, message: str) -> None:
    if "key" in options:
        key = jax.random.key(0)
        options = options | {"key": jax.random.split(key, 3) if options["key"] == 3 else key}
    with pytest.raises(ValueError, match="^" + message) as error:
        generate(DECODER, PARAMS, [[1, 2]], **options)
    assert "\n" not in str(error.value)


def test_empty_prompts_are_errors() -> None:
    with pytest.raises(ValueError, match="prompt 1 is empty"):
        generate(DECODER, PARAMS, [[1], []], max_new_tokens=3)
    with pytest.raises(ValueError, match="give at least one prompt"):
        generate(DECODER, PARAMS, [], max_new_tokens=3)
    with pytest.raises(ValueError, match="keep=3 has no effect"):
        generate(MARKOV, random_table(0), [[1]], max_new_tokens=3, keep=3)
