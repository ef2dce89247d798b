"""Spam by bag of words: precision, recall, F1 and a threshold; and what the bag cannot tell (F088, F089)."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from ml_collections import ConfigDict

from experiments.command_line.choices import choose
from experiments.run_directory.results import Row
from experiments.studies.base import Outcome, Study, compiled, seeds_of
from nn_core.data.checks import check_float, check_int
from nn_core.data.corpora import CORPORA, LabelledTexts
from nn_core.losses import binary_cross_entropy
from nn_core.models.mlp import MLP
from nn_core.optimizers import make_optimizer
from nn_core.schedules import make_schedule
from nn_core.text.bag_of_words import STOP_WORDS, BagOfWords, fit_bag_of_words, words_of

TEST, VALIDATION = 0.2, 0.1  # shares of the messages that judge, and that choose the threshold
WORDS_SHOWN = 12
BITERS = ("dog", "man", "cat", "fox", "wolf", "boy", "snake", "horse", "rat", "girl")
TWO_ORDERS = ("the dog bites the man", "the man bites the dog")
# family of the table's rows -> hidden layers
MODELS: dict[str, tuple[int, ...]] = {"logistic regression": (), "32 hidden units": (32,)}
COLUMNS = ("accuracy", "precision", "recall", "f1", "threshold", "words", "unknown", "changed")
Fit = Callable[[Array, np.ndarray, np.ndarray], tuple[Any, Callable[[np.ndarray], np.ndarray]]]


class Split(NamedTuple):
    """Places of the messages of each part."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


@lru_cache(maxsize=1)
def load_corpus(name: str) -> LabelledTexts:
    """The messages."""
    return CORPORA[name]()


def draw_split(seed: int, count: int) -> Split:
    """Splits the messages: a fifth for testing, a tenth for validation, the rest for training."""
    order = np.random.default_rng(seed).permutation(count)
    test, validation = round(TEST * count), round(VALIDATION * count)
    return Split(order[test + validation :], order[test : test + validation], order[:test])


