"""Alignment of real chat folders with files of one's own: every stage, talking to it, going on, exporting it."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments import sample
from experiments.building.kept_tokenizer import stored_tokenizer
from experiments.building.unused_keys import UNREAD
from experiments.export import main as export
from experiments.run import main
from experiments.run_directory.stored_run import load
from nn_core.alignment.templates import make_template
from nn_core.pretrained.folder import is_folder
from nn_core.pretrained.tokenizer_files import read_tokenizer
from tests.experiments.test_alignment_stages import SMALL, TASKS, leaves
from tests.pretrained.chat_folders import CHATML, write_chat_folder
from tests.pretrained.folders import write_folder
from tests.pretrained.tokenizer_folders import write_tokenizer_folder

pytest.importorskip("jinja2")
VOCABULARY = 344  # of the model: some ids have no token, as in Qwen's folders
LINES: dict[str, list[dict[str, Any]]] = {
    "answers": [
        {"prompt": "Hello $5_ or $x^", "response": "it is a token"},
        {"messages": [{"role": "user", "content": "is it"}, {"role": "assistant", "content": "the world"}]},
        {
            "messages": [
                {"role": "system", "content": "don't"},
                {"role": "user", "content": "it"},
                {"role": "assistant", "content": "is"},
                {"role": "user", "content": "a"},
                {"role": "assistant", "content": "token <|im_end|>"},
            ]
        },
    ],
    "pairs": [{"prompt": "Hello", "chosen": f"the world {i}", "rejected": "it is"} for i in range(3)],
    "questions": [
        {"prompt": "Hello world"},
        {"prompt": "is it"},
        {
            "messages": [
                {"role": "system", "content": "can it"},
                {"role": "user", "content": "a"},
                {"role": "assistant", "content": "it"},
            ]
        },
    ],
}
LINES = {name: rows * 3 for name, rows in LINES.items()}
CHANGES = {
    "data.name": "file",
    "data.batch_size": 2,
    "data.context_size": 90,
    "data.new_tokens": 5,
    "model.name": "pretrained",
    "transfer.by_seed": False,
    "transfer.member": None,
}
POLICY = {"task.prompts": 2, "task.minibatches": 2, "task.epochs": 1, "task.reward_member": None}
FILES = {"assistant_sft": "answers", "reward_model": "pairs", "dpo": "pairs", "ppo": "questions", "grpo": "questions"}


def command(config: str, root: Path, run: Path, source: Path, **changes: Any) -> list[str]:
    """The command line of a tiny stage; `__` stands for a dot."""
    others = ("num_seeds", "data.answers", "data.pairs")
    kept = {name: value for name, value in SMALL.items() if not name.startswith("model.") and name not in others}
    values = kept | CHANGES | {"transfer.source": source, "data.path": root / f"{FILES[config]}.jsonl"}
    values |= {name.replace("__", "."): value for name, value in changes.items()}
    values = {name: value for name, value in values.items() if name not in UNREAD[TASKS[config]]}
    words = [f"--config.{name}={value}" for name, value in values.items()]
    return [f"--config=configs/{config}.py", f"--workdir={run}", "--sweep=false", *words]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Qwen that talks, files of all kinds, and a run of fine-tuning from it."""
    root = tmp_path_factory.mktemp("chat")
    write_chat_folder(root / "folder", "qwen", VOCABULARY)
    for name, rows in LINES.items():
        (root / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert main(command("assistant_sft", root, root / "sft", root / "folder", figures="('side_by_side',)")) == 0
    return root


def test_a_run_keeps_its_folder_s_tokenizer_and_template(root: Path) -> None:
    kept = stored_tokenizer(root / "sft")
    assert kept == read_tokenizer(root / "folder") and not is_folder(root / "sft")
    rows = [json.loads(line) for line in (root / "sft" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert (root / "sft" / "figures" / "side_by_side.png").is_file()
    assert len(rows) == 3 and np.isfinite(rows[-1]["batch_loss"])


def test_one_talks_to_it(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [f"--checkpoint={root / 'sft'}", "--chat", "--greedy", "--max_new_tokens=4"]
    assert sample.main([*words, "--prompt=Hello world"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("> Hello world\n") and "<|im" not in told


def test_its_export_has_the_template(root: Path, tmp_path: Path) -> None:
    assert export([f"--checkpoint={root / 'sft'}", f"--out={tmp_path / 'out'}"]) == 0
    about = json.loads((tmp_path / "out" / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert about["chat_template"] == CHATML and about["eos_token"] == "<|im_end|>" and about["pad_token"]
    again = read_tokenizer(tmp_path / "out")
    assert again == read_tokenizer(root / "folder") and make_template(again).end == "<|im_end|>"


@pytest.mark.slow
def test_an_interrupted_run_goes_on_bit_for_bit(root: Path, tmp_path: Path) -> None:
    """Also after its folder has got another template: it goes on with the one that it began with."""
    folder, run = tmp_path / "folder", tmp_path / "sft"
    shutil.copytree(root / "folder", folder)
    assert main(command("assistant_sft", root, run, folder)) == 0
    whole = load(run, 2).params
    shutil.rmtree(run / "steps" / "2")
    (run / "status.json").unlink()
    about = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    about["chat_template"] = about["chat_template"].replace("helpful", "rude")
    (folder / "tokenizer_config.json").write_text(json.dumps(about), encoding="utf-8")
    assert main(command("assistant_sft", root, run, folder)) == 0
    assert all(np.array_equal(a, b) for a, b in zip(leaves(whole), leaves(load(run, 2).params), strict=True))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"prompt": "a", "response": "b " * 60}], "line 1: a conversation of "),
        ([{"prompt": "a", "response": "b"}, {"prompt": "a"}], "line 2: the field 'response' is missing"),
    ],
)
def test_mistakes_are_told_with_their_line(
    rows: list[dict[str, Any]], message: str, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    words = command("assistant_sft", root, tmp_path / "run", root / "folder", data__path=tmp_path / "own.jsonl")
    assert main(words) == 2
    told = capsys.readouterr().err.strip()
    assert message in told and "\n" not in told and not (tmp_path / "run").exists()


def test_a_system_message_without_a_place_is_told_with_its_line(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_chat_folder(tmp_path / "mistral", "mistral", 450)
    assert main(command("assistant_sft", root, tmp_path / "run", folder)) == 2
    told = capsys.readouterr().err.strip()
    assert "line 3: the folder's chat template fails on these messages" in told and "\n" not in told


def test_a_folder_without_a_template_is_told_the_way_out(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_tokenizer_folder(tmp_path / "gpt2", "gpt2")
    write_folder(folder, "gpt2", VOCABULARY)
    assert main(command("assistant_sft", root, tmp_path / "run", folder, data__context_size=64)) == 2
    told = capsys.readouterr().err.strip()
    assert "chat_template.jinja, for instance {% for m in messages %}" in told and "\n" not in told


def test_a_reward_model_of_another_template_is_refused(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It has the same vocabulary, and would score a form of text that it has never seen."""
    reward = tmp_path / "reward"
    assert main(command("reward_model", root, reward, root / "folder", train__steps=0)) == 0
    about = reward / "tokenizer_config.json"
    text = about.read_text(encoding="utf-8")
    same = {"task__reward_model": reward, "task__prompts": 2, "task__minibatches": 2, "task__reward_member": None}
    for change, code in (("You are", 0), ("You were", 2)):
        about.write_text(text.replace("You are", change), encoding="utf-8")
        capsys.readouterr()
        words = command("ppo", root, tmp_path / "run", root / "folder", **same)
        assert main([*words, "--plan"]) == code
    told = capsys.readouterr().err.strip()
    assert "was trained with another chat template than that of the policy" in told and "\n" not in told


@pytest.mark.slow
def test_every_stage_from_the_folder_and_from_the_last_stage(root: Path, tmp_path: Path) -> None:
    """Fine-tuning, a reward model, PPO, GRPO and DPO; the last one is exported and talks."""
    reward = tmp_path / "reward"
    assert main(command("reward_model", root, reward, root / "folder")) == 0
    more = POLICY | {"task.reward_model": reward}
    more = {name.replace(".", "__"): value for name, value in more.items()}
    assert main(command("ppo", root, tmp_path / "ppo", root / "sft", **more)) == 0
    assert main(command("grpo", root, tmp_path / "grpo", root / "folder", **more, task__group=2)) == 0
    assert main(command("dpo", root, tmp_path / "dpo", tmp_path / "ppo")) == 0
    tokenizer = read_tokenizer(root / "folder")
    for stage in ("reward", "ppo", "grpo", "dpo"):
        assert stored_tokenizer(tmp_path / stage) == tokenizer
    assert export([f"--checkpoint={tmp_path / 'dpo'}", f"--out={tmp_path / 'out'}"]) == 0
    assert main(command("assistant_sft", root, tmp_path / "again", tmp_path / "out")) == 0
    words = [f"--checkpoint={tmp_path / 'again'}", "--chat", "--temperature=1", "--prompt=Hello"]
    assert sample.main(words) == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["llama2", "llama3", "smollm", "endless"])
def test_other_folders(kind: str, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Other files and templates: spiece, a template in a file, padding that is the end token, no special token."""
    size = 450 if kind == "llama2" else VOCABULARY
    folder = write_chat_folder(tmp_path / "folder", kind, size)
    context = 64 if kind == "endless" else 160
    changes = {"data__context_size": context, "data__packed": kind == "smollm"}
    assert main(command("assistant_sft", root, tmp_path / "run", folder, **changes)) == 0
    assert stored_tokenizer(tmp_path / "run") == read_tokenizer(folder)
    capsys.readouterr()
    assert sample.main([f"--checkpoint={tmp_path / 'run'}", "--chat", "--greedy", "--prompt=it"]) == 0
    assert capsys.readouterr().out.startswith("> it\n")
