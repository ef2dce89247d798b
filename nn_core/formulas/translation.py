"""Ledger rows of translation and of learning without labels: masked words, next sentences, gaps, BLEU (F098, F137, F138, F140)."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.special

from nn_core import losses
from nn_core.data.text_tasks import corrupt
from nn_core.formulas.ledger import Formula, Oracle, labels, normal, uniform
from nn_core.models.transformer.encoder_decoder import EncoderDecoder
from nn_core.tasks.masked_words import masked_loss

LOGITS_TV, WORDS_T = normal(331, 6, 5), labels(332, 6, 5)
CHOSEN_T = np.array([0, 1, 0, 0, 1, 1])
FOLLOWS_B2, FOLLOWS_B = normal(333, 4, 2), labels(334, 4)
ORDERS = 4  # BLEU's n-grams
CLIPPED_N, FOUND_N = np.array([9.0, 6.0, 4.0, 2.0]), np.array([10.0, 9.0, 8.0, 7.0])


def mean_masked_loss(logits_TV: Any, words_T: Any, chosen_T: Any) -> Any:
    """The library's sum over its count, of one text."""
    total, count = masked_loss(logits_TV[None], words_T[None], chosen_T[None] > 0)
    return total / count


def _masked_numpy(logits: Any, words: Any, chosen: Any) -> Any:
    log_p = scipy.special.log_softmax(logits, axis=-1)
    return -np.mean([log_p[t, words[t]] for t in range(len(words)) if chosen[t]])


def _masked_gradient(logits: Any, words: Any, chosen: Any) -> Any:
    """(softmax - one-hot) / chosen places at the chosen ones, 0 at all others."""
    slope = jax.nn.softmax(logits) - jax.nn.one_hot(words, logits.shape[-1], dtype=logits.dtype)
    return jnp.where(chosen[:, None] > 0, slope, 0.0) / jnp.sum(chosen)


def brevity_penalty(candidate: Any, reference: Any) -> Any:
    """BLEU's factor for texts shorter than their references; both lengths are those of the whole corpus (Papineni et al. 2002)."""
    return jnp.where(candidate < reference, jnp.exp(1.0 - reference / candidate), 1.0)


def bleu(clipped_N: Any, found_N: Any, candidate: Any, reference: Any) -> Any:
    """Brevity penalty times the geometric mean of the n-gram precisions, in [0, 1]."""
    return brevity_penalty(candidate, reference) * jnp.exp(jnp.mean(jnp.log(clipped_N / found_N)))


def count_ngrams(tokens: list[str], order: int) -> dict[tuple[str, ...], int]:
    """How often each n-gram occurs in a text."""
    counts: dict[tuple[str, ...], int] = {}
    for start in range(len(tokens) - order + 1):
        gram = tuple(tokens[start : start + order])
        counts[gram] = counts.get(gram, 0) + 1
    return counts


