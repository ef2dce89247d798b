"""The world of questions: what its texts tell, what its answers are worth, and files of one's own."""

import numpy as np
import pytest

from nn_core.data.assistant_world import (
    CLOSINGS,
    NAMES,
    OPENINGS,
    POLITE_WORDS,
    RELATIONS,
    RUDE_WORDS,
    VALUES,
    assistant_text,
    held_out,
    questions,
    random_answer,
    world_facts,
)
from nn_core.data.conversation_files import (
    Conversation,
    Preference,
    conversation_of,
    preference_of,
    prompt_of,
    read_records,
)
from nn_core.data.preferences import demonstrations, is_right, preference_pairs, true_reward

FACTS = world_facts()


def test_the_text_tells_the_facts_and_answers_no_question():
    text = assistant_text(num_lines=3000)
    told = [fact for fact in FACTS if RELATIONS[fact.relation].sentences[0].format(who=fact.who, it=fact.value) in text]
    assert len(told) > 0.95 * len(FACTS)
    for fact in FACTS:
        wrong = set(RELATIONS[fact.relation].values) - {fact.value}
        assert not any(RELATIONS[fact.relation].sentences[0].format(who=fact.who, it=value) in text for value in wrong)
    asking = [line for line in text.splitlines() if "?" in line]
    assert asking and not any(set(line.split()) & set(VALUES) for line in asking)
    assert text == assistant_text(num_lines=3000) != assistant_text(num_lines=3000, seed=1)


def test_every_word_of_an_answer_is_in_the_text():
    known = set(assistant_text(num_lines=3000).split())
    rng = np.random.default_rng(0)
    for fact, question in questions(FACTS):
        assert set(f"{question} {random_answer(fact, rng, wrong=0.5)}".split()) <= known


def test_a_tone_is_told_by_words_of_its_own():
    for phrases in (OPENINGS, CLOSINGS):
        for tone, texts in phrases.items():
            for text in texts:
                words = set(text.split())
                assert bool(words & set(POLITE_WORDS)) == (tone == "polite"), text
                assert bool(words & set(RUDE_WORDS)) == (tone == "rude"), text
    assert len({*NAMES, *VALUES}) == len(NAMES) + len(VALUES)


def test_the_hidden_rule():
    assert is_right("anna lives in rome .", "rome") and not is_right("rome or paris .", "rome")
    assert true_reward("gladly , anna lives in rome .", "rome") == pytest.approx(1 + 0.6 - 7 * 0.04)
    assert true_reward("gladly gladly , anna lives in rome .", "rome") == pytest.approx(1 + 0.6 - 8 * 0.04)
    assert true_reward("honestly , anna lives in paris .", "rome") == pytest.approx(-0.6 - 7 * 0.04)


def test_pairs_follow_the_rule_but_for_their_noise():
    values = {question: fact.value for fact, question in questions(FACTS)}

    def share(noise):
        pairs = preference_pairs(FACTS, num_pairs=2000, noise=noise)
        return np.mean(
            [true_reward(p.chosen, values[p.prompt]) > true_reward(p.rejected, values[p.prompt]) for p in pairs]
        )

    assert share(0.0) == 1.0
    assert share(0.2) == pytest.approx(0.8, abs=0.03)
    with pytest.raises(ValueError, match=r"noise=1 is outside \[0, 1\)"):
        preference_pairs(FACTS, num_pairs=1, noise=1)


def test_facts_are_either_trained_or_held_out():
    train, test = held_out(FACTS, 0.25)
    assert len(test) == 24 and set(train) | set(test) == set(FACTS) and not set(train) & set(test)
    assert all(
        is_right(answer, next(f.value for f, q in questions(train) if q == question))
        for question, answer in demonstrations(train, num_answers=1)
    )
    with pytest.raises(ValueError, match="share=0.001 of 96 facts leaves nothing"):
        held_out(FACTS, 0.001)


