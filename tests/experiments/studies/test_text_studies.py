"""F087-F107: the studies of texts at reduced size, and the mistakes that they tell in one line."""

import numpy as np
import pytest

from experiments.run import main
from nn_core.text.vectors import load_word_vectors
from tests.experiments.studies.runs import check_study, column, hurried, reduced, rows_of


@pytest.mark.parametrize(
    "name",
    [
        "word2vec",
        "glove",
        pytest.param("fasttext", marks=pytest.mark.slow),
        "spam",
        "recommender",
        "joint_space",
        "document_vectors",
        pytest.param("embeddings", marks=pytest.mark.slow),
    ],
)
def test_it_fills_the_columns_of_its_table_and_its_figures_name_their_axes(name):
    check_study(name)


BOTH = {"methods": ("skip_gram", "cbow")}


@pytest.mark.parametrize(
    ("study", "label", "changes"),
    [
        ("word2vec", "skip-gram", {}),
        ("glove", "GloVe", {}),
        pytest.param("word2vec", "CBOW", BOTH, marks=pytest.mark.slow),
    ],
)
def test_topics_stand_apart(study, label, changes):
    assert column(study, label, "separated", **changes) == [1]
    assert study == "glove" or min(column(study, label, "analogy", **changes)) > 0.5


def test_questions_are_answered():
    answers = [row["label"] for row in rows_of("word2vec", "") if "similarity" in row]
    assert "odd one of laptop screen banana → banana" in answers
    assert any(label.startswith("man is to king as woman is to → ") for label in answers)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("study", "label", "changes"),
    [("word2vec", "skip-gram", BOTH), ("word2vec", "CBOW", BOTH), ("fasttext", "FastText", {})],
)
def test_vectors_tell_sentences_apart_where_few_carry_labels(study, label, changes):
    found, bag = (np.mean(column(study, one, "sentences", **changes)) for one in (label, "bag of words"))
    assert found > bag


@pytest.mark.slow
def test_an_unseen_word_is_near_its_stem():
    (share,) = column("fasttext", "FastText", "unseen")
    assert share > 0.2, "one of 184 would be found by chance"
    assert any(row["label"].startswith("laptops (not in the text) → laptop,") for row in rows_of("fasttext", ""))


def test_the_bag_of_words_finds_spam_and_knows_no_order():
    for model in ("logistic regression", "32 hidden units"):
        assert min(column("spam", f"{model}: P >= 0.5", "accuracy")) > 0.95
        assert min(column("spam", f"{model}: P >= 0.5", "f1")) > 0.9
    assert column("spam", "words shuffled", "changed") == [0, 0]
    assert column("spam", "who bites whom", "accuracy") == [0.5, 0.5]
    assert column("spam", "always ham", "f1") == [0, 0]
    assert (reduced("spam").arrays["orders"][0] == reduced("spam").arrays["orders"][1]).all()


@pytest.mark.slow
def test_factorisation_beats_the_mean_of_the_item_and_content_knows_new_items():
    """F106: at least 5 % below item means; a cold item falls back to its content."""
    for item, factors, content in zip(
        *(rows_of("recommender", label) for label in ("mean of the item", "factorisation", "factorisation with")),
        strict=False,
    ):
        assert factors["rmse"] < 0.95 * item["rmse"]
        assert content["rmse_cold_item"] < 0.9 * item["rmse_cold_item"]
        assert content["rmse_cold_user"] < 1.05 * item["rmse_cold_user"]


def test_images_and_words_find_each_other():
    """F107: recall@1 at least .9."""
    assert min(column("joint_space", "trained", "image_to_word")) > 0.9
    assert min(column("joint_space", "trained", "word_to_images")) > 0.9
    assert max(column("joint_space", "before training", "image_to_word")) < 0.4


@pytest.mark.slow
def test_document_vectors_beat_the_bag_of_words_with_two_labels_a_kind():
    for name in ("known", "new", "neighbour"):
        for label in ("document vectors", "mean of word vectors"):
            assert np.mean(column("document_vectors", label, name)) > 0.5


@pytest.mark.slow
def test_embeddings_learned_with_the_task_beat_frozen_random_ones_and_a_bag_of_words():
    """F097, F099, F105: at least 90 % from 1,000 sentences with the flattened embedding."""
    accuracy = {
        kind: np.mean(column("embeddings", f"{kind}: 1000", "accuracy", examples=(1000,), steps=100))
        for kind in ("learned with the task", "random, frozen", "pretrained, tuned", "bag of words")
    }
    assert accuracy["learned with the task"] > accuracy["random, frozen"]
    assert accuracy["learned with the task"] > max(0.9, accuracy["bag of words"])
    assert accuracy["pretrained, tuned"] > 0.9


