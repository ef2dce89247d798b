"""The stages from a base model to an assistant as commands: sources, digests, resume, chat, and bad input in one line."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ml_collections import ConfigDict

from experiments import predict, sample
from experiments.building.ranges import is_number
from experiments.building.registry import TASKS as TASKS_BY_NAME
from experiments.building.unused_keys import UNREAD
from experiments.command_line import executors
from experiments.command_line.arguments import OPTIONS, parse
from experiments.execution.chain import clear
from experiments.execution.prepare import OTHER_COLUMNS, expected_columns
from experiments.export import main as export
from experiments.figures import FIGURES
from experiments.run import main
from experiments.run_directory import files
from experiments.run_directory.results import read
from experiments.run_directory.stored_run import load
from nn_core.pretrained.load import load as load_folder
from nn_core.text.trainers import train_words
from nn_core.training.manifest import named_leaves
from tests.experiments.boxes import faults

SMALL = {
    "model.layers_num": 1,
    "model.heads_num": 2,
    "model.embedding_dim": 8,
    "data.answers": 1,
    "data.pairs": 64,
    "data.batch_size": 16,
    "data.new_tokens": 7,
    "train.steps": 2,
    "train.eval_every": 1,
    "train.log_every": 1,
    "checkpoint.every_seconds": 0.0,
    "num_seeds": 2,
    "figures": "()",
    "table": "()",
    "schedule.warmup_steps": 0,
}
# What each stage of the chain lets be made small.
_ALL = (
    "model.layers_num",
    "model.heads_num",
    "model.embedding_dim",
    "train.steps",
    "train.eval_every",
    "figures",
    "table",
    "schedule.warmup_steps",
)
_DATA = (*_ALL, "data.answers", "data.pairs", "data.batch_size", "data.new_tokens")
TASKS = {"assistant_sft": "answers"} | {name: name for name in ("reward_model", "ppo", "grpo", "dpo")}
CHAIN = {"assistant_base": _ALL}
CHAIN |= {stage: tuple(key for key in _DATA if key not in UNREAD[task]) for stage, task in TASKS.items()}
CHAIN["reward_model"] = tuple(key for key in CHAIN["reward_model"] if key != "data.pairs")  # which its sweep sets
ONE = {"transfer__member": 1, "transfer__by_seed": False}
POLICY = {"task.prompts": 4, "task.epochs": 2, "task.minibatches": 2}


def words(config: str, folder: Path, sweep: bool = False, **changes: Any) -> list[str]:
    """The command line of a tiny stage; `__` stands for a dot."""
    values = SMALL | {name.replace("__", "."): value for name, value in changes.items()}
    unread = UNREAD[TASKS.get(config, "answers")]
    ignored = {*unread, *([] if sweep else ["num_seeds"])}
    values = {name: value for name, value in values.items() if name not in ignored or name not in SMALL}
    if values.get("data.name") == "file":  # which says itself how many answers and pairs there are
        values = {name: value for name, value in values.items() if name not in ("data.answers", "data.pairs")}
    return [
        f"--config={config}" if config.endswith(".py") else f"--config=configs/{config}.py",
        f"--workdir={folder}",
        *([] if sweep else ["--sweep=false"]),
        *(f"--config.{name}={value}" for name, value in values.items()),
    ]


def policy_words(config: str, folder: Path, stages: dict[str, Path], sweep: bool = False, **changes: Any) -> list[str]:
    """The command line of a tiny policy that starts from the fixture's stages."""
    values = {
        name.replace(".", "__"): value for name, value in POLICY.items() if name != "task.prompts" or config == "ppo"
    }
    learned = {} if changes.get("task__reward") == "rule" else {"task__reward_model": stages["reward"]}
    values |= {"transfer__source": stages["sft"]} | learned | changes
    return words(config, folder, sweep, **values)


SEEDS = '''"""Fine-tuning of all parameters only, over seeds."""
from configs import assistant_sft
from configs.grid import axis

get_config = assistant_sft.get_config


def get_sweep(config):
    return axis("seed", range(config.num_seeds))
'''


