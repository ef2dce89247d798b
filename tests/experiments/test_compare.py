"""Runs side by side: what differs, their results, their curves."""

import pytest

from configs import base
from experiments import compare
from experiments.run_directory import files, results


def make_run(folder, rate, seeds=3, rows=True):
    config = base.experiment()
    config.hparams.learning_rate = rate
    folder.mkdir()
    members = tuple({"seed": seed} for seed in range(seeds))
    files.write_config(folder, config.to_dict(), sweep=members)
    log = [
        {"member": member, "step": step, "validation_loss": rate + member / 10 + 1 / (1 + step)}
        for member in range(seeds)
        for step in (0, 10, 20)
    ]
    files.append_rows(folder / results.METRICS, log)
    if rows:
        ended = [
            {"member": n, "label": "", "seed": n, "status": "finished", "overrides": {"seed": n}, "test_loss": rate + n}
            for n in range(seeds)
        ]
        results.write_rows(folder / results.RESULTS, ended)
    return folder


def test_it_prints_what_differs_and_draws_the_curves(tmp_path, capsys):
    one, two = make_run(tmp_path / "one", 0.5), make_run(tmp_path / "two", 0.125)
    goes_on = make_run(tmp_path / "more", 0.5, rows=False)
    assert compare.main([str(one), str(two), str(goes_on), f"--out={tmp_path / 'both.png'}"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (row,) = [line.split() for line in lines if line.startswith("hparams.")]
    assert row == ["hparams.learning_rate", "0.5", "0.125", "0.5"]
    told = {
        line.split()[0]: line.split()
        for line in lines[lines.index("results:") :]
        if line[:4] in ("one ", "two ", "more")
    }
    assert (
        told["one"][1] == "3"
        and "1.5 (0 to 4.0)" in " ".join(told["one"])
        and "1.1 (0 to 3.6)" in " ".join(told["two"])
    )
    assert set(told["more"][1:]) == {"–"}
    assert (tmp_path / "both.png").read_bytes().startswith(b"\x89PNG")


def test_equal_names_become_paths_and_equal_configs_are_told(tmp_path, capsys):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    one, two = make_run(tmp_path / "a" / "run", 0.5), make_run(tmp_path / "b" / "run", 0.5)
    assert compare.main([str(one), str(two), f"--out={tmp_path / 'both.png'}"]) == 0
    printed = capsys.readouterr().out
    assert "no key differs" in printed and str(one) in printed and str(two) in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["one"], "one run directory is named; name two or more"),
        (["one", "one"], "a run directory is named twice"),
        (["one", "none"], "there is no run directory"),
        (["one", "two", "--metric=validaton_loss"], "is in no log; did you mean validation_loss?"),
        (["one", "two", "--out=a.pdf"], "must end in .png"),
        (["one", "two", "--out=no/a.png"], "there is no folder"),
    ],
)
def test_mistakes_are_one_line(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        make_run(tmp_path / name, 0.5)
    assert compare.main(words) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