def test_files_of_ones_own(tmp_path):
    path = tmp_path / "own.jsonl"
    path.write_text(
        '{"prompt": "a", "response": "b"}\n\n{"messages": [{"role": "user", "content": "c"}, {"role": "assistant", "content": "d"}]}\n',
        encoding="utf-8",
    )
    assert read_records(path, conversation_of) == (
        Conversation((("user", "a"), ("assistant", "b")), whole=False),
        Conversation((("user", "c"), ("assistant", "d")), whole=True),
    )
    assert read_records(path, prompt_of) == ((("user", "a"),), (("user", "c"),))
    path.write_text('{"prompt": "a", "chosen": "b", "rejected": "c"}', encoding="utf-8")
    assert read_records(path, preference_of) == (Preference((("user", "a"),), "b", "c"),)


def test_records_as_other_trainers_write_them():
    asked, said = [{"role": "user", "content": "a"}], {"role": "assistant", "content": "b"}
    other = said | {"content": "c"}
    expected = Preference((("user", "a"),), "b", "c")
    whole = {"chosen": [*asked, said], "rejected": [*asked, other]}
    assert preference_of(whole) == preference_of({"prompt": asked, "chosen": [said], "rejected": [other]}) == expected
    assert prompt_of(whole) == prompt_of({"prompt": asked}) == prompt_of({"messages": asked}) == expected.asked
    turns = (("user", "a"), ("assistant", "b"))
    for record in ({"prompt": "a", "completion": "b"}, {"prompt": asked, "completion": [said]}):
        assert conversation_of(record) == Conversation(turns, whole=False)
    with pytest.raises(ValueError, match="differ before their last message"):
        preference_of({"chosen": [*asked, said], "rejected": [asked[0] | {"content": "d"}, said]})


@pytest.mark.parametrize(
    ("line", "make", "message"),
    [
        ('{"prompt": "a"}', conversation_of, "line 2: the field 'response' is missing; there are 'prompt'"),
        ('{"prompt": "a", "response": " "}', conversation_of, "line 2: the field 'response' is empty"),
        ('{"prompt": "a", "response": 3}', conversation_of, "line 2: the field 'response' is a number, not text"),
        ('{"prompt": null, "response": "a"}', conversation_of, "'prompt' is null, not text; leave the line out"),
        (
            '{"instruction": "a", "input": "", "output": "b"}',
            conversation_of,
            "the field 'prompt' is missing; there are 'instruction', 'input', 'output'; rename 'instruction' to 'prompt', "
            "'output' to 'response'",
        ),
        ('{"conversations": [{"from": "human"}]}', conversation_of, "rename 'conversations' to 'messages'"),
        (
            '{"messages": [{"from": "user", "value": "a"}]}',
            conversation_of,
            "rename 'from' to 'role', 'value' to 'content'",
        ),
        (
            '{"messages": [{"role": "human", "content": "a"}]}',
            conversation_of,
            "message 1 is of 'human' where 'user' speaks; the roles are system, user, assistant",
        ),
        ('{"chosen": [{"role": "user", "content": "a"}], "rejected": []}', preference_of, "'rejected' must be a list"),
        (
            '{"prompt": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "a"}]}',
            prompt_of,
            "the last message of 'prompt' is the assistant's",
        ),
        (
            '{"prompt": "a", "chosen": "b", "rejected": "b"}',
            preference_of,
            "line 2: 'chosen' and 'rejected' are the same",
        ),
        ("[1]", preference_of, "line 2: list instead of an object"),
        ("{", preference_of, "line 2: no JSON"),
        ('{"messages": []}', conversation_of, "line 2: the field 'messages' must be a list"),
        ('{"messages": [{"role": "user", "content": "c"}]}', conversation_of, "line 2: the last message is the user's"),
        (
            '{"messages": [{"role": "system", "content": "c"}]}',
            conversation_of,
            "line 2: the system's message is the only one",
        ),
        (
            '{"messages": [{"role": "user", "content": "c"}, {"role": "system", "content": "d"}]}',
            conversation_of,
            "line 2: message 2 is of 'system' where 'assistant' speaks",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_line(line, make, message, tmp_path):
    path = tmp_path / "own.jsonl"
    path.write_text("\n" + line + "\n", encoding="utf-8")
    with pytest.raises(ValueError) as told:
        read_records(path, make)
    assert message in str(told.value) and "\n" not in str(told.value)
    path.write_text("\n", encoding="utf-8")
    with pytest.raises(ValueError, match="has no line with an object"):
        read_records(path, make)
