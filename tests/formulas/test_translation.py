"""BLEU's formula against sacrebleu, the library that the runs are judged by; and counts by hand."""

import numpy as np
import pytest

from nn_core.formulas.translation import bleu, clipped_counts

CANDIDATES = ["the cat sat on the red mat today", "a dog runs in the green park now", "he reads the old book"]
REFERENCES = ["the cat sat on the mat today", "a dog runs in the big green park", "he reads an old book at home now"]


def test_bleu_is_sacrebleus() -> None:
    sacrebleu = pytest.importorskip("sacrebleu")
    counts = [clipped_counts(c.split(), r.split()) for c, r in zip(CANDIDATES, REFERENCES, strict=True)]
    clipped, found = (np.sum([pair[side] for pair in counts], axis=0) for side in (0, 1))
    lengths = [sum(len(text.split()) for text in texts) for texts in (CANDIDATES, REFERENCES)]
    score = sacrebleu.corpus_bleu(CANDIDATES, [REFERENCES], tokenize="none")
    np.testing.assert_array_equal(score.counts, clipped)
    np.testing.assert_array_equal(score.totals, found)
    assert 100 * float(bleu(clipped, found, *map(float, lengths))) == pytest.approx(score.score, abs=1e-4)
    assert score.bp < 1 or lengths[0] >= lengths[1]


def test_a_shorter_corpus_is_penalised() -> None:
    counts = clipped_counts("he reads the old book".split(), "he reads the old book at home".split())
    assert float(bleu(*counts, 5.0, 7.0)) == pytest.approx(np.exp(1 - 7 / 5), abs=1e-6)
