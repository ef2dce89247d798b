"""What a run tells of a text of one's own before it begins."""

from configs import gpt_quick
from experiments.building.own_data import resolve
from experiments.building.registry import REGISTRY


def test_replaced_characters_and_several_files_are_told(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"one\ntwo \xe9\n")
    (tmp_path / "b.txt").write_bytes(b"three")
    config = gpt_quick.get_config()
    config.data.name, config.data.path = "file", str(tmp_path)
    told = resolve(config, {}, REGISTRY)[1]
    assert told[0] == f"{tmp_path}: 2 files, 16 characters"
    assert told[1].startswith("warning: 1 invalid pieces of bytes") and "a.txt line 2" in told[1]
    config.data.path = str(tmp_path / "b.txt")
    assert resolve(config, {}, REGISTRY) == (config, ())
