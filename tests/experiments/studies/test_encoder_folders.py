"""The networks of bert_quick as folders: the ids that they were trained on, and every task of the pipeline that reads both ways."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.pipeline import pipeline
from experiments.run import main
from experiments.studies.encoder_folders import story_tokenizer
from nn_core.data.sequences import TAGS
from nn_core.data.stories import SPECIAL, TOPICS, opinion_task, span_task, tag_task, topic_task, vocabulary
from nn_core.pretrained.tokenizer_files import as_folder_tokenizer

WORDS = list(vocabulary())


def texts_of(ids_T: np.ndarray) -> list[str]:
    """The sentences of a row."""
    return " ".join(WORDS[i] for i in ids_T if i).removeprefix("[CLS] ").removesuffix(" [SEP]").split(" [SEP] ")


def test_the_folder_feeds_what_the_encoder_was_trained_on() -> None:
    tokenizer = as_folder_tokenizer(story_tokenizer(), brackets=True)
    for make in (opinion_task, tag_task, span_task, topic_task):
        found, _ = make(7, 32, 3)
        for ids_T, segments_T in zip(found.ids_NT, found.segments_NT, strict=True):
            fed, count = tokenizer.feed(*texts_of(ids_T)), int((ids_T > 0).sum())
            assert fed.ids == ids_T[:count].tolist() and fed.segments == segments_T[:count].tolist()
    pieces = as_folder_tokenizer(story_tokenizer(100), brackets=True)
    for make in (opinion_task, tag_task, span_task, topic_task):
        (found, _), (spelled, _) = make(7, 32, 3), make(7, 96, 3, 100)
        for words_T, ids_T, segments_T in zip(found.ids_NT, spelled.ids_NT, spelled.segments_NT, strict=True):
            fed, count = pieces.feed(*texts_of(words_T)), int((ids_T > 0).sum())
            assert fed.ids == ids_T[:count].tolist() and fed.segments == segments_T[:count].tolist()
    assert tokenizer.feed("Anna zzz.").ids == [WORDS.index(word) for word in ("[CLS]", "anna", "[UNK]", ".", "[SEP]")]
    assert set(SPECIAL) == set(tokenizer.special.values())


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("bert_quick") / "run"
    changes = {"num_seeds": 1, "task.held_out": 100, "task.test": 100, "task.pretrain_steps": 700, "figures": "()"}
    words = [f"--config.{name}={value}" for name, value in changes.items()]
    assert main(["--config=bert_quick", f"--workdir={place}", *words]) == 0
    return place / "models"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_every_task_that_reads_both_ways_runs_from_a_config_of_this_project(models: Path) -> None:
    def ask(task: str, name: str, value: Any, **options: Any) -> Any:
        return pipeline(task, models / name, **options)(value)

    # "breaks the" and "into a pan" are said of nothing else.
    assert ask("fill-mask", "words", "anna breaks the [MASK] into a pan")[0]["token_str"] == "eggs"
    found, tags_NT = tag_task(9, 32, 50)
    for ids_T, tags_T in zip(found.ids_NT, tags_NT, strict=True):
        tagged = ask("token-classification", "tags", *texts_of(ids_T))
        assert [one["word"] for one in tagged] == texts_of(ids_T)[0].split()
        right = [one["entity"] == TAGS[tag] for one, tag in zip(tagged, tags_T[tags_T >= 0], strict=True)]
        assert np.mean(right) >= 0.7
    context = "clara has a yellow garden . anna has a blue dog ."
    answer = ask("question-answering", "span", {"question": "what does anna have ?", "context": context})
    assert context[answer["start"] : answer["end"]] == answer["answer"] and 0 < answer["score"] <= 1
    assert ask("text-classification", "opinion", "a superb film")[0]["label"] in ("negative", "positive")
    about = ask(
        "zero-shot-classification", "topic", "anna breaks the eggs into a pan",
        candidate_labels=", ".join(TOPICS), hypothesis_template="{}",
    )  # fmt: skip
    assert sorted(about["labels"]) == sorted(TOPICS) and abs(sum(about["scores"]) - 1) < 1e-5
    assert np.shape(ask("feature-extraction", "words", "anna reads a book")) == (1, 6, 48)
    sentences = {
        "source_sentence": "anna eats a sweet date",
        "sentences": ["ben eats a sweet date", "it begins to rain"],
    }
    near, far = ask("sentence-similarity", "words", sentences)
    assert near > far
