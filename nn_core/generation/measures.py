"""Measures of generated texts: diversity, repetition and likelihood, for a table of strategies (F197).

Texts are sequences of tokens of any kind that can be compared: ids, characters or words.
"""

import math
from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np

Text = Sequence[Hashable]


def ngrams(text: Text, order: int) -> list[tuple[Hashable, ...]]:
    """All runs of ``order`` tokens, in order; none if the text is shorter.

    Raises:
        ValueError: for an order below 1.
    """
    if order < 1:
        raise ValueError(f"order={order} must be at least 1; 1 counts single tokens")
    return [tuple(text[start : start + order]) for start in range(len(text) - order + 1)]


def distinct_n(texts: Sequence[Text], order: int) -> float:
    """Diversity over all texts: number of different n-grams / number of n-grams (Li et al. 2016, distinct-n).

    Args:
        texts: any number of texts.
        order: n >= 1.

    Returns:
        In (0, 1], higher is more varied; nan if there are no n-grams.
    """
    runs = [run for text in texts for run in ngrams(text, order)]
    return len(set(runs)) / len(runs) if runs else math.nan


def repetition_rate(texts: Sequence[Text], order: int = 4) -> float:
    """Share of a text's n-grams that are repetitions: mean of 1 - different / all (Welleck et al. 2020, seq-rep-n).

    Args:
        texts: any number of texts; those shorter than ``order`` are left out.
        order: n >= 1.

    Returns:
        In [0, 1), 0 where no text repeats itself; nan where every text is shorter than ``order``.
    """
    rates = []
    for text in texts:
        runs = ngrams(text, order)
        if runs:
            rates.append(1 - len(set(runs)) / len(runs))
    return float(np.mean(rates)) if rates else math.nan


def self_bleu(texts: Sequence[Text], max_order: int = 4) -> float:
    """Mean BLEU of each text against all others: high if texts resemble each other (Zhu et al. 2018, Texygen).

    BLEU = brevity * exp(mean over n = 1 .. max_order of log precision_n), with the clipped precision of Papineni et al.
    2002; for n > 1 one is added to both counts (Lin and Och 2004), so that short texts without a common 4-gram
    are not all 0. brevity = exp(1 - r / c) where a text (length c) is shorter than the other one nearest in length (r).

    Args:
        texts: at least two.
        max_order: longest n-gram, >= 1.

    Returns:
        In [0, 1], lower is more varied.

    Raises:
        ValueError: for fewer than two texts.
    """
    if len(texts) < 2:
        raise ValueError(f"self_bleu compares texts with each other and got {len(texts)}; give at least 2")
    counts = [[Counter(ngrams(text, order)) for order in range(1, max_order + 1)] for text in texts]
    lengths = [len(text) for text in texts]
    scores = []
    for index, own in enumerate(counts):
        others = [other for place, other in enumerate(counts) if place != index]
        other_lengths = [length for place, length in enumerate(lengths) if place != index]
        scores.append(_bleu(own, lengths[index], others, other_lengths))
    return float(np.mean(scores))


def _bleu(own: list[Counter], length: int, others: list[list[Counter]], other_lengths: list[int]) -> float:
    """Smoothed BLEU of a text's n-gram counts against those of its references; 0 for an empty text."""
    if length == 0:
        return 0.0
    log_precisions = []
    for order, grams in enumerate(own):
        most: Counter = Counter()
        for other in others:
            most |= other[order]
        matched, total = (grams & most).total(), grams.total()
        added = 1 if order else 0
        if matched + added == 0:
            return 0.0
        log_precisions.append(math.log((matched + added) / (total + added)))
    nearest = min(other_lengths, key=lambda other: (abs(other - length), other))
    brevity = min(0.0, 1 - nearest / length)
    return math.exp(brevity + sum(log_precisions) / len(log_precisions))


def mean_log_probability(log_probs_BN: np.ndarray, lengths_B: np.ndarray) -> float:
    """Mean log-probability of a generated token, in nats: sum over all rows' tokens / number of tokens.

    exp(-mean) is the perplexity of the texts under the model that wrote them.

    Args:
        log_probs_BN: log p of each new token, <= 0; columns from a row's length on are ignored.
        lengths_B: number of new tokens of each row.

    Returns:
        At most 0; nan where no row has a token.
    """
    log_probs_BN, lengths_B = np.asarray(log_probs_BN, np.float64), np.asarray(lengths_B)
    real_BN = np.arange(log_probs_BN.shape[1])[None] < lengths_B[:, None]
    count = int(real_BN.sum())
    return float(log_probs_BN[real_BN].sum() / count) if count else math.nan
