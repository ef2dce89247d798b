"""Skip-gram speed in words per second beside gensim's, and how well both agree with judged word pairs.

Same corpus, vocabulary, dimension, window, negatives, subsampling and epochs; gensim runs with one worker thread and
with one per core. Without gensim, ours is reported alone. The text is tiny Shakespeare if available, else the small world.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from experiments.benchmark.timing import alternate, installed, machine, median_ratio
from experiments.command_line.devices import cores
from nn_core.data.text import load_text
from nn_core.data.topics import SHAKESPEARE_PAIRS
from nn_core.data.world import WORLD_PAIRS
from nn_core.text.vectors import WordVectors
from nn_core.text.vocabulary import build_vocabulary, encode_corpus, split_sentences
from nn_core.text.word_evaluation import word_pair_score
from nn_core.training.word_vectors import Recipe, make_word_training, run_epochs

MIN_COUNT, EPOCHS, LEARNING_RATE, ROUNDS = 5, 20, 0.025, 3
PAIRS: dict[str, Sequence[tuple[str, str, float]]] = {"shakespeare": SHAKESPEARE_PAIRS, "small_world": WORLD_PAIRS}
Turn = Callable[[], None]


def load() -> tuple[str, list[list[str]]]:
    """The text's name and its sentences."""
    for name in PAIRS:
        try:
            return name, split_sentences(load_text(name))
        except (ValueError, OSError) as error:
            print(f"{name} cannot be had ({' '.join(str(error).split())})")
    raise ValueError("no text can be had")


def ours(sentences: list[list[str]], kept: list[WordVectors]) -> Turn:
    """A turn of our training; each has another seed, and keeps its vectors."""
    vocabulary = build_vocabulary(sentences, min_count=MIN_COUNT)
    corpus = encode_corpus(sentences, vocabulary)
    training = make_word_training(Recipe(epochs=EPOCHS), corpus, vocabulary.counts_V)
    epoch = jax.jit(training.epoch, donate_argnums=(0, 1))
    run_epochs(training, epoch, jax.random.key(0), 1, LEARNING_RATE)  # compiles

    def run() -> None:
        params, _ = run_epochs(training, epoch, jax.random.key(len(kept)), EPOCHS, LEARNING_RATE)
        kept.append(WordVectors(vocabulary.words, params["input"]["embedding"]))

    return run


def gensim(sentences: list[list[str]], workers: int, kept: list[WordVectors]) -> Turn:
    """A turn of gensim's training, with the vocabulary counted beforehand."""
    from gensim.models import Word2Vec

    recipe = Recipe()

    def make(seed: int) -> Any:
        model = Word2Vec(
            vector_size=recipe.features,
            window=recipe.window,
            negative=recipe.negatives,
            sample=recipe.subsample,
            min_count=MIN_COUNT,
            sg=1,
            seed=seed,
            workers=workers,
            alpha=LEARNING_RATE,
        )
        model.build_vocab(sentences)
        return model

    models = [make(seed) for seed in range(ROUNDS)]

    def run() -> None:
        model = models[len(kept)]
        model.train(sentences, total_examples=len(sentences), epochs=EPOCHS)
        kept.append(WordVectors(tuple(model.wv.index_to_key), np.asarray(model.wv.vectors)))

    return run


def main() -> None:
    """Prints the table."""
    print(machine())
    name, sentences = load()
    words = int(build_vocabulary(sentences, min_count=MIN_COUNT).counts_V.sum())
    vectors: dict[str, list[WordVectors]] = {"nn_core": []}
    contestants = {"nn_core": ours(sentences, vectors["nn_core"])}
    for workers in sorted({1, cores()}) if installed("gensim") else ():
        peer = f"gensim, {workers} worker{'s' if workers > 1 else ''}"
        vectors[peer] = []
        contestants[peer] = gensim(sentences, workers, vectors[peer])
    times = dict(zip(contestants, alternate(list(contestants.values()), ROUNDS, pause=0.3), strict=True))
    print(f"{name}: {words:,} words, width {Recipe().features}, {EPOCHS} epochs, {ROUNDS} seeds\n")
    for peer, measured in times.items():
        scores = [word_pair_score(one, PAIRS[name]).spearman for one in vectors[peer]]
        ratio = "" if peer == "nn_core" else f"   nn_core is {median_ratio(measured, times['nn_core']):.2f}x as fast"
        speed = f"{words * EPOCHS / float(np.median(measured)):12,.0f} words/s"
        spread = " ".join(f"{score:.3f}" for score in scores)
        print(f"  {peer:18s}{speed}   Spearman {np.mean(scores):.3f} ({spread}){ratio}", flush=True)