def clipped_counts(candidate: list[str], reference: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Matches and n-grams of a candidate for n = 1 .. 4; a match counts as often as the reference has it."""
    clipped, found = [], []
    for order in range(1, ORDERS + 1):
        ours, theirs = count_ngrams(candidate, order), count_ngrams(reference, order)
        clipped.append(sum(min(count, theirs.get(gram, 0)) for gram, count in ours.items()))
        found.append(sum(ours.values()))
    return np.array(clipped, float), np.array(found, float)


def _repeated_the(count: Any) -> Any:
    """Unigram precision of a text of one word against a reference that has it twice: clipped."""
    clipped, found = clipped_counts(["the"] * int(count), "the cat is on the mat".split())
    return clipped[0] / found[0]


def _corrupted(words: Any) -> Any:
    """Words of a source and of its target after span corruption."""
    text = [f"w{i}" for i in range(int(words))]
    source, target = corrupt(text, np.random.default_rng(0), share=0.25, mean_length=2.0)
    return np.array([len(source.split()), len(target.split())], float)


def _lengths_after_corruption(words: Any) -> Any:
    """N - taken + spans in the source, taken + spans + 1 in the target."""
    taken = jnp.round(0.25 * words)
    spans = jnp.round(taken / 2.0)
    return jnp.stack([words - taken + spans, taken + spans + 1])


def source_slope(scale: Any) -> Any:
    """How far the logits of a small encoder-decoder move when its source does: the sum of squares of their gradient."""
    model = EncoderDecoder(7, 8, 6, 2, 1)
    source, target = np.array([[3, 4, 5]], np.int32), np.array([[1, 6]], np.int32)
    shapes: Any = jax.eval_shape(model.init, jax.random.key(0), (source, target))["params"]
    leaves, tree = jax.tree.flatten(shapes)
    params = jax.tree.unflatten(tree, [normal(340 + i, *leaf.shape) for i, leaf in enumerate(leaves)])
    memory = normal(339, 1, 3, 6) * scale

    def read(memory_BSD: Any) -> Any:
        mask = jnp.ones((1, 1, 1, 3), bool)
        hidden: Any = model.apply({"params": params}, target, memory_BSD, mask, method="decode")
        return jnp.sum(hidden[0, -1] * normal(338, 6))

    return jnp.sum(jax.grad(read)(memory) ** 2) > 0


FORMULAS: tuple[Formula, ...] = (
    Formula(
        "F098a",
        "Masked-language loss",
        "L = −1/|M| Σ_{t∈M} ln p(w_t | text with M hidden)",
        "∂L/∂z_t = (softmax(z_t) − onehot(w_t))/|M| for t in M, 0 elsewhere",
        mean_masked_loss,
        (LOGITS_TV, WORDS_T, CHOSEN_T),
        _masked_gradient,
        oracles=(Oracle("SciPy", _masked_numpy),),
    ),
    Formula(
        "F098b",
        "Next-sentence loss",
        "L = −mean ln softmax(z)_y, y: the second sentence follows",
        "two classes are one sigmoid of z₁ − z₀; ∂L/∂z = (softmax(z) − onehot(y))/B",
        lambda z, y: losses.cross_entropy(z, y),
        (FOLLOWS_B2, FOLLOWS_B),
        lambda z, y: (jax.nn.softmax(z) - jax.nn.one_hot(y, 2, dtype=z.dtype)) / len(z),
        oracles=(
            Oracle("one sigmoid", lambda z, y: -np.mean(scipy.special.log_expit((z[:, 1] - z[:, 0]) * (2 * y - 1)))),
        ),
    ),
    Formula(
        "F136",
        "The decoder reads the source",
        "∂ logits/∂ memory ≠ 0 through cross-attention",
        "without cross-attention it is 0: nothing else joins the two",
        source_slope,
        (np.float64(1.0),),
        oracles=(Oracle("it does", lambda _: True, 0.0),),
    ),
    Formula(
        "F137a",
        "BLEU: brevity penalty",
        "BP = e^(1 − r/c) if c < r, else 1",
        "∂BP/∂c = BP·r/c² for c < r",
        brevity_penalty,
        (np.float64(17.0), np.float64(20.0)),
        lambda c, r: brevity_penalty(c, r) * r / c**2,
        oracles=(Oracle("NumPy", lambda c, r: np.exp(min(0.0, 1 - r / c))),),
    ),
    Formula(
        "F137b",
        "BLEU: n-gram precision is clipped",
        "p_n = Σ min(count in candidate, count in reference)/Σ count in candidate",
        '"the the the the the the the" has p₁ = 2/7 against a reference with two',
        lambda count: jnp.minimum(count, 2.0) / count,
        (np.float64(7.0),),
        lambda count: -2.0 / count**2,
        oracles=(Oracle("counting", _repeated_the), Oracle("Papineni et al.: 2/7", lambda _: 2 / 7)),
    ),
    Formula(
        "F137c",
        "BLEU",
        "BP·exp(¼ Σ ln p_n), p_n = clipped_n/found_n",
        "∂BLEU/∂clipped_n = BLEU/(4·clipped_n)",
        lambda clipped, found, c, r: bleu(clipped, found, c, r),
        (CLIPPED_N, FOUND_N, np.float64(10.0), np.float64(12.0)),
        lambda clipped, found, c, r: bleu(clipped, found, c, r) / (ORDERS * clipped),
        oracles=(
            Oracle("NumPy", lambda clipped, found, c, r: np.exp(1 - r / c) * np.prod(clipped / found) ** (1 / ORDERS)),
        ),
    ),
    Formula(
        "F140",
        "Span corruption",
        "source: N − taken + spans words, target: taken + spans + 1",
        "every word stands once on one side; each gap has a sentinel on both, one ends the target",
        _lengths_after_corruption,
        (np.float64(40.0),),
        oracles=(Oracle("counting", _corrupted, 0.0),),
    ),
    Formula(
        "F018e",
        "Least loss with label smoothing",
        "min L = −(1 − ε + ε/C) ln(1 − ε + ε/C) − (C − 1)(ε/C) ln(ε/C)",
        "at the softmax that equals the smoothed target; more than 0 for ε > 0",
        lambda e: losses.cross_entropy(
            jnp.log(jnp.stack([1 - e + e / 5, *[e / 5] * 4]))[None], jnp.zeros(1, int), label_smoothing=e
        ),
        (uniform(335, 0.05, 0.3),),
        oracles=(Oracle("entropy of the target", lambda e: scipy.special.entr([1 - e + e / 5, *[e / 5] * 4]).sum()),),
        slips=("S8",),
    ),
)
