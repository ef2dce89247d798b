"""Files of one's own in every stage: the shipped tables and batches fit them, and unknown words are told."""

import json

import numpy as np
import pytest

from configs import assistant_sft, dpo, grpo, ppo, reward_model
from experiments.building import assistant_data
from experiments.building.own_data import resolve
from experiments.building.registry import REGISTRY
from experiments.command_line.config_paths import apply

PAIRS = [
    {"prompt": f"where does anna live {'? ' * n}", "chosen": "anna lives in rome .", "rejected": "rome ."}
    for n in range(9)
]


def resolved(config, path, **more):
    """A shipped config resolved for a file."""
    given = {"data.name": "file", "data.path": str(path), "transfer.source": None} | more
    return resolve(apply(config.get_config(), given), given, REGISTRY)


def written(path, records):
    path.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("config", "table", "figures", "batch"),
    [
        (dpo, ("test_margin", "test_chosen_moved"), ("preference_curves",), 6),
        (ppo, ("test_reward", "test_kl", "test_length"), ("policy_curves",), 6),
        (grpo, ("test_reward", "test_kl", "test_length"), ("policy_curves",), 6),
        (reward_model, reward_model.get_config().table, reward_model.get_config().figures, 6),
    ],
)
def test_a_shipped_config_fits_a_file(config, table, figures, batch, tmp_path):
    found, lines = resolved(config, written(tmp_path / "own.jsonl", PAIRS))
    assert (tuple(found.table), tuple(found.figures)) == (table, figures)
    assert found.data.batch_size == batch or found.task.prompts == batch
    assert lines[0].endswith("own.jsonl: 9 records")
    assert not any("warning" in line for line in lines)


def test_what_the_command_line_sets_stays(tmp_path):
    given = {"table": ("true_reward",), "data.batch_size": 50}
    found, _ = resolved(dpo, written(tmp_path / "own.jsonl", PAIRS), **given)
    assert tuple(found.table) == ("true_reward",) and found.data.batch_size == 50


def test_unknown_words_are_told_with_their_share(tmp_path):
    records = [{"prompt": "where does Zoltan live ?", "response": "in Rom"}] * 4
    _, lines = resolved(assistant_sft, written(tmp_path / "own.jsonl", records))
    (line,) = (line for line in lines if line.startswith("warning"))
    assert "8 of 28 tokens (28.6%)" in line and "[UNK]: 'Zoltan', 'Rom';" in line


def test_a_file_that_is_not_there_is_told_with_its_key(tmp_path):
    for path in (tmp_path / "none.jsonl", tmp_path):
        with pytest.raises(ValueError, match="cannot read .*: .*; check the path") as error:
            resolved(dpo, path)
        assert "\n" not in str(error.value)


def test_pairs_of_ones_own_are_no_sweep_over_pairs():
    config = apply(reward_model.get_config(), {"data.path": "own.jsonl", "num_seeds": 2})
    assert reward_model.get_sweep(config) == [{"seed": 0}, {"seed": 1}]


SAID = [{"role": "user", "content": "where ?"}, {"role": "assistant", "content": "rome ."}]
ASKED = [*SAID, {"role": "user", "content": "and paris ?"}]


@pytest.mark.parametrize(
    ("config", "record", "names", "wanted"),
    [
        (assistant_sft, {"prompt": ASKED, "response": "paris ."}, ("answer",), ["paris . [EOS]"]),
        (
            assistant_sft,
            {"messages": [*ASKED, {"role": "assistant", "content": "paris ."}]},
            ("answer",),
            ["rome . [EOS] paris . [EOS]"],
        ),
        (
            dpo,
            {"prompt": ASKED, "chosen": "paris .", "rejected": "it is rome ."},
            ("chosen_answer", "rejected_answer"),
            ["paris . [EOS]", "it is rome . [EOS]"],
        ),
    ],
    ids=("a prompt of messages", "a conversation", "a pair"),
)
def test_what_was_answered_in_a_prompt_is_read_and_not_learned(config, record, names, wanted, tmp_path):
    found, _ = resolved(config, written(tmp_path / "own.jsonl", [record] * 4), **{"data.new_tokens": 8})
    tokenizer = assistant_data.world_tokenizer()
    reader = assistant_data.make_reader(found.data, tokenizer)
    arrays = (assistant_data.answer_arrays if config is assistant_sft else assistant_data.pair_arrays)(reader)
    for name, text in zip(names, wanted, strict=True):
        ids, mask = (arrays[f"train_{key}"][0] for key in (name.replace("answer", "ids").removeprefix("_"), name))
        assert " ".join(tokenizer.tokens(ids[np.asarray(mask) > 0])) == text
