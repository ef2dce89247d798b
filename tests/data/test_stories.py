"""Stories and what is asked about them: one vocabulary, labels that are right, baselines by counting."""

import numpy as np

from experiments.studies.pretraining import baselines
from nn_core.data.sequences import TAG_WORDS, TAGS, tagged_sentences
from nn_core.data.stories import (
    CLS,
    NO_LABEL,
    SEP,
    TOPICS,
    opinion_task,
    span_task,
    tag_task,
    topic_task,
    unlabelled,
    vocabulary,
)

WIDTH = 32
WORDS = list(vocabulary())


def spelled(ids: np.ndarray) -> list[str]:
    return [WORDS[i] for i in ids if i]


def test_texts_begin_and_end_and_their_segments_are_the_sentences() -> None:
    pages = unlabelled(num_examples=90, width=WIDTH)
    assert (pages.ids_NT[:, 0] == CLS).all() and len(set(vocabulary().values())) == len(WORDS)
    for ids, segments, follows in zip(*pages, strict=True):
        ends = np.flatnonzero(ids == SEP)
        assert len(ends) == (1 if follows == NO_LABEL else 2)
        assert not segments[: ends[0] + 1].any() and segments.sum() == (0 if len(ends) == 1 else ends[1] - ends[0])
    known = pages.follows_N != NO_LABEL
    assert known.sum() == 45 and 0.25 < pages.follows_N[known].mean() < 0.75


def test_the_order_of_the_same_two_sentences_decides() -> None:
    pages = unlabelled(num_examples=4000, width=WIDTH)
    verdicts: dict[frozenset[str], set[int]] = {}
    for ids, follows in zip(pages.ids_NT, pages.follows_N, strict=True):
        if follows != NO_LABEL:
            first, second = " ".join(spelled(ids)[1:-1]).split(" [SEP] ")
            verdicts.setdefault(frozenset((first, second)), set()).add(int(follows))
    assert sum(verdict == {0, 1} for verdict in verdicts.values()) > 50


def test_tags_and_spans_stand_where_their_words_do() -> None:
    pages, tags_NT = tag_task(20, WIDTH, 3)
    found = tagged_sentences(num_examples=20, seed=3)
    for ids, tags, right_ids, right in zip(pages.ids_NT, tags_NT, found.ids_NT, found.tags_NT, strict=True):
        assert spelled(ids)[1:-1] == [TAG_WORDS[i] for i in right_ids if i]
        assert tags[tags != NO_LABEL].tolist() == right[right >= 0].tolist() and tags.max() < len(TAGS)
    pages, spans_N2 = span_task(20, WIDTH, 3)
    for ids, (first, last) in zip(pages.ids_NT, spans_N2, strict=True):
        words = spelled(ids)
        who = words[words.index("does") + 1]
        answer = " ".join(words[first : last + 1])
        assert f"{who} has {answer} ." in " ".join(words[words.index("[SEP]") :])
    pages, labels_N = topic_task(20, WIDTH, 3)
    assert labels_N.sum() == 10
    for ids, label in zip(pages.ids_NT, labels_N, strict=True):
        sentence, topic = " ".join(spelled(ids)[1:-1]).split(" [SEP] ")
        assert topic in TOPICS and (label or topic not in sentence.split())  # a topic's word is in its own story only
    pages, labels_N = opinion_task(30, WIDTH, 3)
    assert set(labels_N) == {0, 1} and (pages.follows_N == NO_LABEL).all()


def test_counting_baselines_by_hand() -> None:
    a, b, c = 10, 11, 12
    train = np.array([[CLS, a, b, SEP], [CLS, a, b, SEP], [CLS, a, c, SEP], [CLS, b, c, SEP]])
    test = np.array([[CLS, a, b, SEP], [CLS, c, b, SEP]])
    found = baselines(train, test)
    assert found["unigram_accuracy"] == 1 / 4  # a and b are equally frequent: the first of them is a
    assert found["bigram_accuracy"] == 2 / 4  # a after [CLS], b after a
