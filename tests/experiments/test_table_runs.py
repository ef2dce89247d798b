"""Runs on tables of one's own: any config of labelled examples takes one, and the run predicts new rows."""

import csv
import gzip
import io
import json
from functools import partial

import jax
import numpy as np
import pytest

from configs import churn, digits, l1_vs_l2, underfit_overfit
from experiments import predict
from experiments.building import own_tables
from experiments.building.experiment import build
from experiments.building.own_data import resolve
from experiments.building.registry import REGISTRY
from experiments.command_line.config_paths import apply
from experiments.run import main
from experiments.run_directory.kept_table import read_kept_table
from experiments.run_directory.stored_run import load
from nn_core.data.splits import SplitSizes
from nn_core.data.table import Options, make_table
from nn_core.data.table_file import read_table
from nn_core.tasks.examples import View, look_up, prepare, targets_of

STEPS = 20


def rows(count, seed=0):
    """size, rooms (some missing), city, sold, user, price: the price follows from the first three."""
    rng = np.random.default_rng(seed)
    size, rooms = rng.uniform(30, 200, count).round(1), rng.integers(1, 6, count)
    city, user = rng.choice(["Köln", "Oslo", "Rome"], count), rng.integers(0, 17, count)
    price = 2000 * size + 9000 * rooms + 50_000 * (city == "Oslo") + rng.normal(0, 1000, count).round(1)
    return [
        {
            "size": s,
            "rooms": "" if i % 13 == 5 else r,
            "city": c,
            "sold": "yes" if p > 260_000 else "no",
            "user": f"u{u}",
            "price": p,
        }
        for i, (s, r, c, u, p) in enumerate(zip(size, rooms, city, user, price, strict=True))
    ]


def write(path, lines):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    return path


def words(folder, target, config="digits", **changes):
    values = {
        "data.name": "table",
        "data.path": folder / "rows.csv",
        "data.target": target,
        "data.table.missing": "mean",
        "train.steps": STEPS,
        "hparams.learning_rate": 0.05,
    } | {name.replace("__", "."): value for name, value in changes.items()}
    return [f"--config={config}", f"--workdir={folder / 'run'}", *(f"--config.{k}={v}" for k, v in values.items())]


@pytest.fixture(scope="module")
def priced(tmp_path_factory):
    folder = tmp_path_factory.mktemp("priced")
    write(folder / "rows.csv", rows(211))
    assert main(words(folder, "price", data__table__ignore="('user','sold')")) == 0
    return folder


def test_the_config_is_fitted_to_the_table_and_kept(priced):
    held = json.loads((priced / "run" / "config.json").read_text(encoding="utf-8"))["config"]
    assert held["task"]["name"] == "regression" and held["table"] == ["test_loss"]
    assert [held["data"][part] for part in ("train", "validation", "test")] == [127, 42, 42]
    assert len(held["data"]["digest"]) == 64
    told = (priced / "run" / "data.txt").read_text(encoding="utf-8")
    assert "211 rows, 6 columns -> 5 inputs" in told and "missing values: rooms 16; the mean" in told


