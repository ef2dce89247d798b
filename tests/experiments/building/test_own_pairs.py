"""Two files of texts as pairs: batches fit them."""

from configs import toy_translation
from experiments.building.own_data import resolve
from experiments.building.registry import REGISTRY
from experiments.run import main


def written(folder):
    for name in ("a.en", "a.fr"):
        (folder / name).write_text("".join(f"one two {i}\n" for i in range(60)), encoding="utf-8")
    return {"name": "parallel_files", "source": str(folder / "a.en"), "target": str(folder / "a.fr")}


def test_a_batch_is_not_larger_than_the_training_pairs(tmp_path):
    config = toy_translation.get_config()
    for key, value in written(tmp_path).items():
        config.data[key] = value
    fitted, lines = resolve(config, {}, REGISTRY)
    assert fitted.data.batch_size == 48 and lines[-1] == "config.data.batch_size=48, since 48 pairs train"
    config.data.batch_size = 49
    fitted, lines = resolve(config, {"data.batch_size"}, REGISTRY)
    assert fitted.data.batch_size == 49 and len(lines) == 1


def test_rows_of_several_pairs_are_told_apart_from_pairs(tmp_path, capsys):
    words = [f"--config.data.{key}={value}" for key, value in written(tmp_path).items()]
    assert main(["--config=multi30k", f"--workdir={tmp_path / 'run'}", *words, "--config.data.vocabulary_size=80"]) == 2
    error = capsys.readouterr().err
    rows = error.partition("is more than the ")[2].split()[0]
    assert "config.data.batch_size=48 is more" in error and " rows, into which the pairs are packed, of" in error
    assert error.endswith(f"; give --config.data.batch_size={rows} or less\n")
