"""--help of every command, and of the keys of every config."""

import pytest

from experiments import compare, predict, run, sample, tokens, vectors
from experiments.benchmark import __main__ as benchmark
from experiments.command_line.arguments import OPTIONS, config_files, parse
from experiments.command_line.config_paths import flatten
from experiments.course import __main__ as course
from experiments.execution.config_help import Comments, about
from experiments.figures import __main__ as figures
from experiments.formulas import __main__ as formulas
from experiments.report import __main__ as report

COMMANDS = {
    "run": run,
    "sample": sample,
    "predict": predict,
    "vectors": vectors,
    "tokens": tokens,
    "compare": compare,
    "benchmark": benchmark,
    "figures": figures,
    "formulas": formulas,
    "report": report,
    "course": course,
}


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("word", ["-h", "--help"])
def test_every_command_tells_what_it_does_and_its_options(name, word, capsys):
    assert COMMANDS[name].main([word, "--mistyped"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: python -m experiments.{name}")
    assert "\noptions:\n" in text and "\nexamples:\n" in text
    for option in getattr(COMMANDS[name], "OPTIONS", {}):
        assert f"\n  --{option}" in text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_refuses_what_it_does_not_know_in_one_line(name, capsys):
    for words in (["--mistyped=1"], ["-x"]):
        assert COMMANDS[name].main(words) == 2
        told = capsys.readouterr()
        assert told.err.startswith("error: ") and told.err.count("\n") == 1
        assert told.out == ""


@pytest.mark.parametrize(
    ("name", "words", "message"),
    [
        ("formulas", ["F001"], "unexpected argument 'F001'; write --only=F001"),
        ("report", ["T2"], "unexpected argument 'T2'; write --only=T2"),
        ("report", ["--workdir=README.md"], "README.md is a file; name a folder"),
        ("figures", ["attention"], "'attention' is a figure of a language model; add --checkpoint=DIR"),
        ("figures", ["--step=3"], "--step has no effect without --checkpoint"),
        ("figures", ["--checkpoint=checkpoints", "--workdir=x"], "--workdir has no effect with --checkpoint"),
        ("figures", ["--workdir=README.md"], "README.md is a file; name a folder"),
        ("sample", ["--checkpoint=README.md"], "README.md is a file; give the folder"),
        ("predict", ["--checkpoint=checkpoints", "x.png", "--top_k=0"], "--top_k=0 is below 1"),
        ("vectors", ["--vectors=README.md", "--most_similar=a", "--measure=foo"], "--measure=foo is unknown"),
        ("tokens", ["--text=README.md", "--out=no/where.npy"], "there is no folder no; make it first"),
        ("benchmark", ["swep"], "'swep' is unknown; did you mean sweep?"),
    ],
)
def test_a_mistake_tells_what_to_write(name, words, message, capsys):
    assert COMMANDS[name].main(words) == 2
    assert message in capsys.readouterr().err


def test_the_help_of_run_tells_how_to_resume(capsys):
    assert run.main(["--help"]) == 0
    assert "To resume" in capsys.readouterr().out


def test_the_help_of_a_config_tells_values_ranges_and_choices(capsys):
    assert run.main(["--config", "digits", "--config.hparams.l2=0.5", "-h"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "hparams.l2=0.5 float or None; in [0, inf); strength of sum w^2" in text
    assert "optimizer.name=adam str; one of sgd, momentum, nesterov, rmsprop, adam, adamw, adagrad" in text
    assert "schedule.name=constant str; one of constant, inverse_sqrt, step" in text
    assert "model.activation=relu str; one of step, sigmoid, tanh, relu" in text
    assert "hidden_sizes=(32,) tuple; of whole numbers >= 1; units of each hidden layer" in text
    assert "seed=0 int; in [0, 4294967295]; decides split" in text


def test_every_key_of_every_config_is_explained():
    for name in config_files():
        arguments = parse([f"--config={name}"], OPTIONS)
        comments = Comments(arguments.path)
        for path in flatten(arguments.config):
            assert ";" in about(arguments.config, path, comments), f"{name}: {path} has no explanation"