def test_predictions_follow_the_table_whatever_the_order_of_its_columns(priced, capsys):
    new = rows(29, seed=7)
    expected = np.array([row["price"] for row in new])
    shuffled = [{"more": 1, "city": row["city"], "rooms": row["rooms"], "size": row["size"]} for row in new]
    write(priced / "new.csv", shuffled)
    assert predict.main([f"--checkpoint={priced / 'run'}", str(priced / "new.csv")]) == 0
    told = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    made = np.array([float(row["prediction"]) for row in told])
    assert [row["line"] for row in told] == [str(line) for line in range(2, 31)]
    assert np.mean((made - expected) ** 2) < 0.35 * expected.var()
    assert predict.main([f"--checkpoint={priced / 'run'}", str(priced / "new.csv"), f"--out={priced / 'out.csv'}"]) == 0
    assert list(csv.DictReader(io.StringIO((priced / "out.csv").read_text(encoding="utf-8")))) == told
    write(priced / "new.csv", [row | {"city": "Paris"} for row in shuffled])
    capsys.readouterr()
    assert predict.main([f"--checkpoint={priced / 'run'}", str(priced / "new.csv")]) == 0
    assert (
        "29 rows have a category in 'city' that the run has not seen, first 'Paris' in line " in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("size,rooms\n1,2\n", "lacks the column 'city'"),
        ("size,rooms,city\n1,many,Oslo\n", "line 2 has 'many' in 'rooms', which is not a number"),
        ("size,rooms,city\n", "has a header and no rows"),
        ("", "is empty"),
    ],
)
def test_rows_that_do_not_fit_are_one_line_and_exit_code_2(priced, text, message, capsys):
    (priced / "bad.csv").write_text(text, encoding="utf-8")
    assert (
        predict.main([f"--checkpoint={priced / 'run'}", str(priced / "bad.csv"), f"--out={priced / 'none.csv'}"]) == 2
    )
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and not (priced / "none.csv").exists()


def test_a_dry_run_tells_what_was_read(priced, tmp_path, capsys):
    asked = words(priced, "price", data__table__ignore="user,sold")
    asked[1] = f"--workdir={tmp_path / 'run'}"
    for more in ("--dry_run", "--plan"):
        assert main([*asked, more]) == 0 and "211 rows, 6 columns -> 5 inputs" in capsys.readouterr().out
    assert main([*asked, "--plan", "--dry_run"]) == 0
    told = capsys.readouterr().out
    assert told.index("splits nothing: every array lies whole") < told.index("nothing was written")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("module", "target", "gone", "kept"),
    [
        (
            l1_vs_l2,
            "price",
            {"table: support_f1", "table: coefficient_error", "task.record: support"},
            ("coefficients",),
        ),
        (underfit_overfit, "sold", {"task.record: regions", "figures: regions"}, ()),  # of three inputs, no plane
        (churn, "price", {"table: macro_f1", "table: rare_recall", "task.record: confusion", "figures: confusion"}, ()),
    ],
)
def test_records_that_a_table_cannot_have_are_left_out(module, target, gone, kept, tmp_path):
    write(tmp_path / "rows.csv", rows(60))
    config = module.get_config()
    changes = {"data.name": "table", "data.path": str(tmp_path / "rows.csv"), "data.target": target}
    config = apply(config, changes | {"data.table.missing": "drop", "data.table.ignore": ("user", "city")})
    fitted, lines = resolve(config, {"data.path"}, REGISTRY)
    (told,) = [line for line in lines if line.startswith("left out")]
    assert gone <= {*told.partition(": ")[2].split(", ")} and fitted.task.record == kept
    build(fitted, REGISTRY)
    given, _ = resolve(config, {"task.record", "table", "figures"}, REGISTRY)
    assert (given.task.record, given.table) == (config.task.record, config.table)


def test_weights_of_classes_need_classes(tmp_path, capsys):
    write(tmp_path / "rows.csv", rows(60))
    assert main(words(tmp_path, "price", task__class_weights="balanced")) == 2
    error = capsys.readouterr().err
    assert "config.task.class_weights='balanced' needs classes" in error and error.count("\n") == 1


def test_rows_of_a_single_input_are_predicted(tmp_path, capsys):
    write(tmp_path / "rows.csv", [{"size": row["size"], "price": row["price"]} for row in rows(60)])
    assert main(words(tmp_path, "price")) == 0
    (tmp_path / "new.csv").write_text("size\n70\n120.5\n", encoding="utf-8")
    (tmp_path / "other.csv").write_text("rooms\n3\n", encoding="utf-8")
    capsys.readouterr()
    run = f"--checkpoint={tmp_path / 'run'}"
    assert predict.main([run, str(tmp_path / "new.csv")]) == 0
    assert [line.split(",")[0] for line in capsys.readouterr().out.splitlines()] == ["line", "2", "3"]
    assert predict.main([run, str(tmp_path / "other.csv")]) == 2
    assert "lacks the column 'size'; it has rooms" in capsys.readouterr().err