def make_fit(task: ConfigDict, hidden_sizes: tuple[int, ...]) -> Fit:
    """(key, vectors, labels) -> (params, vectors -> P(spam)); one program for all seeds."""
    model = MLP(hidden_sizes=hidden_sizes, num_outputs=1)
    hparams = {"learning_rate": task.learning_rate, "weight_decay": task.weight_decay}
    apply = cast(Callable[..., Array], model.apply)
    optimizer = make_optimizer("adamw", hparams, make_schedule("constant", total_steps=1))

    def train(key: Array, inputs_NV: Array, labels_N: Array) -> Any:
        start_key, order_key = jax.random.split(key)
        params = model.init(start_key, inputs_NV[:1])["params"]
        steps = task.epochs * (inputs_NV.shape[0] // task.batch_size)

        def loss(params: Any, places_B: Array) -> Array:
            logits_B = apply({"params": params}, inputs_NV[places_B])[:, 0]
            return binary_cross_entropy(logits_B, labels_N[places_B])

        def step(carry: tuple, key: Array) -> tuple[tuple, None]:
            params, state = carry
            places_B = jax.random.randint(key, (task.batch_size,), 0, inputs_NV.shape[0])
            updates, state = optimizer.update(jax.grad(loss)(params, places_B), state, params)
            return (jax.tree.map(jnp.add, params, updates), state), None

        (params, _), _ = jax.lax.scan(step, (params, optimizer.init(params)), jax.random.split(order_key, steps))
        return params

    run, predict = compiled(train), compiled(lambda params, x: jax.nn.sigmoid(apply({"params": params}, x)[:, 0]))

    def fit(key: Array, vectors_NV: np.ndarray, labels_N: np.ndarray) -> tuple[Any, Callable]:
        params = run(key, vectors_NV, labels_N.astype(np.float32))
        return params, lambda vectors_MV: np.asarray(predict(params, vectors_MV))

    return fit


def scores(chances_N: np.ndarray, labels_N: np.ndarray, threshold: float) -> dict[str, float]:
    """Accuracy, and precision, recall and F1 of spam, where P >= threshold is called spam."""
    called, spam = chances_N >= threshold, labels_N == 1
    hits, wrong, missed = (float(np.sum(x)) for x in (called & spam, called & ~spam, ~called & spam))
    return {
        "accuracy": float(np.mean(called == spam)),
        "precision": hits / max(hits + wrong, 1.0),
        "recall": hits / max(hits + missed, 1.0),
        "f1": 2 * hits / max(2 * hits + wrong + missed, 1.0),
        "threshold": threshold,
    }


def best_threshold(chances_N: np.ndarray, labels_N: np.ndarray) -> float:
    """The threshold with the best F1; the middle one of those that are equally good."""
    candidates = np.arange(0.02, 0.99, 0.02)
    f1 = np.array([scores(chances_N, labels_N, float(t))["f1"] for t in candidates])
    return round(float(np.median(candidates[f1 == f1.max()])), 4)


def padded(bag: BagOfWords, texts: list[str], width: int) -> np.ndarray:
    """Vectors of one width for every seed: columns of no word stay zero."""
    vectors_NV = bag.vectors(texts)
    return np.pad(vectors_NV, ((0, 0), (0, width - vectors_NV.shape[1])))


def shuffled(texts: list[str], rng: np.random.Generator) -> list[str]:
    """The words of each text in another order, mixed with words that no training text holds."""
    mixed = [[*words_of(text), "zzqx", "qqzy"] for text in texts]
    return [" ".join(words[place] for place in rng.permutation(len(words))) for words in mixed]


def run(config: ConfigDict) -> Outcome:
    """Fits every model on every seed's split; then shows what the bag does not see."""
    task, corpus = config.task, load_corpus(config.task.corpus)
    rows: list[Row] = []
    arrays: dict[str, np.ndarray] = {}
    fits = {name: make_fit(task, sizes) for name, sizes in MODELS.items()}
    for seed in seeds_of(config):
        split = draw_split(seed, len(corpus.texts))
        texts = {part: [corpus.texts[place] for place in places] for part, places in split._asdict().items()}
        labels = {part: corpus.labels[places] for part, places in split._asdict().items()}
        bag = fit_bag_of_words(
            texts["train"],
            stop_words=STOP_WORDS if task.stop_words else (),
            max_features=task.max_features,
            min_texts=task.min_texts,
        )
        vectors = {part: padded(bag, parts, task.max_features) for part, parts in texts.items()}
        rows.append({"label": "always ham", "seed": seed} | scores(np.zeros(len(split.test)), labels["test"], 0.5))
        for name, fit in fits.items():
            params, predict = fit(jax.random.key(seed), vectors["train"], labels["train"])
            chances_M = predict(vectors["test"])
            chosen = best_threshold(predict(vectors["validation"]), labels["validation"])
            for label, threshold in (("P >= 0.5", 0.5), ("threshold of validation", chosen)):
                row = {"label": f"{name}: {label}", "seed": seed} | scores(chances_M, labels["test"], threshold)
                rows.append(row | {"words": bag.vocabulary_size, "unknown": unknown_share(bag, texts["test"])})
            if not MODELS[name]:
                other = predict(padded(bag, shuffled(texts["test"], np.random.default_rng(seed)), task.max_features))
                changed = float(np.mean((other >= 0.5) != (chances_M >= 0.5)))
                rows.append({"label": "words shuffled, unknown ones added", "seed": seed, "changed": changed})
                arrays |= {"weights": np.asarray(params["dense_0"]["kernel"])[: bag.vocabulary_size, 0]}
                arrays |= {"vocabulary": np.array(bag.words)}
            for part, values in (("chances", chances_M), ("labels", labels["test"]), ("threshold", chosen)):
                arrays[f"{name}/{part}/{seed}"] = np.asarray(values)
    rows += order_rows(config, fits["logistic regression"])
    bag = fit_bag_of_words(TWO_ORDERS, stop_words=())
    return Outcome(rows, arrays | {"orders": bag.vectors(TWO_ORDERS), "order_words": np.array(bag.words)})


def unknown_share(bag: BagOfWords, texts: list[str]) -> float:
    """The share of words, apart from stop words, that are not in the vocabulary."""
    words = [word for text in texts for word in words_of(text) if word not in STOP_WORDS]
    return float(np.mean([word not in bag.index for word in words])) if words else 0.0


def order_rows(config: ConfigDict, fit: Fit) -> list[Row]:
    """Who bites whom? A task in which only the order matters: both orders occur, with opposite labels."""
    pairs = [(a, b) for place, a in enumerate(BITERS) for b in BITERS[place + 1 :]]
    texts = [f"the {x} bites the {y}" for a, b in pairs for x, y in ((a, b), (b, a))]
    labels_N = np.arange(len(texts)) % 2
    vectors_NV = padded(fit_bag_of_words(texts), texts, config.task.max_features)
    rows = []
    for seed in seeds_of(config):
        chances_N = fit(jax.random.key(seed), np.tile(vectors_NV, (3, 1)), np.tile(labels_N, 3))[1](vectors_NV)
        rows.append({"label": "who bites whom", "seed": seed} | scores(chances_N, labels_N, 0.5))
    return rows


def check(config: ConfigDict) -> None:
    """Raises ValueError for numbers out of range, and for messages that cannot be obtained."""
    task = config.task
    choose(task.corpus, CORPORA, "task.corpus")
    for name in ("epochs", "batch_size", "max_features", "min_texts"):
        check_int(f"config.task.{name}", task[name], 1)
    check_float("config.task.weight_decay", task.weight_decay, 0.0)
    learned = round((1 - TEST - VALIDATION) * len(load_corpus(task.corpus).texts))
    if min(learned, 3 * len(BITERS) * (len(BITERS) - 1)) < task.batch_size:
        raise ValueError(f"config.task.batch_size={task.batch_size} exceeds the {learned} or 270 texts that it is for")
    if task.max_features < len(BITERS) + 1:
        raise ValueError(f"config.task.max_features={task.max_features} must be at least {len(BITERS) + 1}")


STUDY = Study(
    run,
    settings={
        "corpus": "",
        "epochs": "",
        "batch_size": "[1, inf)",
        "learning_rate": "(0, inf)",
        "weight_decay": "[0, inf)",
        "max_features": "",
        "min_texts": "",
        "stop_words": "",
    },
    columns=COLUMNS,
    figures=("spam",),
    check=check,
)
