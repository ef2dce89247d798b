from nn_core.data.text import load_text
from nn_core.data.world import (
    GENDERS,
    KINDS,
    PEOPLE,
    PLACES,
    RANKS,
    WORLD_PAIRS,
    WORLD_TOPICS,
    analogies,
    world_sentences,
)
from nn_core.text.words import split_words


def test_a_sentence_about_a_place_names_the_place_its_rank_and_its_country_only():
    texts, kinds_N = world_sentences(num_sentences=803, seed=3)
    assert len(texts) == 803 and {KINDS[kind] for kind in kinds_N} == set(WORLD_TOPICS)
    for text, kind in zip(texts, kinds_N, strict=True):
        words = set(split_words(text))
        named = [name for name, topic in WORLD_TOPICS.items() if words & set(topic)]
        assert named == [KINDS[kind]]
        for pairs, marks in ((PLACES, RANKS), (PEOPLE, [{w for ws in g.values() for w in ws} for g in GENDERS])):
            for pair, own in pairs.items():
                for rank in (0, 1):
                    if pair[rank] in words:
                        assert words & set(own) and words & set(marks[rank]) and not words & set(marks[1 - rank])


def test_the_text_is_a_megabyte_and_the_same_twice():
    text = load_text("small_world")
    assert 1_000_000 < len(text) < 1_300_000 and text == load_text("small_world")
    words = set(split_words(text))
    assert {word for pair in WORLD_PAIRS for word in pair[:2]} <= words
    assert {word for question in analogies() for word in question} <= words


def test_an_analogy_changes_one_thing_at_a_time():
    questions = set(analogies())
    assert {("man", "woman", "king", "queen"), ("man", "king", "woman", "queen")} <= questions
    assert ("rome", "italy", "paris", "france") in questions
    assert all(len(set(question)) == 4 for question in questions)
    assert not any(a in WORLD_TOPICS["people"] and c in WORLD_TOPICS["places"] for a, b, c, d in questions)
