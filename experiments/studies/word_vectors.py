"""What the studies of word vectors share: the text, the questions, the evaluation, the pictures (F091-F104)."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from experiments.run_directory.results import Row
from experiments.studies.base import Outcome, StudyError, seeds_of
from nn_core.data.checks import check_choice, check_int
from nn_core.data.graphs import KARATE_CLUBS
from nn_core.data.text import TEXTS, load_text
from nn_core.data.topics import SHAKESPEARE_PAIRS, SHAKESPEARE_TOPICS
from nn_core.data.world import KINDS, WORLD_PAIRS, WORLD_TOPICS, analogies, world_sentences
from nn_core.files import user_path
from nn_core.text.projection import principal_components, tsne
from nn_core.text.vectors import WordVectors
from nn_core.text.vocabulary import (
    Corpus,
    WordVocabulary,
    build_vocabulary,
    check_window,
    encode_corpus,
    split_sentences,
)
from nn_core.text.word_evaluation import (
    analogy_accuracy,
    centroid_accuracy,
    mean_vectors,
    topic_similarities,
    word_pair_score,
)
from nn_core.text.words import split_words

WORLD = "small_world"
LABELLED = 5  # sentences of each kind that the extrinsic task learns from
POOL = 400  # sentences that they are taken from
JUDGED = 2000  # sentences that judge it
DRAWN = 60  # most frequent words that are drawn where a text has no topics
VECTORS = "vectors.txt"
# Settings that every study of word vectors has.
SETTINGS: Mapping[str, str] = {
    "text": "",
    "path": "",
    "digest": "",
    "min_count": "",
    "features": "[1, 4096]",
    "window": "",
    "epochs": "",
    "learning_rate": "(0, inf)",
    "similar": "",
    "odd": "",
    "analogies": "",
}
COLUMNS = ("loss", "within", "between", "separated", "spearman", "analogy", "sentences", "similarity")
# text -> topics, judged pairs and questions that fit it.
TOPICS_OF: dict[str, Mapping[str, Sequence[str]]] = {
    WORLD: WORLD_TOPICS,
    "shakespeare": SHAKESPEARE_TOPICS,
    "karate_walks": KARATE_CLUBS,
}
PAIRS_OF: dict[str, Sequence[tuple[str, str, float]]] = {WORLD: WORLD_PAIRS, "shakespeare": SHAKESPEARE_PAIRS}

FILE = "file"  # task.text of a text of one's own
# (seed) -> (vectors, loss of each epoch)
Train = Callable[[int], tuple[WordVectors, list[float]]]


class Words(NamedTuple):
    """A text as words, for word vectors."""

    vocabulary: WordVocabulary
    corpus: Corpus


@lru_cache(maxsize=2)
def load_words(name: str, path: str | None, min_count: int) -> Words:
    """The vocabulary and the corpus of a text; lines are sentences, and windows do not cross them.

    Raises:
        ValueError: no such text, or none of its words occurs often enough.
    """
    sentences = split_sentences(load_text(name, None if path is None else user_path(path)))
    vocabulary = build_vocabulary(sentences, min_count=min_count)
    return Words(vocabulary, encode_corpus(sentences, vocabulary))


def words_of(task: ConfigDict) -> Words:
    """The words of a study's text; a ValueError names the key of the text."""
    try:
        return load_words(task.text, task.path, task.min_count)
    except ValueError as error:
        raise ValueError(f"config.task.{'text' if task.path is None else 'path'}: {error}") from None


def check(config: ConfigDict) -> None:
    """Raises ValueError for a text that cannot be obtained or is too small, and for questions about unknown words."""
    task = config.task
    check_choice("config.task.text", task.text, (*TEXTS, FILE))
    for name, least in (("min_count", 1), ("features", 2), ("window", 1), ("epochs", 1)):
        check_int(f"config.task.{name}", task[name], least)
    if task.text == FILE and task.path is None:
        raise ValueError(f"config.task.text={FILE!r} needs the file; add --config.task.path=FILE")
    if task.text != FILE and task.path is not None:
        raise ValueError(
            f"config.task.path={task.path!r} has no effect with config.task.text={task.text!r}; add --config.task.text={FILE}, "
            "or leave it out"
        )
    if task.digest is not None and task.path is None:
        raise ValueError(f"config.task.digest={task.digest!r} has no effect without config.task.path; leave it out")
    words = words_of(task)
    check_window(words.corpus, task.window)
    empty_V2 = np.zeros((len(words.vocabulary.words), 2), np.float32)
    vectors = WordVectors(words.vocabulary.words, empty_V2)
    for name, count in (("similar", 1), ("odd", 3), ("analogies", 3)):
        for query in task[name]:
            asked = query.split()
            if len(asked) < count or (name != "odd" and len(asked) != count):
                raise ValueError(f"config.task.{name} holds {query!r}; give {count} words with spaces between them")
            for word in asked:
                try:
                    vectors.row(word)
                except ValueError as error:
                    raise ValueError(f"config.task.{name}: {error}") from None


