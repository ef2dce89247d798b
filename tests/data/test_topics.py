from nn_core.data.topics import SHAKESPEARE_PAIRS, SHAKESPEARE_TOPICS, TOPICS, two_topics
from nn_core.text.vocabulary import build_vocabulary, split_sentences


def test_no_sentence_mixes_the_topics():
    text = two_topics(num_sentences=400, seed=1)
    assert text == two_topics(num_sentences=400, seed=1) != two_topics(num_sentences=400, seed=2)
    sentences = split_sentences(text)
    assert len(sentences) == 400
    topics = [set(words) for words in TOPICS.values()]
    for words in sentences:
        found = [len(topic & set(words)) for topic in topics]
        assert sorted(found)[0] == 0 and sorted(found)[1] >= 2
    counts = build_vocabulary(sentences, min_count=1)
    assert min(counts.counts_V[counts.words.index(word)] for topic in topics for word in topic) > 20


def test_the_lists_are_of_words_that_the_text_holds(shared_data):
    text = (shared_data / "tinyshakespeare.txt").read_text()
    vocabulary = build_vocabulary(split_sentences(text), min_count=20)
    listed = {word for words in SHAKESPEARE_TOPICS.values() for word in words}
    listed |= {word for first, second, _ in SHAKESPEARE_PAIRS for word in (first, second)}
    assert listed <= set(vocabulary.words)
