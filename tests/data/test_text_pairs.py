"""Text pairs: the toy grammar's agreement, span corruption undone, packed rows, and files that do not fit together."""

import numpy as np
import pytest

from nn_core.data import text_tasks as text_tasks_module
from nn_core.data.packing import NO_TARGET, Marks, pack_pairs
from nn_core.data.text_pairs import load_text_pairs
from nn_core.data.text_tasks import (
    MOST_EXAMPLES,
    NUM_SUMMARIES,
    PEOPLE,
    SENTINEL,
    THINGS,
    corrupt,
    summarize,
    text_tasks,
)
from nn_core.data.toy_translation import ADJECTIVES, NOUNS, begins_with_vowel, toy_translation

MARKS = Marks(0, 2, 3)


def test_the_grammar_agrees_elides_and_repeats_nothing() -> None:
    english, french = toy_translation(num_examples=1500, seed=3)
    assert len(set(english)) == 1500 and toy_translation(num_examples=1500, seed=3) == (english, french)
    assert toy_translation(num_examples=10, seed=4)[0] != english[:10]
    feminine = {noun.french for noun in NOUNS if noun.feminine}
    masculine = {noun.french for noun in NOUNS if not noun.feminine}
    masculine_forms = {a.masculine for a in ADJECTIVES} - {a.feminine for a in ADJECTIVES}
    feminine_forms = {a.feminine for a in ADJECTIVES} - {a.masculine for a in ADJECTIVES}
    for line in french:
        words = line.removesuffix(".").replace("'", "' ").split()
        for word, following in zip(words, words[1:], strict=False):
            if word in ("le", "la", "ce", "ma", "je", "ne", "de") and following not in ("la", "ville"):
                assert not begins_with_vowel(following), line
            if word in ("l'", "n'", "j'", "d'", "cet"):
                assert begins_with_vowel(following), line
        for noun, wrong in ((feminine, masculine_forms), (masculine, feminine_forms)):
            for place, word in enumerate(words):
                if word.removesuffix("s") in noun and place + 1 < len(words):
                    assert words[place + 1].removesuffix("s") not in wrong, line


def test_what_span_corruption_takes_out_it_names_in_the_target() -> None:
    rng = np.random.default_rng(0)
    for length in (2, 5, 17, 40):
        words = [f"w{i}" for i in range(length)]
        for share in (0.15, 0.5):
            source, target = corrupt(words, rng, share=share, mean_length=3.0)
            spans: dict[str, list[str]] = {}
            for word in target.split():
                if word.startswith("<extra_"):
                    spans[word] = []
                else:
                    spans[list(spans)[-1]].append(word)
            names = list(spans)
            assert names == [SENTINEL.format(i) for i in range(len(names))]
            assert spans.pop(names[-1]) == []  # the last one ends the target
            assert all(spans.values())
            rebuilt = [part for word in source.split() for part in spans.get(word, [word])]
            assert rebuilt == words
            assert sum(map(len, spans.values())) == max(round(share * length), 1)
    with pytest.raises(ValueError, match="1 words are too few"):
        corrupt(["alone"], rng)


def test_every_task_has_its_prefix_and_the_right_answer() -> None:
    sources, targets = text_tasks(num_examples=80)
    assert {source.split(":")[0] for source in sources} == {"translate", "reverse", "answer", "summarize"}
    for source, target in zip(sources, targets, strict=True):
        kind, text = source.split(": ", 1)
        if kind == "reverse":
            assert target.split() == text.split()[::-1]
        if kind == "answer":
            who = text.split("What does ")[1].split()[0]
            assert f"{who} has {target}." in text


