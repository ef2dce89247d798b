"""A language model with adapters is a language model: it talks, is exported and starts other runs, from any folder."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from experiments import sample
from experiments.building.backbones import load_whole
from experiments.building.sources import load_source
from experiments.export import main as export
from experiments.run import main
from experiments.run_directory.stored_run import load
from nn_core.pretrained.load import load as load_folder
from nn_core.training.manifest import named_leaves
from tests.experiments.test_alignment_stages import words

RANK, ALPHA = 2, 12.0
LORA = {
    "hparams__lora_alpha": ALPHA,
    "hparams__learning_rate": 0.1,
    "lora__rank": RANK,
    "transfer__train": "(('norm_out/*',1.0),('*',0.0))",
    "transfer__source": "base",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base, and adapters for it by a command that names it relative to its own folder."""
    root = tmp_path_factory.mktemp("adapters")
    before = Path.cwd()
    configs = before / "configs"
    try:
        os.chdir(root)
        base, *rest = words("assistant_sft", root / "base", transfer__source="None", train__steps=0)
        assert main([f"--config={configs / 'assistant_sft.py'}", *rest]) == 0 and base
        assert (
            main([f"--config={configs / 'assistant_sft.py'}", *words("assistant_sft", root / "run", **LORA)[1:]]) == 0
        )
    finally:
        os.chdir(before)
    return root


def test_its_parameters_are_those_of_the_base_with_the_products_added(root: Path) -> None:
    base, found = (named_leaves(params) for params in (load(root / "base").params, load_whole(root / "run").params))
    learned = named_leaves(load(root / "run").params)
    assert base.keys() == found.keys()
    for name, leaf in found.items():
        place = f"adapters/{name.removesuffix('/kernel')}"
        if f"{place}/a" in learned:
            wanted = base[name] + ALPHA / RANK * (learned[f"{place}/a"] @ learned[f"{place}/b"])
            np.testing.assert_allclose(leaf, wanted, atol=1e-6)
            assert not np.allclose(leaf, base[name], atol=1e-3)
        else:
            assert np.array_equal(leaf, learned.get(f"trained/{name}", base[name]))


def test_it_talks_and_is_exported(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sample.main([f"--checkpoint={root / 'run'}", "--chat", "--greedy", "--prompt=where does anna live ?"]) == 0
    assert capsys.readouterr().out.startswith("> where does anna live ?\n")
    assert export([f"--checkpoint={root / 'run'}", f"--out={tmp_path / 'out'}"]) == 0
    written, merged = (named_leaves(p) for p in (load_folder(tmp_path / "out").params, load_whole(root / "run").params))
    assert all(np.allclose(written[name], merged[name], atol=1e-6) for name in merged)


def test_it_starts_other_runs_and_is_their_reference(root: Path) -> None:
    held = load_source(str(root / "run"), "transfer.source").stack.params
    merged = named_leaves(load_whole(root / "run").params)
    assert {name: leaf[0].shape for name, leaf in named_leaves(held).items()} == {n: a.shape for n, a in merged.items()}
    assert all(np.array_equal(leaf[0], merged[name]) for name, leaf in named_leaves(held).items())


@pytest.mark.slow
def test_adapters_may_learn_alone(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing else is trained, and so nothing else is kept: the run talks, and goes on."""
    alone = LORA | {"transfer__train": "(('*',0.0),)", "transfer__source": root / "base"}
    asked = words("assistant_sft", tmp_path / "run", **alone)
    assert main(asked) == 0
    base, found = (named_leaves(params) for params in (load(root / "base").params, load_whole(tmp_path / "run").params))
    changed = {name for name in base if not np.array_equal(base[name], found[name])}
    assert changed and all(name.endswith("/kernel") for name in changed)
    whole = named_leaves(load(tmp_path / "run").params)
    shutil.rmtree(tmp_path / "run" / "steps" / "2")
    (tmp_path / "run" / "status.json").unlink()
    assert main(asked) == 0
    again = named_leaves(load(tmp_path / "run").params)
    assert whole.keys() == again.keys() and all(np.array_equal(whole[name], again[name]) for name in whole)
    assert sample.main([f"--checkpoint={tmp_path / 'run'}", "--chat", "--greedy", "--prompt=where ?"]) == 0


OWN = '''"""A policy of adapters."""
from configs import base, grpo


def get_config():
    config = grpo.get_config()
    config.lora = base.lora(rank=2)
    config.hparams.lora_alpha = 4.0
    return config
'''


def test_a_policy_of_adapters_is_refused(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.py").write_text(OWN, encoding="utf-8")
    start = {"transfer__source": root / "base", "transfer__by_seed": False, "task__reward": "rule"}
    asked = words(str(tmp_path / "own.py"), tmp_path / "run", **start)
    unread = ("--config.data.answers", "--config.data.pairs", "--config.data.batch_size")
    assert main([word for word in asked if not word.startswith(unread)]) == 2
    told = capsys.readouterr().err.strip()
    assert "config.hparams.lora_alpha has no adapters for the task 'grpo'" in told and "\n" not in told


@pytest.mark.slow
def test_dpo_starts_from_it(root: Path, tmp_path: Path) -> None:
    start = {"transfer__source": root / "run", "transfer__by_seed": False, "transfer__member": None}
    assert main(words("dpo", tmp_path / "dpo", **start)) == 0


def test_a_base_that_has_changed_or_is_gone_is_told(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(root / "run", run)
    config = run / "config.json"
    text = config.read_text(encoding="utf-8")
    held = json.loads(text)["held"]
    assert list(held) == ["0 base"]
    ask = [f"--checkpoint={run}", "--chat", "--greedy", "--prompt=where ?"]
    for change, message in (
        ((held["0 base"], "0" * 64), "holds adapters of another network: "),
        (('"source": "base"', '"source": "nowhere"'), "holds adapters of nowhere, which cannot be read: there is no "),
    ):
        config.write_text(text.replace(*change), encoding="utf-8")
        assert sample.main(ask) == 2
        told = capsys.readouterr().err.strip()
        assert message in told and "\n" not in told
