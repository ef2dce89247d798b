"""Stories and what is asked about them: one vocabulary, labels that are right, baselines by counting."""

import numpy as np
import pytest

from experiments.studies.pretraining import baselines
from nn_core.data.sequences import TAG_WORDS, TAGS, tagged_sentences
from nn_core.data.stories import (
    CLS,
    NO_LABEL,
    SEP,
    SPECIAL,
    TOPICS,
    opinion_task,
    span_task,
    spelling,
    starts_of,
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
    for ids, segments, follows, _ in zip(*pages, strict=True):
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


def test_pieces_spell_the_same_texts_and_their_targets_move_along() -> None:
    whole, pieces = spelling(), spelling(100)
    assert len(pieces.ids) <= 100 < len(whole.ids) and list(pieces.ids)[: len(SPECIAL)] == list(SPECIAL)
    names = list(pieces.ids)

    def words(ids_T: np.ndarray, words_T: np.ndarray) -> list[str]:
        starts = starts_of(words_T)
        each = [ids_T[start:end] for start, end in zip(starts, [*starts[1:], len(ids_T)], strict=True)]
        return ["".join(names[i].removeprefix("##") for i in ids) for ids in each if ids[0]]

    for make in (opinion_task, tag_task, span_task, topic_task):
        (short, right), (long, moved) = make(20, WIDTH, 3), make(20, 3 * WIDTH, 3, 100)
        assert (long.ids_NT > 0).sum() > (short.ids_NT > 0).sum()
        for row in range(20):
            spelled_out = words(long.ids_NT[row], long.words_NT[row])
            assert spelled_out == spelled(short.ids_NT[row])
            starts = starts_of(long.words_NT[row])
            if make is tag_task:
                assert moved[row][starts[: WIDTH - 1]].tolist() == right[row][: WIDTH - 1].tolist()
                assert (moved[row] != NO_LABEL).sum() == (right[row] != NO_LABEL).sum()
            elif make is span_task:
                assert starts[right[row][0]] == moved[row][0] and starts[right[row][1] + 1] == moved[row][1] + 1


def test_too_few_pieces_are_refused() -> None:
    with pytest.raises(ValueError, match="less than the .* single characters"):
        spelling(20)


def test_counting_baselines_by_hand() -> None:
    a, b, c = 10, 11, 12
    train = np.array([[CLS, a, b, SEP], [CLS, a, b, SEP], [CLS, a, c, SEP], [CLS, b, c, SEP]])
    test = np.array([[CLS, a, b, SEP], [CLS, c, b, SEP]])
    found = baselines(train, test)
    assert found["unigram_accuracy"] == 1 / 4  # a and b are equally frequent: the first of them is a
    assert found["bigram_accuracy"] == 2 / 4  # a after [CLS], b after a
