"""Beam search: against all texts there are, written out; a beam of one against greedy; scores and stops by hand."""

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from nn_core.generation import beam
from nn_core.generation.beam import BeamSearch
from nn_core.generation.decode import completions, generate
from nn_core.generation.tree import tree_nodes
from tests.generation.toys import (
    MARKOV,
    Traces,
    make_window_decoder,
    make_window_params,
    window_logits,
)

CONTEXT = 11
DECODER = make_window_decoder(CONTEXT)
PARAMS = make_window_params(CONTEXT)
PROMPTS = [[3], [1, 2, 3, 4, 5], [6, 0, 2], list(range(7)) * 2]


def beam_search(*arguments: Any, **options: Any) -> BeamSearch:
    """What it finds, on the host."""
    return jax.device_get(beam.beam_search(*arguments, **options))


def log_softmax(logits_V: np.ndarray) -> np.ndarray:
    shifted_V = np.asarray(logits_V, np.float64) - np.max(logits_V)
    return shifted_V - np.log(np.exp(shifted_V).sum())


def every_text(
    params: dict, prompt: Sequence[int], new: int, eos_id: int | None, penalty: float, vocabulary: int
) -> list[tuple[float, float, list[int]]]:
    """All texts of up to ``new`` tokens as (score, log p, tokens), the best first."""
    texts = {}
    for tokens in itertools.product(range(vocabulary), repeat=new):
        end = tokens.index(eos_id) + 1 if eos_id in tokens else new
        texts[tokens[:end]] = None
    scored = []
    for text in texts:
        log_prob = sum(
            log_softmax(window_logits(params, [*prompt, *text[:position]]))[token]
            for position, token in enumerate(text)
        )
        scored.append((log_prob / len(text) ** penalty, log_prob, list(text)))
    return sorted(scored, reverse=True)


def texts_of(search: BeamSearch, prompt: int) -> list[list[int]]:
    ids_KN, lengths_K = np.asarray(search.ids_PKN)[prompt], np.asarray(search.lengths_PK)[prompt]
    return [ids_N[:length].tolist() for ids_N, length in zip(ids_KN, lengths_K, strict=True)]


@pytest.mark.parametrize("penalty", [0.0, 1.0, 2.0, -0.5])
@pytest.mark.parametrize("eos_id", [None, 2])
def test_a_wide_beam_is_exhaustive_search(penalty: float, eos_id: int | None) -> None:
    params = make_window_params(CONTEXT, seed=1, vocabulary=3)
    prompts = [[0], [1, 2, 1]]
    search = beam_search(
        DECODER, params, prompts, num_beams=81, length_penalty=penalty, max_new_tokens=4, eos_id=eos_id
    )
    for row, prompt in enumerate(prompts):
        expected = every_text(params, prompt, 4, eos_id, penalty, 3)
        count = len(expected)
        assert texts_of(search, row)[:count] == [text for _, _, text in expected]
        np.testing.assert_allclose(search.scores_PK[row, :count], [score for score, _, _ in expected], rtol=2e-5)
        np.testing.assert_allclose(search.log_probs_PK[row, :count], [log_p for _, log_p, _ in expected], rtol=2e-5)
        assert np.isneginf(search.log_probs_PK[row, count:]).all()


def beam_by_lists(
    params: dict, prompt: list[int], beams: int, new: int, eos_id: int, penalty: float
) -> list[list[int]]:
    """The rule of the module in plain Python, run to the longest length: the finished texts, best first."""
    growing, finished = [(0.0, [])], []
    for step in range(new):
        candidates = []
        for log_prob, text in growing:
            logs_V = log_softmax(window_logits(params, [*prompt, *text]))
            candidates += [(log_prob + logs_V[token], [*text, token]) for token in range(len(logs_V))]
        candidates = sorted(candidates, key=lambda one: one[0], reverse=True)[: 2 * beams]
        last = step + 1 == new
        finished += [one for one in candidates[:beams] if one[1][-1] == eos_id or last]
        growing = [one for one in candidates if one[1][-1] != eos_id][:beams]
    ranked = sorted(finished, key=lambda one: one[0] / len(one[1]) ** penalty, reverse=True)
    return [text for _, text in ranked[:beams]]


@pytest.mark.parametrize("penalty", [0.0, 1.0, 3.0])
def test_a_narrow_beam_equals_the_rule_in_plain_python(penalty: float) -> None:
    search = beam_search(DECODER, PARAMS, PROMPTS, num_beams=3, length_penalty=penalty, max_new_tokens=6, eos_id=4)
    for row, prompt in enumerate(PROMPTS[:3]):
        assert texts_of(search, row) == beam_by_lists(PARAMS, prompt, 3, 6, 4, penalty)