def test_the_vectors_are_in_the_run_directory_and_are_read_back(tmp_path, capsys):
    text = tmp_path / "own.txt"
    text.write_text("the red cat sat\nthe red dog sat\nthe blue cat ran\nthe blue dog ran\n" * 30)
    words = [f"--config.task.path={text}", "--config.task.text=file", "--config.task.similar=('cat',)"]
    words += ["--config.task.odd=('cat dog blue',)", "--config.task.analogies=()", "--config.num_seeds=1"]
    words += ["--config.task.methods=('cbow',)", "--config.task.features=7", "--config.figures=()"]
    with hurried():
        assert main(["--config=word2vec", f"--workdir={tmp_path / 'run'}", *words]) == 0
    vectors = load_word_vectors(tmp_path / "run" / "vectors.txt")
    assert set(vectors.words) == set("the red blue cat dog sat ran".split())
    assert vectors.vectors_VE.shape == (7, 7)
    assert "odd one of cat dog blue" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--config=word2vec", "--config.task.similar=('laptops',)"],
            "known words; nearest known: laptop",
        ),
        (["--config=word2vec", "--config.task.odd=('king queen',)"], "give 3 words"),
        (["--config=word2vec", "--config.task.analogies=('a king',)"], "give 3 words"),
        (["--config=word2vec", "--config.task.methods=('skipgram',)"], "skip_gram"),
        (
            ["--config=word2vec", "--config.task.text=file"],
            "config.task.text='file' needs the file; add --config.task.path=",
        ),
        (
            ["--config=word2vec", "--config.task.path=a.txt"],
            "has no effect with config.task.text='small_world'; add --con",
        ),
        (
            ["--config=glove", "--config.task.text=file", "--config.task.path=/dev/null"],
            "config.task.path: the text file /dev/null is empty",
        ),
        (
            ["--config=word2vec", "--config.task.min_count=1000000"],
            "config.task.text: no word of the corpus occurs min_count=1000000",
        ),
        (["--config=word2vec", "--config.task.window=0"], "window"),
        (["--config=glove", "--config.task.optimizer=adagard"], "adagrad"),
        (["--config=fasttext", "--config.task.unseen=('',)"], "has no n-gram"),
        (["--config=fasttext", "--config.task.longest=2"], "shortest"),
        (["--config=spam", "--config.task.corpus=sms"], "sms_spam"),
        (["--config=spam", "--config.task.batch_size=100000"], "batch_size"),
        (["--config=recommender", "--config.task.per_user=1000"], "per_user"),
        (["--config=joint_space", "--config.task.batch_size=1"], "batch_size"),
        (["--config=bert_quick", "--config.task.heads=5"], "config.task.heads=5 does not divide"),
        (["--config=contextual_vectors", "--config.task.heads=5"], "config.task.heads=5 does not divide"),
        (["--config=families", "--config.task.heads=5"], "config.task.heads=5 does not divide"),
        (["--config=transformer_parts", "--config.task.num_heads=5"], "config.task.num_heads=5 does not divide"),
        (["--config=attention_variants", "--config.task.embedding_dim=5"], "config.task.embedding_dim=5: "),
        (["--config=attention_variants", "--config.task.embedding_dim=12"], "config.task.embedding_dim=12: "),
        (["--config=attention_variants", "--config.task.trained_length=8000"], "trained_length=8000"),
        (["--config=tokenizers", "--config.data.tokenizer=bep"], "bpe"),
        (["--config=tokenizers", "--sweep=false", "--config.data.tokenizer=word"], "needs a size"),
        (
            ["--config=tokenizers", "--sweep=false", "--config.data.vocabulary_size=9"],
            "vocabulary_size=9 has no effect",
        ),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(words, message, capsys, tmp_path):
    assert main([*words, f"--workdir={tmp_path / 'run'}"]) == 2
    captured = capsys.readouterr()
    assert message in captured.err and captured.err.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("one\n\ntwo\nthree\n", "lower min_count"),
        ("one\none\none\none\none\n", "no sentence of two"),
    ],
)
def test_a_text_that_is_too_small_is_told(content, message, capsys, tmp_path):
    (tmp_path / "text.txt").write_text(content)
    words = ["--config.task.text=file", f"--config.task.path={tmp_path / 'text.txt'}"]
    words += ["--config.task.similar=()", "--config.task.odd=()", "--config.task.analogies=()"]
    assert main(["--config=word2vec", f"--workdir={tmp_path / 'run'}", *words]) == 2
    captured = capsys.readouterr()
    assert message in captured.err and captured.err.count("\n") == 1


def test_a_rate_that_makes_no_numbers_is_told(capsys, tmp_path):
    words = ["--config.task.learning_rate=1e30", "--config.num_seeds=1", "--config.task.epochs=1"]
    words += ["--config.task.features=20", "--config.task.window=3"]
    words += ["--config.task.methods=('skip_gram',)", f"--workdir={tmp_path / 'run'}"]
    with hurried():
        assert main(["--config=word2vec", *words]) == 3
    captured = capsys.readouterr()
    assert "lower config.task.learning_rate" in captured.err and "Traceback" not in captured.err
