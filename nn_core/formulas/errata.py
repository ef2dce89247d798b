"""All errata that figures can show, and those that they cannot: rows of kind M and C in the course's list of slips."""

from nn_core.formulas import errata_classifiers, errata_generation, errata_language, errata_networks, errata_training
from nn_core.formulas.erratum import Demonstration, Erratum, demonstrate

__all__ = ["ERRATA", "NOT_SHOWN", "Demonstration", "Erratum", "demonstrate"]


def _order(erratum: Erratum) -> tuple[int, str]:
    """S2 before S10, S7 before S7b."""
    return int("".join(filter(str.isdigit, erratum.id))), erratum.id


_PARTS = (errata_classifiers, errata_networks, errata_training, errata_language, errata_generation)
ERRATA: tuple[Erratum, ...] = tuple(sorted((row for part in _PARTS for row in part.ERRATA), key=_order))

# Slips of kind M or C without a number to show: id, lines, and what is right.
NOT_SHOWN: tuple[tuple[str, str, str], ...] = (
    ("S14b", "990 vs 1090", "no error: η is typically .01 to .001, and .5 in the worked example"),
    ("S29", "1572 vs 1581-1582", "slice off all but some layers near the beginning: early layers stay"),
    ("S30", "1627-1632", "training from scratch and from the pre-trained weights are two alternatives"),
    ("S31", "1678", "SentencePiece is a library that trains BPE or Unigram, not a third algorithm"),
    ("S32", "1787 vs 1906 vs 2182", "no rule says how many dimensions an embedding has"),
    ("S36", "1936-1938", "classifying a sequence is many-to-one"),
    ("S42", "3111 vs 3113-3114", "BERT is an encoder; T5 and BART are encoder-decoders"),
    ("S42b", "3067 vs 3093-3095", "decoder-only models can translate; the first translator was an encoder-decoder"),
    ("S42c", "3068 vs 2046", "long-range dependencies are limited by the context window, not by the architecture"),
    ("S54", "2993-2995", "base models answer when prompted with examples, the better the larger they are"),
    ("S55", "3006 vs 3014-3018", "supervised fine-tuning, then a reward model, then reinforcement learning"),
    ("S56", "3001", "the answer 'Paris' belongs to the question for the capital of France"),
)