@pytest.fixture(scope="module")
def stages(tmp_path_factory) -> dict[str, Path]:
    """An assistant of two seeds that has learned nothing, and a reward model of two seeds."""
    folder = tmp_path_factory.mktemp("stages")
    made = {"sft": folder / "sft", "reward": folder / "reward"}
    (folder / "seeds.py").write_text(SEEDS, encoding="utf-8")
    assert main(words(str(folder / "seeds.py"), made["sft"], sweep=True, transfer__source="None")) == 0
    more = {"transfer__source": made["sft"], "data__label_noise": 0.05}
    assert main([*words("reward_model", made["reward"], **more, transfer__member=0, transfer__by_seed=False)]) == 0
    return made


@pytest.fixture(scope="module")
def policy(stages, tmp_path_factory) -> Path:
    """A PPO run of two iterations."""
    folder = tmp_path_factory.mktemp("policy") / "ppo"
    assert main(policy_words("ppo", folder, stages, **ONE)) == 0
    return folder


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Lines of metrics.jsonl."""
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


def test_a_policy_tells_what_its_answers_are_worth(policy):
    rows = rows_of(policy)
    names = {"batch_reward", "batch_true_reward", "batch_kl", "batch_length", "batch_entropy", "batch_clip_share"}
    assert names <= set(rows[-1]) and len(rows) == 3
    assert max(row["batch_draw_error"] for row in rows[1:]) < 1e-4  # the scores of a draw are those of the sequence
    assert rows[1]["batch_kl"] < 1e-6 < rows[2]["batch_kl"]  # it starts at its reference, and leaves it
    assert "value_head" in load(policy).params


def test_its_reference_is_the_run_that_is_named(policy, stages):
    """The first answers are drawn at a KL of 0 from member 1, whose parameters differ from those of member 0."""
    one, other = (load(stages["sft"], member=number).params["token_embedding"]["embedding"] for number in (0, 1))
    assert not np.array_equal(one, other)
    held = json.loads((policy / "config.json").read_text(encoding="utf-8"))["held"]
    assert set(held) == {"0 reference_params", "0 reward_params"} and all(len(digest) == 64 for digest in held.values())


def test_an_interrupted_policy_goes_on_bit_for_bit(policy, stages, tmp_path):
    folder = tmp_path / "ppo"
    shutil.copytree(policy, folder)
    shutil.rmtree(folder / "steps" / "2")
    (folder / "status.json").unlink()
    assert main(policy_words("ppo", folder, stages, **ONE)) == 0
    whole, again = load(policy, 2).params, load(folder, 2).params
    assert all(np.array_equal(a, b) for a, b in zip(leaves(whole), leaves(again), strict=True))


def test_a_reference_that_has_changed_is_refused(policy, stages, tmp_path, capsys):
    folder = tmp_path / "ppo"
    shutil.copytree(policy, folder)
    assert (
        main(policy_words("ppo", folder, stages, **ONE | {"transfer__member": 0})) == 2
    )  # another config: another run
    capsys.readouterr()
    config = folder / "config.json"
    config.write_text(config.read_text(encoding="utf-8").replace('"0 reference_params": "', '"0 reference_params": "0'))
    assert main(policy_words("ppo", folder, stages, **ONE)) == 2
    assert "was begun with another reference model" in capsys.readouterr().err


def test_one_talks_to_it(policy, capsys):
    assert sample.main([f"--checkpoint={policy}", "--chat", "--greedy", "--prompt=where does anna live ?"]) == 0
    assert capsys.readouterr().out.startswith("> where does anna live ?\n")
    assert sample.main([f"--checkpoint={policy}", "--chat", "--num_beams=2", "--prompt=where ?"]) == 2
    assert "chat gives one answer" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("config", "changes", "message"),
    [
        ("ppo", {"hparams__beta": -0.1}, "config.hparams.beta=-0.1 is outside [0, inf)"),
        ("ppo", {"task__group": 2}, "config.task.group=2: the number of answers to a question is 1 for ppo"),
        ("grpo", {"task__group": 1}, "config.task.group=1: the number of answers to a question compares"),
        ("ppo", {"task__minibatches": 3}, "config.task.minibatches=3 must divide the 4 answers of a step"),
        ("ppo", {"data__new_tokens": 39}, "leaves no room for an answer of config.data.new_tokens=39"),
        ("ppo", {"task__reward": "people"}, "config.task.reward='people' is unknown"),
        ("ppo", {"hparams__kl_target": 6.0}, "config.hparams.kl_target and kl_horizon go together"),
        (
            "grpo",
            {"hparams__kl_target": 1.0, "hparams__kl_horizon": 12.0},
            "config.hparams.kl_horizon=12.0 is outside (12.8, inf)",
        ),
        ("ppo", {"transfer__by_seed": True, "transfer__member": None, "seed": 7}, "has no run of seed 7, only of 0, 1"),
        ("ppo", {"transfer__source": "nowhere"}, "there is no run directory"),
        ("ppo", {"task__weigh": "sequence"}, "config.task.weigh has no effect on the task 'ppo'; leave it out"),
        ("grpo", {"data__pairs_about": "all"}, "config.data.pairs_about has no effect on the task 'grpo'"),
        (
            "grpo",
            {"task__reward": "rule", "task__reward_model": "nowhere"},
            "config.task.reward_model='nowhere' has no effect with config.task.reward='rule'",
        ),
        ("ppo", {"hparams__dropout_rate": 0.1}, "config.hparams.dropout_rate=0.1 has no effect on the task 'ppo'"),
    ],
)
def test_bad_input_is_told_in_one_line(config, changes, message, stages, tmp_path, capsys):
    assert main(policy_words(config, tmp_path / "run", stages, **ONE | changes)) == 2
    told = capsys.readouterr().err.strip()
    assert message in told and "\n" not in told
    assert not (tmp_path / "run").exists()


def test_fine_tuning_from_nothing_has_no_column_of_its_start(tmp_path, capsys):
    asked = [*words("assistant_sft", tmp_path / "run", transfer__source="None"), "--plan"]
    shipped = [word for word in asked if not word.startswith("--config.table=")]
    assert main(shipped) == 0
    assert (
        "left out, since config.transfer.source=None trains from nothing: table: start_exact" in capsys.readouterr().out
    )
    assert main([*shipped, "--config.table=start_exact,"]) == 2  # asked for
    assert "config.table names 'start_exact'" in capsys.readouterr().err


def test_a_policy_of_the_rule_has_no_column_of_a_learned_reward(stages, tmp_path, capsys):
    asked = [*policy_words("grpo", tmp_path / "run", stages, **ONE, task__reward="rule"), "--plan"]
    shipped = [word for word in asked if not word.startswith("--config.table=")]
    assert main(shipped) == 0
    left_out = "config.task.reward=rule learns from no reward model: table: best_of_16_true_reward, overstated"
    assert f"left out, since {left_out}" in capsys.readouterr().out
    assert main([*shipped, "--config.task.reward_model=None"]) == 0  # and None is None


def test_a_reward_model_that_is_none_or_of_another_vocabulary_is_refused(stages, tmp_path, capsys):
    assert (
        main(
            policy_words(
                "ppo", tmp_path / "run", stages, **ONE, task__reward_model=stages["sft"], task__reward_member=0
            )
        )
        == 2
    )
    assert "holds a run of task 'answers'; give one of a reward model" in capsys.readouterr().err
    other = tmp_path / "reward"
    shutil.copytree(stages["reward"], other)
    train_words(["gladly rome"], vocabulary_size=50).save(other / "tokenizer.json")
    assert main(policy_words("ppo", tmp_path / "run", stages, **ONE, task__reward_model=other)) == 2
    assert "has another vocabulary (9 tokens, not " in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["sigmoid", "identity"])
def test_dpo_without_strength_is_refused(kind, tmp_path, capsys):
    words_ = words("dpo", tmp_path / "run", transfer__source="nowhere", task__kind=kind, hparams__beta=0.0)
    assert main(words_) == 2
    assert "config.hparams.beta=0.0 is outside (0, inf)" in capsys.readouterr().err
    assert main(words("dpo", tmp_path / "run", transfer__source="nowhere", hparams__label_smoothing=0.5)) == 2
    assert "config.hparams.label_smoothing=0.5 is outside [0, 0.5)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("config", "lines", "message"),
    [
        (
            "assistant_sft",
            ['{"prompt": "a", "response": "b"}', '{"prompt": "a"}'],
            "line 2: the field 'response' is missing",
        ),
        (
            "reward_model",
            ['{"prompt": "a", "chosen": "b", "rejected": "b"}'],
            "line 1: 'chosen' and 'rejected' are the same",
        ),
        ("dpo", [""], "config.data.path: the text file "),
        (
            "assistant_sft",
            [json.dumps({"prompt": "a", "response": "b " * 40})],
            "line 1: a conversation of 44 tokens is longer",
        ),
        (
            "ppo",
            [json.dumps({"prompt": "a"}), json.dumps({"prompt": "b " * 35})],
            "line 2: a question of 37 tokens leaves no room",
        ),
        ("dpo", ['{"prompt": "a", "chosen": "", "rejected": "b"}'], "line 1: the field 'chosen' is empty"),
        (
            "dpo",
            [
                json.dumps({"prompt": "rome", "chosen": chosen, "rejected": "Wvq"})
                for chosen in ("rome .", "Zxq", "rome")
            ],
            "line 2: 'chosen' and 'rejected', 'Zxq' and 'Wvq', are the same tokens",
        ),
        ("dpo", ["  "], "own.jsonl has no line with an object; write one a line"),
    ],
)
def test_mistakes_in_files_are_told_with_their_line(config, lines, message, stages, tmp_path, capsys):
    path = tmp_path / "own.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    changes = {"transfer__source": stages["sft"], "data__name": "file", "data__path": path}
    if config == "ppo":
        changes["task__reward_model"] = stages["reward"]
    assert main(words(config, tmp_path / "run", **ONE | changes)) == 2
    assert message in capsys.readouterr().err


def chain_words(folder: Path) -> list[str]:
    """The command line of the whole chain, tiny."""
    changes = [f"{stage}.{key}={value}" for stage in CHAIN for key, value in SMALL.items() if key in CHAIN[stage]]
    return [
        "--config=configs/alignment.py",
        f"--workdir={folder}",
        "--config.num_seeds=1",
        f"--config.task.changes={tuple(changes)}",
    ]


def test_a_chain_that_cannot_be_is_told(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(executors, "find_spec", lambda name: True)  # whether or not submitit is installed
    start = ["--config=configs/alignment.py", f"--workdir={tmp_path / 'run'}"]
    for change, message in (
        ("--config.task.stages=(('nothing',),)", "names 'nothing', and there is no configs/nothing.py"),
        ("--config.task.stages=(('ppo','transfer.source=assistant_sft'),)", "which does not come before it"),
        ("--config.task.changes=('spam.seed=1',)", "begin it with a stage: assistant_base"),
        ("--config.task.changes=('ppo.train.stepz=5',)", "stage ppo: unknown config key config.train.stepz"),
        ("--config.task.changes=('dpo.hparams.clip_norm=-1',)", "stage dpo: "),
        (
            "--config.task.changes=('dpo.seed=1',)",
            "stage dpo: --config.seed=1 has no effect, since the sweep sets seed",
        ),
        ("--config.task.changes=('grpo.schedule.warmup_steps=99',)", "stage grpo: config.schedule.warmup_steps=99 is"),
        ("--config.num_seeds=0", "config.num_seeds=0 is outside [1, 100000]"),
        ("--config.checkpoint.resume=soon", "config.checkpoint.resume='soon' is unknown"),
        ("--config.figures=('page',)", "config.figures='page' is unknown"),
        (
            "--config.figures=learning_curves",
            "config.figures='learning_curves' is unknown; there are: alignment, front",
        ),
        ("--config.table=true_rewards", "config.table names 'true_rewards'; did you mean true_reward"),
        ("--config.table=test_exact,validation_margins", "config.table names 'validation_margins'; did you mean"),
        ("--config.task.changes=('grpo.table=test_exact',)", "stage grpo: config.table names 'test_exact'"),
        ("--config.task.changes=('ppo.task.minibatches=3',)", "stage ppo: config.task.minibatches=3 must divide"),
        ("--config.task.changes=('grpo.task.weigh=words',)", "stage grpo: config.task.weigh='words' is unknown"),
        ("--config.task.changes=('dpo.task.kind=square',)", "stage dpo: config.task.kind='square' is unknown"),
        (
            "--config.task.changes=('reward_model.task.pooling=mean',)",
            "stage reward_model: config.task.pooling='mean' is unknown",
        ),
        ("--config.task.stages=(('alignment',),)", "stage alignment: task 'chain' cannot be a stage"),
        ("--config.task.stages=(('xor',),)", "config.table names 'test_exact'"),
        ("--sweep=false", "--sweep=False has no effect on alignment"),
        ("--part=1/2", "--part=1/2 has no effect on alignment"),
        ("--executor=processes", "--executor=processes has no effect on alignment"),
        ("--dry_run", "--plan and --dry_run tell of one run"),
    ):
        assert main([*start, change]) == 2
        told = capsys.readouterr().err.strip()
        assert message in told and "\n" not in told
        assert not (tmp_path / "run").exists()


def test_the_columns_of_a_stage_are_known_before_it_runs(stages, policy):
    """What a chain checks its table by is what the stages tell in the end."""
    for folder, name in ((stages["sft"], "answers"), (stages["reward"], "reward_model"), (policy, "ppo")):
        told = {key for row in read(folder).rows for key, value in row.items() if is_number(value)}
        missing = {"start_exact", "trained_share"} if name == "answers" else set()  # of a start, and of adapters
        assert expected_columns(TASKS_BY_NAME[name]) - set(OTHER_COLUMNS) - missing <= told, name
        assert told <= expected_columns(TASKS_BY_NAME[name]) | {"member", "seed"}, name


def test_a_chain_goes_on_where_a_change_of_a_stage_was_mended(tmp_path):
    def chain(*more: str) -> ConfigDict:
        return parse(["--config=alignment", *more], OPTIONS).config

    files.write_config(tmp_path, chain().to_dict(), overrides={}, sweep=())
    clear(chain("--config.task.changes=('ppo.train.steps=5',)", "--config.table=kl"), tmp_path)
    clear(chain("--config.checkpoint.resume=never"), tmp_path)  # which the stages judge
    with pytest.raises(ValueError, match=r"holds a run with another config.num_seeds, 4 and not 5; choose another"):
        clear(chain("--config.num_seeds=5"), tmp_path)
    with pytest.raises(ValueError, match="holds a run with another config.task.stages"):
        clear(chain("--config.task.stages=(('assistant_base',),)"), tmp_path)
    clear(chain("--config.num_seeds=5", "--config.checkpoint.resume=fresh"), tmp_path)
    assert files.read_config(tmp_path) is not None


def test_a_fresh_chain_puts_a_run_of_another_kind_aside(tmp_path):
    files.write_config(tmp_path, parse(["--config=digits"], OPTIONS).config.to_dict(), overrides={}, sweep=())
    with pytest.raises(ValueError, match="another config.task.name, 'classification' and not 'chain'"):
        clear(parse(["--config=alignment"], OPTIONS).config, tmp_path)
    clear(parse(["--config=alignment", "--config.checkpoint.resume=fresh"], OPTIONS).config, tmp_path)
    assert files.read_config(tmp_path) is None and (tmp_path / "superseded-1" / "config.json").is_file()


def test_the_directory_of_a_chain_names_its_stages(tmp_path, capsys):
    chain, base = (parse([f"--config={name}"], OPTIONS).config for name in ("alignment", "assistant_base"))
    (tmp_path / "assistant_base").mkdir()
    (tmp_path / "figures").mkdir()
    files.write_config(tmp_path, chain.to_dict(), overrides={}, sweep=())
    files.write_config(tmp_path / "assistant_base", base.to_dict(), overrides={}, sweep=({},))
    for command, more in ((sample.main, []), (export, [f"--out={tmp_path / 'out'}"]), (predict.main, ["a.png"])):
        assert command([f"--checkpoint={tmp_path}", *more]) == 2
        told = capsys.readouterr().err
        assert f"holds a run of each of assistant_base; give one of them, such as {tmp_path / 'assistant_base'}" in told


@pytest.mark.slow
def test_the_whole_chain_ends_on_one_page_and_is_read_again(tmp_path, capsys):
    folder = tmp_path / "chain"
    assert main(chain_words(folder)) == 0, capsys.readouterr().err
    assert (folder / "figures" / "alignment.png").is_file() and (folder / "answers.txt").is_file()
    assert not faults(FIGURES["alignment"](read(folder)))
    labels = [row["label"] for row in read(folder).rows]
    assert labels[0] == "assistant_base" and "ppo: beta 0.05" in labels
    for name, *_ in parse(["--config=alignment"], OPTIONS).config.task.stages:
        told = {key for row in read(folder / name).rows for key, value in row.items() if is_number(value)}
        kind = TASKS_BY_NAME[parse([f"--config={name}"], OPTIONS).config.task.name]
        assert told - {"member", "seed"} <= expected_columns(kind) <= told | set(OTHER_COLUMNS) | {"embedding_ratio"}, (
            name
        )
    capsys.readouterr()
    assert main(chain_words(folder)) == 0
    assert capsys.readouterr().out.count("is finished") == 6
    moved = tmp_path / "elsewhere" / "moved"  # and goes on in another place
    moved.parent.mkdir()
    shutil.move(folder, moved)
    held = read(folder := moved).rows
    (folder / "ppo" / "status.json").unlink()
    assert main(chain_words(folder)) == 0, capsys.readouterr().err
    assert capsys.readouterr().out.count("is finished") == 5
    assert [row["label"] for row in read(folder).rows] == [row["label"] for row in held]


@pytest.mark.slow
def test_stages_start_from_a_folder(tmp_path):
    """Fine-tuning from a folder, whose structure it is, and a policy of a rule: exported, then sampled."""
    run, folder = tmp_path / "run", tmp_path / "folder"
    assert main(words("assistant_sft", run, transfer__source="None", transfer__member="None")) == 0
    assert export([f"--checkpoint={run}", f"--out={folder}"]) == 0
    start = {"transfer__source": folder, "model__name": "pretrained"}
    assert main(words("assistant_sft", tmp_path / "tuned", **start, train__steps=0)) == 0
    params, base = named_leaves(load(tmp_path / "tuned").params), named_leaves(load_folder(folder).params)
    assert params.keys() == base.keys() and all(np.array_equal(params[name], base[name]) for name in base)
    rule = {"task__reward": "rule", "hparams__beta": 0.1}
    assert main(policy_words("ppo", tmp_path / "ppo", {"sft": folder, "reward": folder}, **start, **rule)) == 0
    assert (
        sample.main([f"--checkpoint={tmp_path / 'ppo'}", "--chat", "--greedy", "--prompt=where does anna live ?"]) == 0
    )


@pytest.mark.slow
def test_a_population_of_policies_starts_from_the_runs_of_its_seeds(stages, tmp_path):
    """GRPO over two seeds as one program: each member equals its solo run, and starts from the run of its seed."""
    whole = tmp_path / "both"
    changes = {"transfer__by_seed": True, "task__reward_member": None, "hparams__beta": 0.1, "data__new_tokens": 5}
    rule = {"task__reward": "rule", "task__prompts": 2, "task__group": 4}
    assert main(policy_words("grpo", whole, stages, sweep=True, **changes | rule)) == 0
    alone = tmp_path / "alone"
    solo = changes | rule | {"transfer__by_seed": False, "transfer__member": 1, "seed": 1, "hparams__beta": 0.01}
    assert main(policy_words("grpo", alone, stages, **solo)) == 0
    one, member = load(alone, "latest").params, load(whole, "latest", member=1).params
    for a, b in zip(leaves(one), leaves(member), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-6)


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{}, {"task__kind": "identity"}, {"task__normalise": True}], ids=str)
def test_dpo_runs_and_tells_its_margins(changes, stages, tmp_path):
    folder = tmp_path / "dpo"
    assert main(words("dpo", folder, transfer__source=stages["sft"], **ONE | changes)) == 0
    assert {"batch_margin", "batch_chosen", "batch_rejected", "validation_chosen_moved"} <= set(rows_of(folder)[-1])


@pytest.mark.slow
def test_packed_rows_and_files_of_ones_own(stages, tmp_path):
    path = tmp_path / "own.jsonl"
    lines = [
        json.dumps({"prompt": f"where does {who} live ?", "response": f"{who} lives in rome ."})
        for who in ("anna", "ben", "leo", "mia", "ida")
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    changes = {
        "data__name": "file",
        "data__path": path,
        "data__packed": True,
        "data__batch_size": 1,
        "transfer__source": stages["sft"],
    }
    assert main(words("assistant_sft", tmp_path / "run", **ONE | changes)) == 0


def leaves(tree: Any) -> list[np.ndarray]:
    """Arrays of nested dicts."""
    return (
        [np.asarray(tree)] if not isinstance(tree, dict) else [leaf for part in tree.values() for leaf in leaves(part)]
    )
