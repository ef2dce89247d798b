import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from nn_core.data.topics import TOPICS, two_topics
from nn_core.data.world import WORLD_TOPICS, small_world
from nn_core.models.embeddings import init_word_vectors
from nn_core.models.word_blocks import skip_gram_lookup
from nn_core.text.blocks import draw_blocks
from nn_core.text.pairs import cooccurrences, thin_on_device
from nn_core.text.vectors import WordVectors
from nn_core.text.vocabulary import Corpus, build_vocabulary, encode_corpus, split_sentences
from nn_core.text.word_evaluation import topic_similarities
from nn_core.training.word_vectors import Recipe, make_glove_training, make_word_training, run_epochs, update_rows

SENTENCES = split_sentences(two_topics(num_sentences=1500))
VOCABULARY = build_vocabulary(SENTENCES)
CORPUS = encode_corpus(SENTENCES, VOCABULARY)


def test_a_step_on_rows_is_gradient_descent_on_the_tables():
    ids, sentences = jnp.asarray(CORPUS.ids_N), jnp.asarray(CORPUS.sentences_N)
    size = len(VOCABULARY.words)

    @jax.jit
    def step_and_oracle():
        thin = thin_on_device(jax.random.key(0), ids, sentences, jnp.ones(size))
        blocks = draw_blocks(jax.random.key(1), thin, num_blocks=3, block_size=7, window=2)
        negatives = jnp.array([0, 3, 3, 5])
        params = init_word_vectors(jax.random.key(2), size, size, 5)
        params["output"]["embedding"] = 0.1 * jax.random.normal(jax.random.key(3), (size, 5))

        def total(params):
            lookup = skip_gram_lookup(blocks, negatives, 5)
            rows = params["input"]["embedding"][lookup.input_ids], params["output"]["embedding"][lookup.output_ids]
            return lookup.losses(*rows).sum()

        value, gradient = jax.value_and_grad(total)(params)
        expected = jax.tree.map(lambda p, g: p - 0.1 * g, params, gradient)
        return update_rows(params, skip_gram_lookup(blocks, negatives, 5), jnp.float32(0.1)), (expected, value)

    (updated, loss), (expected, value) = jax.device_get(step_and_oracle())
    assert loss == pytest.approx(float(value), rel=1e-5)
    for name in ("input", "output"):
        np.testing.assert_allclose(updated[name]["embedding"], expected[name]["embedding"], atol=1e-6)


# Skip-gram brings the topics apart in tests of its study too.
@pytest.mark.parametrize(("method", "rate"), [pytest.param("skip_gram", 0.1, marks=pytest.mark.slow), ("cbow", 0.2)])
def test_topics_stand_apart_and_the_key_decides_everything(method, rate):
    training = make_word_training(Recipe(method, features=20, window=3, epochs=12), CORPUS, VOCABULARY.counts_V)
    training = training._replace(start=jax.jit(training.start))
    epoch = jax.jit(training.epoch)
    first, losses = run_epochs(training, epoch, jax.random.key(0), 12, rate)
    again, _ = run_epochs(training, epoch, jax.random.key(0), 12, rate)
    other, _ = run_epochs(training, epoch, jax.random.key(1), 12, rate)
    tables = [np.asarray(params["input"]["embedding"]) for params in (first, again, other)]
    assert (tables[0] == tables[1]).all() and (tables[0] != tables[2]).any()
    assert losses[-1] < losses[0]
    for table in (tables[0], tables[2]):
        vectors = WordVectors(VOCABULARY.words, table)
        within, between = topic_similarities(vectors, TOPICS)
        assert within > between + 0.2
        for measure in ("cosine", "dot"):  # the notes' words (F100)
            near, far = (vectors.similarity("laptop", word, measure=measure) for word in ("computer", "banana"))
            assert near > far


def test_glove_brings_the_topics_together_and_its_loss_falls():
    """It sees no pair that never occurs, so it needs more contexts than two topics have to tell them apart."""
    sentences = split_sentences(small_world(num_sentences=4000))
    vocabulary = build_vocabulary(sentences)
    counts = cooccurrences(encode_corpus(sentences, vocabulary), len(vocabulary.words), 5)
    training = make_glove_training(
        counts.coords[0],
        counts.coords[1],
        counts.data,
        vocabulary_size=len(vocabulary.words),
        features=20,
        batch_size=256,
        optimizer=lambda rate: optax.adagrad(rate),
        x_max=30.0,
        alpha=0.75,
    )
    training = training._replace(start=jax.jit(training.start))
    params, losses = run_epochs(training, jax.jit(training.epoch), jax.random.key(0), 30, 0.3)
    params = jax.device_get(params)
    assert losses[-1] < 0.2 * losses[0]
    vectors = WordVectors(vocabulary.words, params["input"]["embedding"] + params["output"]["embedding"])
    within, between = topic_similarities(vectors, WORLD_TOPICS)
    assert within > between + 0.1


def test_what_cannot_be_trained_is_told():
    with pytest.raises(ValueError, match="method='skipgram' must be one of skip_gram, cbow, fasttext"):
        make_word_training(Recipe("skipgram"), CORPUS, VOCABULARY.counts_V)
    alone = Corpus(np.array([0, 1], np.int32), np.array([0, 1], np.int32))
    with pytest.raises(ValueError, match="no sentence of two"):
        make_word_training(Recipe(), alone, np.array([1, 1]))