@pytest.mark.parametrize("key", ["group", "split"])
def test_the_column_of_a_split_may_be_named_by_its_place(key, tmp_path):
    parts = ["train", "test", "val"]
    lines = [row | {"user": parts[place % 3] if key == "split" else row["user"]} for place, row in enumerate(rows(60))]
    write(tmp_path / "rows.csv", lines)
    found = []
    for name in ("user", "4"):
        config = digits.get_config()
        changes = {"data.name": "table", "data.path": str(tmp_path / "rows.csv"), "data.target": "sold"}
        changes |= {"data.table.missing": "drop", f"data.table.{key}": name}
        found.append(own_tables.load_own_table(apply(config, changes), "classes"))
    assert found[0].sizes == found[1].sizes and found[0].table.names_D == found[1].table.names_D
    np.testing.assert_array_equal(found[0].table.inputs_ND, found[1].table.inputs_ND)


def test_a_packed_table_is_learned_and_predicted(tmp_path, capsys):
    text = write(tmp_path / "plain.csv", rows(60)).read_bytes()
    (tmp_path / "rows.csv.gz").write_bytes(gzip.compress(text))
    ask = words(tmp_path, "sold", data__path=tmp_path / "rows.csv.gz", data__table__ignore="user,price")
    assert main(ask) == 0
    scores = []
    for name in ("plain.csv", "rows.csv.gz"):
        out = tmp_path / f"{name}.out.csv"
        assert predict.main([f"--checkpoint={tmp_path / 'run'}", str(tmp_path / name), f"--out={out}"]) == 0
        scores.append(out.read_text(encoding="utf-8"))
    assert scores[0] == scores[1] and scores[0].count("\n") == 61
    capsys.readouterr()
    assert predict.main([f"--checkpoint={tmp_path / 'run'}", "new.xlsx"]) == 2
    assert "new.xlsx is not a table by its name; save it as CSV" in capsys.readouterr().err


def test_nothing_is_lost_by_what_is_written(priced, tmp_path, capsys):
    new = write(tmp_path / "new.csv", rows(3))
    before = new.read_bytes()
    for out, message in (
        (new, "is the file that is read, which would be lost"),
        (tmp_path, "is a folder; name a file, such as --out="),
        (tmp_path / "none" / "o.csv", "there is no folder "),
        (priced / "run" / "results.csv", "is a file of the run, which would be lost"),
        (tmp_path / "o.csv.gz", "would be plain text; name a file without .gz"),
    ):
        assert predict.main([f"--checkpoint={priced / 'run'}", str(new), f"--out={out}"]) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1 and new.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["new.csv"]


def test_new_rows_may_be_written_another_way_than_the_run_s(priced, capsys):
    text = "size;rooms;city\n50,5;2;Köln\n"
    (priced / "new.csv").write_bytes(text.encode("cp1252"))
    asked = [f"--checkpoint={priced / 'run'}", str(priced / "new.csv")]
    assert predict.main(asked) == 2 and "name its encoding: --encoding=cp1252" in capsys.readouterr().err
    asked.append("--encoding=cp1252")
    assert predict.main(asked) == 2 and "are read with --decimal=','" in capsys.readouterr().err
    assert predict.main([*asked, "--decimal=,"]) == 0
    one = capsys.readouterr().out
    (priced / "new.csv").write_text("size,rooms,city\n50.5,2,Köln\n", encoding="utf-8")
    assert predict.main(asked[:2]) == 0 and capsys.readouterr().out == one


def test_a_command_without_a_file_names_what_it_takes(priced, capsys):
    assert predict.main([f"--checkpoint={priced / 'run'}"]) == 2
    assert "for a run on a table a CSV of new rows" in capsys.readouterr().err


