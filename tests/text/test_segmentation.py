"""The segmentations of a Unigram tokenizer: against all that there are, written out."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest

from nn_core.data.text import generated_text
from nn_core.text.segmentation import best_segmentations, pieces_of, sample_segmentation
from nn_core.text.tokenizers import make_tokenizer

TOKENIZER = make_tokenizer("unigram", [generated_text(num_characters=3001)], vocabulary_size=97)
TEXT = "the song\n slowly"


def all_segmentations() -> dict[tuple[str, ...], float]:
    """Every cut of the text into known pieces, and its log-probability."""
    scores = pieces_of(TOKENIZER).scores
    parts = []
    for word in ("▁the", "▁song", "\n", "▁slowly"):
        cuts = []
        for chosen in itertools.product((False, True), repeat=len(word) - 1):
            places = [0, *(i + 1 for i, cut in enumerate(chosen) if cut), len(word)]
            pieces = tuple(word[a:b] for a, b in itertools.pairwise(places))
            if all(piece in scores for piece in pieces):
                cuts.append((pieces, sum(scores[piece] for piece in pieces)))
        parts.append(cuts)
    return {
        sum((pieces for pieces, _ in combination), ()): sum(score for _, score in combination)
        for combination in itertools.product(*parts)
    }


def test_the_best_are_the_best_of_all() -> None:
    everything = all_segmentations()
    ranked = sorted(everything.values(), reverse=True)
    found = best_segmentations(TOKENIZER, TEXT, 12)
    assert len(everything) > 20
    np.testing.assert_allclose([one.log_prob for one in found], ranked[:12], rtol=1e-9)
    assert all(math.isclose(everything[one.tokens], one.log_prob, rel_tol=1e-9) for one in found)
    assert len({one.tokens for one in found}) == 12


def test_the_first_is_what_the_tokenizer_takes() -> None:
    for text in ("the sea sees", "an old stone, a new one", " two  blanks"):
        assert best_segmentations(TOKENIZER, text, 1)[0].tokens == tuple(TOKENIZER.tokens(TOKENIZER.encode(text)))


def test_draws_have_their_probability() -> None:
    everything, alpha, draws = all_segmentations(), 0.3, 1500
    generator = np.random.default_rng(0)
    counts = Counter(sample_segmentation(TOKENIZER, TEXT, alpha, generator).tokens for _ in range(draws))
    logs = np.array([alpha * score for score in everything.values()])
    shares = np.exp(logs - np.logaddexp.reduce(logs))
    observed = np.array([counts[tokens] / draws for tokens in everything])
    assert sum(counts.values()) == draws and set(counts) <= set(everything)
    # Five standard errors of a share.
    assert np.all(np.abs(observed - shares) < 5 * np.sqrt(shares * (1 - shares) / draws) + 1e-9)


def test_a_large_alpha_takes_the_best_and_unknown_characters_are_spelt() -> None:
    drawn = sample_segmentation(TOKENIZER, "the sea", 200.0, np.random.default_rng(1))
    assert drawn == best_segmentations(TOKENIZER, "the sea", 1)[0]
    assert "[UNK]" in best_segmentations(TOKENIZER, "sea 日", 1)[0].tokens
    pieces = make_tokenizer("sentencepiece", [generated_text(num_characters=3001)], vocabulary_size=353)
    tokens = best_segmentations(pieces, "日", 1)[0].tokens
    assert tokens == ("▁", "<0xE6>", "<0x97>", "<0xA5>") == tuple(pieces.tokens(pieces.encode("日")))


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="a BPE tokenizer has one segmentation"):
        best_segmentations(make_tokenizer("bpe", ["abc abd"], vocabulary_size=20), "abc", 1)
    with pytest.raises(ValueError, match="number=0 must be at least 1"):
        best_segmentations(TOKENIZER, "sea", 0)
    with pytest.raises(ValueError, match="alpha=-1 must be 0 or more"):
        sample_segmentation(TOKENIZER, "sea", -1, np.random.default_rng(0))
