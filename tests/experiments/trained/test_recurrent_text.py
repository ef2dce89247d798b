"""The recurrent language model through the commands: trained, sampled from, and equal to its own step by step."""

import jax
import numpy as np
import pytest

from experiments import sample
from experiments.run import main
from experiments.run_directory import stored_run
from experiments.trained import language_model
from nn_core.generation.decode import completions, generate
from nn_core.generation.filters import Sampling
from tests.experiments import tiny

SMALL = {"model__features": 12, "model__embedding_size": 6, "train__steps": 4, "train__eval_every": 2}
GPT_ONLY = ("model.layers_num", "model.heads_num", "model.embedding_dim")


def words_of(folder, **changes):
    """The command line of a tiny recurrent run."""
    words = tiny.arguments(folder, "rnn_text", **(SMALL | changes))
    return [word for word in words if word.split("=")[0].removeprefix("--config.") not in GPT_ONLY]


# Decoders of two layers are tested without the command too, in tests/models.
MODELS = {"lstm": {"model__cell": "lstm"}, "gru": {"model__cell": "gru", "model__num_layers": 2}}


@pytest.fixture(scope="module", params=["lstm", pytest.param("gru", marks=pytest.mark.slow)])
def run(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    assert main(words_of(folder, train__sample_every=2, **MODELS[request.param])) == 0
    return folder / "run"


@pytest.fixture(scope="module")
def model(run):
    return language_model.language_model(stored_run.load(run))


def test_the_command_samples_as_from_a_gpt(run, capsys):
    assert sorted(path.name for path in (run / "samples").iterdir()) == ["000000.txt", "000002.txt", "000004.txt"]
    words = [
        f"--checkpoint={run}",
        "--prompt=Anna",
        "--temperature=0.8",
        "--top_k=5",
        "--max_new_tokens=40",
        "--seed=1",
    ]
    assert sample.main(words) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("Anna") and len(captured.out) == len("Anna") + 40 + len("\n")
    assert "40 new tokens" in captured.err and "context window" not in captured.err
    assert sample.main(words) == 0
    assert capsys.readouterr().out == captured.out
    assert sample.main([f"--checkpoint={run}", "--prompt=Anna", "--num_beams=3", "--max_new_tokens=5"]) == 0
    assert capsys.readouterr().out.startswith("Anna")


def test_prompts_of_different_length_continue_as_each_alone(model):
    prompts = [model.tokenizer.encode(text).tolist() for text in ("A", "The dog sees the old house by the sea. " * 2)]
    keys_B = jax.random.split(jax.random.key(5), 2)
    options = {"sampling": Sampling(temperature=0.7), "max_new_tokens": 21}
    both = completions(generate(model.decoder, model.params, prompts, key=keys_B, **options))
    for row, prompt in enumerate(prompts):
        alone = completions(generate(model.decoder, model.params, [prompt], key=keys_B[row : row + 1], **options))
        assert alone == [both[row]]


def test_the_text_is_what_reading_everything_again_would_choose(model):
    prompt = model.tokenizer.encode("The cat is").tolist()
    made = completions(generate(model.decoder, model.params, [prompt], max_new_tokens=23))[0]
    ids_1T = np.asarray([prompt + made])
    logits_1TV = np.asarray(jax.jit(model.module.apply)({"params": model.params}, ids_1T[:, :-1]))
    assert np.argmax(logits_1TV[0, len(prompt) - 1 :], axis=-1).tolist() == made


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model__cell": "lstn"}, "config.model.cell='lstn' is unknown; did you mean lstm?"),
        ({"model__bidirectional": True}, "bidirectional=True lets a language model see the tokens that it predicts"),
        ({"model__features": 0}, "config.model.features=0 is outside [1, inf)"),
        ({"data__context_size": 3000}, "a window needs context_size + 1 = 3001; use a longer text"),
    ],
)
def test_mistakes_are_told_in_one_line(changes, message, tmp_path, capsys):
    assert main(words_of(tmp_path, **changes)) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_an_empty_text_is_told_in_one_line(tmp_path, capsys):
    words = words_of(tmp_path)
    (tmp_path / "text.txt").write_text("", encoding="utf-8")
    assert main(words) == 2
    error = capsys.readouterr().err
    assert "is empty; give one with text in it" in error and error.count("\n") == 1