@pytest.mark.parametrize("packed", [False, True])
def test_packed_or_not_every_pair_stands_in_a_row_once(packed: bool) -> None:
    rng = np.random.default_rng(1)
    sources = [rng.integers(5, 99, rng.integers(1, 9)) for _ in range(41)]
    targets = [rng.integers(5, 99, rng.integers(1, 11)) for _ in range(41)]
    rows = pack_pairs(sources, targets, (17, 19), MARKS, packed=packed)
    found = []
    for row in range(len(rows.source_RS)):
        for segment in range(1, rows.source_segments_RS[row].max() + 1):
            source = rows.source_RS[row][rows.source_segments_RS[row] == segment]
            here = rows.target_segments_RT[row] == segment
            read, answer = rows.target_RT[row][here], rows.answer_RT[row][here]
            assert source[-1] == MARKS.end and read[0] == MARKS.start and answer[-1] == MARKS.end
            np.testing.assert_array_equal(read[1:], answer[:-1])
            found.append((tuple(source[:-1]), tuple(answer[:-1])))
    expected = [(tuple(s.tolist()), tuple(t.tolist())) for s, t in zip(sources, targets, strict=True)]
    assert sorted(found) == sorted(expected)
    assert len(rows.source_RS) == 41 if not packed else len(rows.source_RS) < 25
    padding = rows.source_segments_RS == 0
    assert not rows.source_RS[padding].any() and (rows.answer_RT[rows.target_segments_RT == 0] == NO_TARGET).all()
    tokens = sum(len(s) + len(t) + 2 for s, t in zip(sources, targets, strict=True))
    assert rows.padding == pytest.approx(1 - tokens / (len(rows.source_RS) * 36))


def test_a_pair_that_fits_no_row_is_named() -> None:
    with pytest.raises(ValueError, match="target 2 of the pairs has 5 tokens, more than config.data.target_size=4"):
        pack_pairs([np.arange(2), np.arange(2)], [np.arange(2), np.arange(4)], (8, 4), MARKS, packed=True)


def test_files_of_unequal_length_are_told_with_both_counts_and_the_first_line_alone(tmp_path) -> None:
    source, target = tmp_path / "a.en", tmp_path / "a.fr"
    source.write_text("one\ntwo\nthree\nfour\n", encoding="utf-8")
    target.write_text("un\ndeux\ntrois\n", encoding="utf-8")
    options = {"source": str(source), "target": str(target), "validation": 1, "test": 1}
    with pytest.raises(ValueError, match="has 4 lines and .* has 3; line 4 is the first without"):
        load_text_pairs("parallel_files", **options)
    target.write_text("un\n\ntrois\nquatre\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 2 of .*a.fr is empty"):
        load_text_pairs("parallel_files", **options)
    target.write_text("un\ndeux\ntrois\nquatre\n", encoding="utf-8")
    pairs = load_text_pairs("parallel_files", **options)
    assert pairs.train == (("one", "two"), ("un", "deux")) and pairs.test == (("four",), ("quatre",))


def test_multi30k_is_judged_on_its_validation_file(shared_data, monkeypatch) -> None:
    monkeypatch.setenv("NN_CORE_DATA_DIR", str(shared_data))
    pairs = load_text_pairs("multi30k", train=100, validation=7)
    assert [len(part[0]) for part in pairs[:3]] == [100, 7, 1014]
    assert pairs.train[1][0] == "Deux jeunes hommes blancs sont dehors près de buissons."
    assert not set(pairs.train[0]) & set(pairs.validation[0])


def test_no_more_text_tasks_are_asked_for_than_there_are_different_ones(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    monkeypatch.setattr(text_tasks_module, "PEOPLE", PEOPLE[:1])
    monkeypatch.setattr(text_tasks_module, "THINGS", THINGS[:4])
    assert len({summarize(rng)[0] for _ in range(1000)}) == 4 * 3 + 4 * 3 * 2  # every ordered choice of two or three
    assert NUM_SUMMARIES == 6 * (13 * 12 + 13 * 12 * 11)
    assert MOST_EXAMPLES // 4 == NUM_SUMMARIES and (MOST_EXAMPLES + 1) // 4 > NUM_SUMMARIES
    for name in ("text_tasks", "span_corruption"):
        with pytest.raises(ValueError, match=r"num_examples=60000 .*44931"):
            load_text_pairs(name, num_examples=60_000)