def test_a_finished_run_is_shown_again_and_another_file_refused(priced, capsys):
    again = words(priced, "price", data__table__ignore="('user','sold')")
    assert main(again) == 0 and "is finished" in capsys.readouterr().out
    kept = (priced / "rows.csv").read_bytes()
    write(priced / "rows.csv", rows(211, seed=3))
    assert main(again) == 2 and "data.digest" in capsys.readouterr().err
    (priced / "rows.csv").write_bytes(kept)


def test_classes_keep_their_names_and_groups_stay_together(tmp_path, capsys):
    write(tmp_path / "rows.csv", rows(97))
    changes = {"data__table__group": "user", "data__table__ignore": "('price',)", "model__hidden_sizes": "()"}
    assert main(words(tmp_path, "sold", **changes)) == 0
    assert "whole groups" in capsys.readouterr().out
    assert predict.main([f"--checkpoint={tmp_path / 'run'}", str(tmp_path / "rows.csv")]) == 0
    told = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert list(told[0]) == ["line", "prediction", "score no", "score yes"]
    assert all(abs(float(row["score no"]) + float(row["score yes"]) - 1) < 2e-6 for row in told)
    assert np.mean([row["prediction"] == r["sold"] for row, r in zip(told, rows(97), strict=True)]) > 0.8
    assert predict.main([f"--checkpoint={tmp_path / 'run'}", "new.png"]) == 2
    assert "learned a table and no images; give experiments.predict a CSV" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data__path": None}, "needs --config.data.path=FILE.csv"),
        ({"data__target": None}, "needs --config.data.target=COLUMN"),
        ({"data__target": "cost"}, "config.data.target='cost' is not a column of "),
        ({"data__table__missing": "refuse"}, "has no value in 'rooms' (missing values: rooms 8); choose"),
        ({"data__path": "https://example.org/rows.csv"}, "is an address; give the sha256 of its file"),
        ({"data__digest": "0" * 64}, "has changed: its sha256"),
        ({"data__table__group": "user", "data__table__split": "city"}, "both decide who is tested"),
        ({"data__table__split": "city"}, "says 'Rome' in line 2; the parts"),
        ({"data__shares": "(0.9,0.2,0.2)"}, "must be three numbers above 0"),
        ({"model__name": "cnn"}, "does not go with this config"),
    ],
)
def test_every_mistake_is_one_line_and_leaves_nothing(tmp_path, changes, message, capsys):
    write(tmp_path / "rows.csv", rows(97))
    asked = words(tmp_path, "price", **changes)
    assert main(asked) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and not (tmp_path / "run").exists()


@pytest.mark.parametrize("key", ["split", "group"])
def test_a_class_that_is_tested_and_not_learned_is_refused(key, tmp_path, capsys):
    """Also one that stands in a single group, which then is not in the training part."""
    table = [{"size": i, "sold": "yes" if i % 2 else "no", "part": "train", "user": i % 9} for i in range(40)]
    table += [{"size": i, "sold": "maybe", "part": "test", "user": 99} for i in range(9)]
    write(tmp_path / "rows.csv", table)
    column = {"split": "part", "group": "user"}
    other = next(name for of, name in column.items() if of != key)
    changes = {
        f"data__table__{key}": column[key],
        "data__table__ignore": f"('{other}',)",
        "data__shares": (0.5, 0.2, 0.3),
    }
    assert main(words(tmp_path, "sold", **changes)) == 2
    assert "class 'maybe' has none of the" in capsys.readouterr().err and not (tmp_path / "run").exists()