def test_it_finds_what_transformers_finds() -> None:
    """tests/golden/write_beams.py wrote it; "never" there is the exact bound of the search here."""
    content = json.loads(Path("tests/golden/beams.json").read_text(encoding="utf-8"))
    compared = 0
    for case in content["cases"]:
        table_VV = (1.5 * np.random.default_rng(case["seed"]).normal(size=(7, 7))).astype(np.float32)
        options = {"length_penalty": case["penalty"], "early_stopping": case["early"], "max_new_tokens": 9, "eos_id": 4}
        search = beam_search(MARKOV, table_VV, [[0]], num_beams=case["beams"], **options)
        np.testing.assert_allclose(search.scores_PK[0], case["scores"], rtol=1e-4)
        for place, (found, expected) in enumerate(zip(texts_of(search, 0), case["texts"], strict=True)):
            # A chain has texts of equal probability, of which each search keeps another.
            if np.sum(np.isclose(case["scores"], case["scores"][place], rtol=1e-5)) == 1 and place + 1 < case["beams"]:
                assert found == expected
                compared += 1
    assert len(content["cases"]) == 108 and compared > 150


@pytest.mark.parametrize("penalty", [0.0, 1.0])
@pytest.mark.parametrize("eos_id", [None, 0, 6])
def test_a_beam_of_one_is_greedy_also_past_the_window(penalty: float, eos_id: int | None) -> None:
    options = {"max_new_tokens": 30, "eos_id": eos_id}
    search = beam_search(DECODER, PARAMS, PROMPTS, num_beams=1, length_penalty=penalty, **options)
    greedy = jax.device_get(generate(DECODER, PARAMS, PROMPTS, **options))
    assert [texts_of(search, row)[0] for row in range(len(PROMPTS))] == completions(greedy)
    np.testing.assert_allclose(search.log_probs_PK[:, 0], greedy.log_probs_BN.sum(axis=1), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(search.ended_PK[:, 0], greedy.stopped_B)


def test_a_wider_beam_finds_what_greedy_misses() -> None:
    # After 0 the token 1 is likelier (.6), but whatever follows it is spread thin; 2 (.4) leads to 3 for certain.
    probabilities = np.full((5, 5), 1e-9)
    probabilities[0, 1:3] = [0.6, 0.4]
    probabilities[1, :4] = 0.25
    probabilities[2, 3] = 1.0
    probabilities[3, 3] = 1.0
    table = np.log(probabilities).astype(np.float32)
    greedy = completions(generate(MARKOV, table, [[0]], max_new_tokens=2))
    search = beam_search(MARKOV, table, [[0]], num_beams=3, max_new_tokens=2)
    assert greedy[0][0] == 1
    assert texts_of(search, 0)[0] == [2, 3]
    np.testing.assert_allclose(search.log_probs_PK[0, :2], [np.log(0.4), np.log(0.6 * 0.25)], rtol=1e-5)


@pytest.mark.parametrize("limit", [{"max_new_tokens": 19}, {"max_length": 17, "num_return_sequences": 1}])
def test_prompts_of_a_batch_equal_the_prompts_alone(limit: dict[str, int]) -> None:
    options = {"num_beams": 3, "eos_id": 4, "length_penalty": 0.7, **limit}
    batch = beam_search(DECODER, PARAMS, PROMPTS, **options)
    for row, prompt in enumerate(PROMPTS):
        alone = beam_search(DECODER, PARAMS, [prompt], **options)
        assert texts_of(alone, 0) == texts_of(batch, row)
        np.testing.assert_allclose(alone.scores_PK[0], batch.scores_PK[row], rtol=1e-5)


def test_a_batch_that_shrinks_finds_what_the_whole_batch_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts end at different steps: 19 prompts go on as 4 and as 1, past their windows too."""
    prompts = [[1 + row % 5, row % 3, *range(row % 7)] for row in range(19)]
    options = {"num_beams": 3, "eos_id": 4, "length_penalty": 0.7, "max_new_tokens": 23, "num_return_sequences": 1}
    monkeypatch.setattr(beam, "MANY_PROMPTS", 100)
    whole = beam_search(make_window_decoder(CONTEXT), PARAMS, prompts, **options)
    monkeypatch.setattr(beam, "MANY_PROMPTS", 4)
    parts = beam_search(make_window_decoder(CONTEXT), PARAMS, prompts, **options)
    assert len(set(whole.lengths_PK[:, 0].tolist())) > 3
    kept_NPM = whole.tree.kept_NPM
    for found, expected in zip(parts.tree, whole.tree, strict=True):  # what is not kept has no meaning
        np.testing.assert_allclose(np.where(kept_NPM, found, 0), np.where(kept_NPM, expected, 0), rtol=1e-5)
    np.testing.assert_array_equal(parts.ids_PKN, whole.ids_PKN)
    for found, expected in zip(parts[1:-1], whole[1:-1], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5)  # products of fewer rows round in another order


def stopping_table() -> np.ndarray:
    """From 0: the end (4) with .5, or a long text of certain tokens 1, 1, 1, ... with .3, 2 with .2."""
    probabilities = np.full((5, 5), 1e-12)
    probabilities[0, [4, 1, 2]] = [0.5, 0.3, 0.2]
    probabilities[1, 1] = 1.0
    probabilities[2:, 4] = 1.0
    return np.log(probabilities).astype(np.float32)


def test_early_stopping_takes_the_first_text_and_patience_the_best() -> None:
    options = {"num_beams": 3, "num_return_sequences": 1, "max_new_tokens": 10, "eos_id": 4}
    table = stopping_table()
    patient = beam_search(MARKOV, table, [[0]], length_penalty=1.0, **options)
    assert texts_of(patient, 0)[0] == [1] * 10
    np.testing.assert_allclose(patient.scores_PK[0, 0], np.log(0.3) / 10, rtol=1e-5)
    early = beam_search(MARKOV, table, [[0]], length_penalty=1.0, early_stopping=True, **options)
    # After one token [4] leads with log .5; early stopping looks no further.
    assert texts_of(early, 0)[0] == [4]
    assert early.lengths_PK.max() == 1
    sums = beam_search(MARKOV, table, [[0]], length_penalty=0.0, **options)
    assert texts_of(sums, 0)[0] == [4]
    assert sums.lengths_PK.max() == 1


def test_values_and_lengths_do_not_compile_again() -> None:
    traces = Traces()
    decoder = make_window_decoder(CONTEXT, traces=traces)
    beam_search(decoder, PARAMS, PROMPTS[:2], num_beams=2, max_new_tokens=3)
    first = (traces.steps, traces.prefills)
    beam_search(
        decoder,
        PARAMS,
        PROMPTS[2:],
        num_beams=2,
        max_length=90,
        length_penalty=2.0,
        early_stopping=True,
        eos_id=1,
        num_return_sequences=1,
    )
    assert (traces.steps, traces.prefills) == first


def test_the_tree_holds_every_kept_hypothesis_and_ends_in_the_returned_texts() -> None:
    search = beam_search(DECODER, PARAMS, PROMPTS, num_beams=3, max_new_tokens=7, eos_id=4, length_penalty=0.5)
    for row, prompt in enumerate(PROMPTS[:3]):
        nodes = tree_nodes(search, row)
        paths = []
        for node in nodes:
            text, index = [node.token], node.parent
            while index >= 0:
                text, index = [nodes[index].token, *text], nodes[index].parent
            paths.append(text)
            assert len(text) == node.step
            if len(prompt) + node.step <= CONTEXT:
                log_prob = sum(
                    log_softmax(window_logits(PARAMS, [*prompt, *text[:position]]))[token]
                    for position, token in enumerate(text)
                )
                np.testing.assert_allclose(node.log_prob, log_prob, rtol=1e-4, atol=1e-5)
        assert len({tuple(path) for path in paths}) == len(paths)
        found = texts_of(search, row)
        for text in found:
            assert nodes[paths.index(text)].returned is not None
        best = [path for path, node in zip(paths, nodes, strict=True) if node.returned == 0]
        assert best == [found[0][:length] for length in range(1, len(found[0]) + 1)]


def test_the_tree_of_a_beam_of_one_is_one_path() -> None:
    search = beam_search(DECODER, PARAMS, PROMPTS, num_beams=1, max_new_tokens=4)
    nodes = tree_nodes(search)
    assert [node.parent for node in nodes] == [-1, 0, 1, 2]
    assert [node.token for node in nodes] == texts_of(search, 0)[0]
    assert all(node.returned == 0 and node.rank == 0 for node in nodes)


def test_bad_requests_are_one_line() -> None:
    for options, message in (
        ({"num_beams": 0}, "num_beams=0 must be at least 1"),
        ({"num_beams": 2, "num_return_sequences": 3}, "num_return_sequences=3 is more than num_beams=2"),
        ({"num_beams": 1, "num_return_sequences": 2}, "num_return_sequences=2 is more than num_beams=1"),
        ({"num_beams": 2, "max_length": 5}, "max_new_tokens=3 conflicts with max_length=5"),
    ):
        with pytest.raises(ValueError, match=message) as error:
            beam_search(DECODER, PARAMS, [[1, 2]], max_new_tokens=3, **options)
        assert "\n" not in str(error.value)
