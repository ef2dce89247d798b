"""What a run tells of a text of one's own before it begins, and that it goes on with the same text only."""

import hashlib

import pytest

from configs import assistant_sft, gpt_quick
from experiments.building.corpus import read_once
from experiments.building.language import build
from experiments.building.own_data import resolve
from experiments.building.registry import REGISTRY
from experiments.run import main
from tests.experiments.tiny import arguments


def test_replaced_characters_and_several_files_are_told(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"one\ntwo \xe9\n")
    (tmp_path / "b.txt").write_bytes(b"three")
    config = gpt_quick.get_config()
    config.data.name, config.data.path = "file", str(tmp_path)
    told = resolve(config, {}, REGISTRY)[1]
    assert told[0] == f"{tmp_path}: 2 files, 16 characters"
    assert told[1].startswith("warning: 1 invalid pieces of bytes") and "a.txt line 2" in told[1]
    config.data.path = str(tmp_path / "b.txt")
    config, told = resolve(config, {}, REGISTRY)
    assert told[0] == f"{tmp_path / 'b.txt'}: 1 file, 5 characters"
    assert config.data.digest == hashlib.sha256(b"three").hexdigest()


def test_samples_begin_with_what_the_text_has(tmp_path):
    (tmp_path / "a.txt").write_text("hello world, hello there" * 9, encoding="utf-8")
    config = gpt_quick.get_config()
    config.data.name, config.data.path = "file", str(tmp_path / "a.txt")
    fitted, told = resolve(config, {}, REGISTRY)
    assert fitted.sample.prompt == "h" and told[-1].startswith("samples begin with 'h'")
    config.data.context_size = 8
    with pytest.raises(ValueError, match=r"config.sample.prompt: the prompt '\\n' has characters outside"):
        build(config, REGISTRY)


def test_another_digest_is_refused(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"prompt": "a", "response": "b"}\n', encoding="utf-8")
    for config in (gpt_quick, assistant_sft):
        own = config.get_config()
        own.data.name, own.data.path, own.data.digest = "file", str(tmp_path / "a.jsonl"), "0" * 64
        if "field" in own.data:
            own.data.field = "prompt"
        with pytest.raises(ValueError, match="a.jsonl has changed: its sha256 is .*; give its digest"):
            resolve(own, {}, REGISTRY)


def test_a_changed_text_is_not_gone_on_with(tmp_path, capsys):
    """Also a folder, of which another file's name is enough."""
    texts = tmp_path / "texts"
    texts.mkdir()
    for name in ("a.txt", "b.txt"):
        (texts / name).write_text("the cat sat on the mat\n" * 40, encoding="utf-8")
    words = arguments(tmp_path, data__path=texts, train__steps=2, train__sample_every=0)
    assert main(words) == 0
    assert main(words) == 0 and "is finished" in capsys.readouterr().out
    (texts / "b.txt").rename(texts / "c.txt")
    read_once.cache_clear()
    assert main(words) == 2 and "data.digest" in capsys.readouterr().err