def test_preparation_knows_the_training_rows_only(tmp_path):
    """A value of the test rows changes nothing that the training rows said."""
    path = write(tmp_path / "rows.csv", rows(97))
    table = make_table(read_table(path), Options("price", missing="median", ignore=("user", "sold")))
    view = View(SplitSizes(50, 20, 27), 0, 10, shuffle=True, fill="median", scale_targets=True)
    data = {"inputs": table.inputs_ND, "targets": table.targets_N, "categorical": table.categorical_D}
    key = jax.random.key(3)
    own = jax.device_get(jax.jit(partial(prepare, view))(data, key))
    train = table.inputs_ND[own["train"]]
    np.testing.assert_allclose(own["fill"], np.nanmedian(train, axis=0), rtol=1e-6)
    targets_N = table.targets_N[own["train"]]
    made_N = targets_of(data | own, "train")
    np.testing.assert_allclose(made_N, (targets_N - targets_N.mean()) / targets_N.std(), atol=1e-5)
    wild = table.inputs_ND.copy()
    wild[own["test"], 0] = 1e6
    changed = jax.device_get(jax.jit(partial(prepare, view))(data | {"inputs": wild}, key))
    jax.tree.map(np.testing.assert_array_equal, own, changed)
    seen = look_up(data | own, own["train"])
    assert np.isfinite(seen).all() and np.abs(np.mean(seen, axis=0)).max() < 1e-5
    assert np.isfinite(targets_of(data | own, "test")).all()
    # A category that no training row has says nothing: its column is 0 wherever it comes.
    lone = table.inputs_ND.copy()
    lone[:, 2] = 0
    lone[own["test"][0], 2] = 1
    own = jax.device_get(jax.jit(partial(prepare, view))(data | {"inputs": lone}, key))
    assert not own["known"][2] and look_up(data | own | {"inputs": lone}, own["test"])[0, 2] == 0


def test_what_is_kept_is_each_member_s_own(tmp_path):
    write(tmp_path / "rows.csv", rows(60))
    (tmp_path / "two.py").write_text(
        "from configs import digits\nfrom configs.grid import axis\n\n"
        "def get_config():\n    return digits.get_config()\n\n"
        "def get_sweep(config):\n    return axis('seed', (0, 5))\n",
        encoding="utf-8",
    )
    assert (
        main(
            words(tmp_path, "price", config=tmp_path / "two.py", data__table__ignore="('user','sold')", train__steps=2)
        )
        == 0
    )
    kept = [read_kept_table(load(tmp_path / "run", "latest", member))[1] for member in (0, 1)]
    assert kept[0]["shift"].shape == (5,) and (kept[0]["shift"] != kept[1]["shift"]).any()
    assert kept[0]["fill"][1] != kept[1]["fill"][1]


@pytest.mark.slow
@pytest.mark.parametrize("target", ["price", "sold"])
def test_the_sweep_of_regularization_runs_whole_on_a_table(tmp_path, target, capsys):
    write(tmp_path / "rows.csv", rows(211))
    changes = {"data__table__ignore": "('user',)", "num_seeds": 2, "train__eval_every": 10, "train__log_every": 10}
    assert main(words(tmp_path, target, config="regularization", **changes)) == 0
    told = capsys.readouterr()
    assert "data.label_noise=0.2, data.noise_features=64" in told.out and "warning" not in told.err


def test_a_long_table_has_one_split_in_memory_for_all_members(tmp_path, monkeypatch):
    write(tmp_path / "rows.csv", rows(97))
    own_tables.own_table.cache_clear()
    monkeypatch.setattr(own_tables, "LONG", 50)
    config = digits.get_config()
    config.data.name, config.data.path, config.data.target = "table", str(tmp_path / "rows.csv"), "price"
    config.data.table.missing = "mean"
    config, told = resolve(config, {}, REGISTRY)
    experiment = build(config)
    own_tables.own_table.cache_clear()
    assert told[-1].endswith("drawn once for all seeds") and not config.data.shuffle
    own = experiment.task.prepare(experiment.data, jax.random.key(0))
    parts = [set(np.asarray(experiment.data[part]).tolist()) for part in ("train", "validation", "test")]
    assert set().union(*parts) == set(range(97)) and sum(map(len, parts)) == 97
    assert max(leaf.size for leaf in jax.tree.leaves(own)) < 30 and "train" not in own  # statistics alone
