"""One pair of texts in the forms of the three families: the same answers, and nothing that gives them away (F172)."""

import numpy as np
import pytest

from nn_core.data.packing import NO_TARGET
from nn_core.data.text_forms import END, MASK, MOST, PAD, START, TASKS, text_forms


@pytest.mark.parametrize("task", TASKS)
def test_all_forms_ask_for_the_same_answers(task):
    forms = text_forms(task, num_examples=23, seed=3)
    words = {index: word for word, index in forms.vocabulary.items()}
    pairs = TASKS[task](23, 3)
    for row, (source, target) in enumerate(pairs):
        answers = forms.answer_NT[row][forms.answer_NT[row] != NO_TARGET]
        np.testing.assert_array_equal(answers, forms.row_answer_NW[row][forms.row_answer_NW[row] != NO_TARGET])
        written = [words[index] for index in answers]
        assert "".join(written[:-1]) == target.replace(" ", "") and answers[-1] == END
        read = forms.source_NS[row][forms.source_NS[row] != PAD]
        assert "".join(words[index] for index in read[:-1]) == source.replace(" ", "") and read[-1] == END


@pytest.mark.parametrize("task", TASKS)
def test_a_decoder_reads_the_word_before_each_answer_and_an_encoder_only_gaps(task):
    forms = text_forms(task, num_examples=23, seed=3)
    asked = forms.row_answer_NW != NO_TARGET
    assert (forms.gaps_NW[asked] == MASK).all()
    assert ((forms.gaps_NW == MASK).sum(axis=1) == forms.target_NT.shape[1]).all(), "the gaps do not tell the length"
    before, after = asked[:, :-1] & asked[:, 1:], forms.row_answer_NW[:, :-1]
    np.testing.assert_array_equal(forms.row_NW[:, 1:][before], after[before])
    firsts = asked.argmax(axis=1)
    assert (forms.row_NW[np.arange(23), firsts] == START).all()
    assert (forms.row_NW[np.arange(23), firsts - 1] == END).all()
    assert not np.isin(forms.row_NW[asked], [MASK, PAD]).any()


def test_more_opinions_than_there_are_is_an_error():
    with pytest.raises(ValueError, match="from 1 to 5000"):
        text_forms("classification", num_examples=60_000)
    assert len(text_forms("classification", num_examples=MOST["classification"]).source_NS) == 5000
