"""FastText: a word is the mean of its n-grams, so an unseen word has a vector too (F094)."""

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from experiments.run_directory.results import Row
from experiments.studies.base import Outcome, Study, compiled
from experiments.studies.word2vec import recipe_of
from experiments.studies.word_vectors import COLUMNS, SETTINGS, check, study_vectors, words_of
from nn_core.data.checks import check_int
from nn_core.models.word_blocks import Pieces
from nn_core.text.ngrams import Ngrams, piece_table, unseen_vector, word_ngrams
from nn_core.text.vectors import WordVectors
from nn_core.training.word_vectors import make_word_training, run_epochs

SHORTEST_STEM = 5  # letters of a word that is misspelt
NGRAMS = "ngrams.npz"  # beside the vectors, so that words of no text can be asked for later
ASKED = 200  # most misspelt words that are looked up


def misspelt(words: tuple[str, ...]) -> list[tuple[str, str]]:
    """(a misspelt word that occurs in no text, the intended word): with an s, or without its fourth letter."""
    known = set(words)
    stems = [word for word in words if len(word) >= SHORTEST_STEM and word.isalpha()]
    made = [pair for stem in stems for pair in ((f"{stem}s", stem), (stem[:3] + stem[4:], stem))]
    return [(wrong, stem) for wrong, stem in made if wrong not in known][:ASKED]


def nearest(vectors: WordVectors, vector_E: np.ndarray, count: int = 1) -> list[tuple[str, float]]:
    """The words whose vectors are nearest to one by the cosine."""
    cosines_V = vectors.unit_VE @ (vector_E / max(float(np.linalg.norm(vector_E)), 1e-12))
    return [(vectors.words[place], float(cosines_V[place])) for place in np.argsort(-cosines_V)[:count]]


def run(config: ConfigDict) -> Outcome:
    """Trains with n-grams, and looks up words that occur in no text."""
    task, words = config.task, words_of(config.task)
    vocabulary, lengths = words.vocabulary, {"shortest": task.shortest, "longest": task.longest}
    rows_VG, keep_VG = piece_table(vocabulary.words, task.buckets, **lengths)
    pieces = Pieces(jnp.asarray(rows_VG), jnp.asarray(keep_VG))
    recipe = recipe_of(task, "fasttext")
    training = make_word_training(recipe, words.corpus, vocabulary.counts_V, pieces, task.buckets)
    epoch = compiled(training.epoch, donate_argnums=(0, 1))
    tables: dict[int, np.ndarray] = {}

    def train(seed: int) -> tuple[WordVectors, list[float]]:
        params, losses = run_epochs(training, epoch, jax.random.key(seed), task.epochs, task.learning_rate)
        tables[seed] = np.asarray(params["input"]["embedding"])
        means_VE = (tables[seed][rows_VG] * keep_VG[..., None]).sum(axis=1) / keep_VG.sum(axis=1, keepdims=True)
        return WordVectors(vocabulary.words, means_VE), losses

    def guess(seed: int, vectors: WordVectors, wrong: str, count: int = 1) -> list[tuple[str, float]]:
        return nearest(vectors, unseen_vector(wrong, tables[seed], len(vocabulary.words), **lengths), count)

    shown: list[Row] = []

    def unseen(seed: int, vectors: WordVectors) -> Row:
        if seed == config.seed:
            for wrong in task.unseen:
                near = guess(seed, vectors, wrong, 3)
                label = f"{wrong} (not in the text) → {', '.join(word for word, _ in near)}"
                shown.append({"label": label, "similarity": near[0][1]})
        asked = misspelt(vocabulary.words)
        right = [guess(seed, vectors, wrong)[0][0] == stem for wrong, stem in asked]
        return {"unseen": float(np.mean(right))} if right else {}

    outcome = study_vectors(config, {"FastText": train}, unseen)
    ngrams = Ngrams(tables[config.seed][len(vocabulary.words) :], **lengths)
    return outcome._replace(rows=outcome.rows + shown, files={**outcome.files, NGRAMS: ngrams.save})


def check_fasttext(config: ConfigDict) -> None:
    """Raises ValueError for lengths that are none, an unseen word without an n-gram, and as `word_vectors.check`."""
    task = config.task
    check_int("config.task.buckets", task.buckets, 1)
    check_int("config.task.negatives", task.negatives, 1)
    for word in task.unseen:
        if not word_ngrams(word, task.shortest, task.longest):
            raise ValueError(
                f"config.task.unseen holds {word!r}, which has no n-gram of {task.shortest} letters; give a longer one"
            )
    check(config)


STUDY = Study(
    run,
    settings={
        **SETTINGS,
        "negatives": "",
        "subsample": "(0, inf)",
        "shortest": "",
        "longest": "",
        "buckets": "",
        "unseen": "",
    },
    columns=(*COLUMNS, "unseen"),
    figures=("fasttext",),
    check=check_fasttext,
)