def study_vectors(config: ConfigDict, methods: Mapping[str, Train], extra: Callable | None = None) -> Outcome:
    """Trains every method with every seed and evaluates it; answers questions with the first seed's vectors and draws them.

    Args:
        config: of the study.
        methods: label -> how it is trained.
        extra: (seed, vectors) -> more numbers of a row.
    """
    task = config.task
    rows: list[Row] = []
    arrays: dict[str, np.ndarray] = {"methods": np.array(list(methods))}
    first: dict[str, WordVectors] = {}
    for index, (label, train) in enumerate(methods.items()):
        losses = []
        for seed in seeds_of(config):
            vectors, history = train_safely(train, seed)
            first.setdefault(label, vectors)
            losses.append(history)
            row = {"label": label, "seed": seed, "loss": history[-1]} | evaluate(vectors, task.text, seed)
            rows.append(row | (extra(seed, vectors) if extra else {}))
        arrays |= {f"{index}_{name}": value for name, value in project(first[label], task.text).items()}
        arrays[f"{index}_losses"] = np.array(losses)
    if task.text == WORLD:
        rows += bag_of_words_rows(config)
    chosen = first[next(iter(methods))]
    rows += answers(chosen, task)
    return Outcome(rows, arrays, {VECTORS: chosen.save})


def train_safely(train: Train, seed: int) -> tuple[WordVectors, list[float]]:
    """Trains, and reports vectors that are not numbers."""
    try:
        return train(seed)
    except ValueError as error:
        raise StudyError(f"seed {seed}: {error}; lower config.task.learning_rate") from None


def evaluate(vectors: WordVectors, text: str, seed: int) -> dict[str, float]:
    """Intrinsic and extrinsic measures, as far as there are questions about this text."""
    numbers: dict[str, float] = {}
    if text in TOPICS_OF:
        within, between = topic_similarities(vectors, TOPICS_OF[text])
        numbers |= {"within": within, "between": between, "separated": float(within > between)}
    if text in PAIRS_OF:
        numbers["spearman"] = word_pair_score(vectors, PAIRS_OF[text]).spearman
    if text == WORLD:
        numbers["analogy"] = analogy_accuracy(vectors, analogies())[0]
        numbers["sentences"] = sentence_accuracy(lambda texts: mean_vectors(vectors, texts), seed)
    return numbers


def sentence_accuracy(represent: Callable[[list[list[str]]], np.ndarray], seed: int) -> float:
    """Extrinsic: classifies sentences after LABELLED examples of each kind, which need not contain the same words.

    Args:
        represent: sentences -> vectors.
        seed: which sentences carry labels.
    """
    texts, kinds_N = world_sentences(num_sentences=POOL + JUDGED, seed=1000 + seed)
    few = np.concatenate([np.flatnonzero(kinds_N[:POOL] == kind)[:LABELLED] for kind in range(len(KINDS))])
    vectors = represent([split_words(text) for text in texts])
    return centroid_accuracy(vectors[few], kinds_N[few], vectors[POOL:], kinds_N[POOL:])


def bag_of_words_rows(config: ConfigDict) -> list[Row]:
    """The same task without word vectors: one coordinate for each word."""
    words = words_of(config.task).vocabulary.words
    one_hot = WordVectors(words, np.eye(len(words), dtype=np.float32))
    return [
        {"label": "bag of words", "seed": seed}
        | {"sentences": sentence_accuracy(lambda texts: mean_vectors(one_hot, texts), seed)}
        for seed in seeds_of(config)
    ]


def answers(vectors: WordVectors, task: ConfigDict) -> list[Row]:
    """The answers to the config's questions as rows of the table."""
    rows: list[Row] = []
    for word in task.similar:
        near = vectors.most_similar(word, count=4)
        rows.append({"label": f"{word} → {', '.join(name for name, _ in near)}", "similarity": near[0][1]})
    for query in task.odd:
        odd = vectors.doesnt_match(query.split())
        others = [word for word in query.split() if word != odd]
        similarity = float(np.mean([vectors.similarity(odd, word) for word in others]))
        rows.append({"label": f"odd one of {query} → {odd}", "similarity": similarity})
    for query in task.analogies:
        a, b, c = query.split()
        ((word, similarity),) = vectors.analogy(a, b, c)
        rows.append({"label": f"{a} is to {b} as {c} is to → {word}", "similarity": similarity})
    return rows


def project(vectors: WordVectors, text: str) -> dict[str, np.ndarray]:
    """Words to draw, their groups, and their places by PCA and t-SNE."""
    topics = TOPICS_OF.get(text, {"frequent words": vectors.words[:DRAWN]})
    known = [(word, name) for name, words in topics.items() for word in words if word in vectors.index]
    rows = [vectors.index[word] for word, _ in known]
    if len(rows) < 3:
        return {}
    units_NE = vectors.unit_VE[rows]
    plane, neighbours = principal_components(units_NE), tsne(units_NE)
    return {
        "words": np.array([word for word, _ in known]),
        "groups": np.array([name for _, name in known]),
        "pca": plane.points_N2,
        "variance": np.array(plane.score),
        "tsne": neighbours.points_N2,
    }
