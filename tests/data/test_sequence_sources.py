import numpy as np
import pytest

from nn_core.data.corpora import LabelledTexts
from nn_core.data.sequence_sources import (
    CLASS,
    NO_TAG,
    NUMBER,
    SEQUENCE,
    SEQUENCES,
    TAG,
    check_ids,
    hash_words,
    hashed,
    load_sequences,
    make_sequences,
)
from nn_core.data.sequences import END_ID, ORDER_WORDS, PAD_ID, START_ID, spell, word_order


@pytest.mark.parametrize("name", [name for name in SEQUENCES if name != "sms_spam"])
def test_every_source_gives_ids_in_range_and_an_answer_for_each_sequence(name):
    options = {"num_steps": 80} if name == "noisy_sine" else {"num_examples": 23}
    found = load_sequences(name, **options)
    arrays = found.inputs if isinstance(found.inputs, tuple) else (found.inputs,)
    assert all(len(array) == len(found.targets) for array in arrays)
    for array, size in zip(arrays, found.vocabulary_sizes, strict=found.answer != NUMBER):
        assert array.dtype == np.int32 and array.min() >= 0 and array.max() < size
    if found.answer == NUMBER:
        assert arrays[0].dtype == found.targets.dtype == np.float32 and found.num_classes == 0
    else:
        lowest = 0 if found.answer == CLASS else NO_TAG
        assert found.targets.min() >= lowest and found.targets.max() < found.num_classes


def test_what_is_read_of_a_target_is_one_token_behind_what_is_to_be_written():
    found = load_sequences("addition", num_examples=31, max_digits=2)
    source_NS, read_NU = found.inputs
    assert found.answer == SEQUENCE and (read_NU[:, 0] == START_ID).all()
    for source, read, written in zip(source_NS, read_NU, found.targets, strict=True):
        length = int((written != NO_TAG).sum())
        assert written[length - 1] == END_ID and (written[length:] == NO_TAG).all()
        np.testing.assert_array_equal(read[1:length], written[: length - 1])
        assert sum(map(int, spell(source).split("+"))) == int(spell(written))


def test_tags_end_where_the_words_end():
    found = load_sequences("tagged_sentences", num_examples=40)
    assert found.answer == TAG and ((found.inputs == PAD_ID) == (found.targets == NO_TAG)).all()


def test_the_order_of_the_words_is_the_class_and_their_bag_is_not():
    found = word_order(num_examples=500)
    bites = ORDER_WORDS.index("bites")
    assert (found.ids_NT[:, 1] == bites).all() and (found.ids_NT[:, 0] != found.ids_NT[:, 2]).all()
    np.testing.assert_array_equal(found.targets_N, found.ids_NT[:, 0] > found.ids_NT[:, 2])
    classes_of_bag = {}
    for ids, target in zip(found.ids_NT, found.targets_N, strict=True):
        classes_of_bag.setdefault(frozenset(ids.tolist()), set()).add(int(target))
    assert all(classes == {0, 1} for classes in classes_of_bag.values())


def test_words_are_hashed_without_a_vocabulary_and_an_empty_text_is_padding():
    ids_NT = hash_words(["Win £1000 now!", "", "win £2000 NOW!", "now " * 9], buckets=1000, max_words=5)
    np.testing.assert_array_equal(ids_NT[0], ids_NT[2])
    assert (ids_NT[1] == PAD_ID).all() and (ids_NT[0] > 0).all() and (ids_NT[3] == ids_NT[3, 0]).all()
    assert ids_NT.max() <= 1000 and len(set(ids_NT[0].tolist())) == 5
    lone_surrogate = hash_words(["caf\ud800 \x00"], buckets=7, max_words=3)
    assert 1 <= lone_surrogate.max() <= 7
    with pytest.raises(ValueError, match="none of the 2 texts has a word"):
        hash_words(["", " \n"], buckets=5, max_words=3)
    texts = hashed(LabelledTexts(("a b", "c"), np.array([0, 1], np.int32), ("ham", "spam")), 9, 2)
    assert texts.vocabulary_size == 10 and texts.num_classes == 2


def test_ids_out_of_range_are_named():
    with pytest.raises(ValueError, match=r"inputs\[1, 2\]=7 is out of range; 7 of them have ids 0..6"):
        check_ids(np.array([[0, 1, 2], [3, 4, 7]]), 7, "inputs")
    with pytest.raises(ValueError, match=r"targets\[0\]=-1 is out of range"):
        make_sequences(CLASS, np.zeros((1, 3), int), np.array([-1]), vocabulary_sizes=(4,), num_classes=2)
    with pytest.raises(ValueError, match="give at least one whole number"):
        check_ids(np.zeros((0, 3), int), 7, "inputs")
    with pytest.raises(ValueError, match=r"\[2\] inputs for 1 targets"):
        make_sequences(CLASS, np.zeros((2, 3), int), np.array([0]), vocabulary_sizes=(4,), num_classes=2)


def test_options_are_checked():
    with pytest.raises(ValueError, match="did you mean 'max_digits'"):
        load_sequences("addition", max_digit=3)
    with pytest.raises(ValueError, match="unknown sequences 'adition'"):
        load_sequences("adition")
