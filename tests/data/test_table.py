"""Tables: what their columns are, what is refused, and that no file whatever ends in anything but a table or one line."""

import gzip

import numpy as np
import polars
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nn_core.data.dataset import one_hot
from nn_core.data.table import Options, make_table
from nn_core.data.table_file import read_table
from nn_core.data.table_scheme import encode, scheme_from_json, scheme_to_json, unknown_categories
from nn_core.data.table_split import sizes_of, split_by_column, split_by_group

ROWS = "size,city,price\n1.5,Rome,10.5\n2,Oslo,20.25\n-3e1,Rome,30\n4, Oslo ,45.5\n"


def read(folder, text, name="rows.csv", **options):
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(file, **options)


def table(folder, text, target="price", name="rows.csv", **options):
    return make_table(read(folder, text, name), Options(target, **options))


def test_numbers_and_categories_become_inputs(tmp_path):
    made = table(tmp_path, ROWS)
    assert made.names_D == ("size", "city=Oslo", "city=Rome")
    cities = one_hot(["Rome", "Oslo", "Rome", "Oslo"], ["Oslo", "Rome"])
    np.testing.assert_array_equal(made.inputs_ND, np.column_stack([[1.5, 2, -30, 4], cities]))
    np.testing.assert_array_equal(made.targets_N, np.float32([10.5, 20.25, 30, 45.5]))
    assert made.scheme.classes == () and made.categorical_D.tolist() == [False, True, True]
    assert scheme_from_json(scheme_to_json(made.scheme)) == made.scheme


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (ROWS.replace(",", ";"), "rows.csv"),
        (ROWS.replace(",", "\t"), "rows.tsv"),
        (ROWS.replace("\n", "\r\n"), "rows.csv"),
        (ROWS.replace("\n", "\r"), "rows.csv"),
        ("\n\n" + ROWS.replace("\n", "\n\n"), "rows.csv"),
        (ROWS.encode("utf-16"), "rows.csv"),
        (b"\xef\xbb\xbf" + ROWS.encode(), "rows.csv"),
        (ROWS.replace("Rome", '"Rome"'), "rows.txt"),
    ],
)
def test_one_table_in_many_spellings(tmp_path, text, name):
    one, other = table(tmp_path, ROWS), table(tmp_path, text, name=name)
    np.testing.assert_array_equal(one.inputs_ND, other.inputs_ND)
    np.testing.assert_array_equal(one.targets_N, other.targets_N)


def test_parquet_and_npz_are_the_same_table(tmp_path):
    csv = table(tmp_path, ROWS)
    frame = polars.DataFrame(
        {"size": [1.5, 2, -30, 4], "city": ["Rome", "Oslo", "Rome", "Oslo"], "price": [10.5, 20.25, 30, 45.5]}
    )
    frame.write_parquet(tmp_path / "rows.parquet")
    np.savez(
        tmp_path / "rows.npz",
        **{name: frame[name].to_numpy().astype("U" if name == "city" else float) for name in frame.columns},
    )
    for name in ("rows.parquet", "rows.npz"):
        made = make_table(read_table(tmp_path / name), Options("price"))
        np.testing.assert_array_equal(made.inputs_ND, csv.inputs_ND)
        assert made.names_D == csv.names_D
    np.savez(tmp_path / "plain.npz", X=np.arange(6.0).reshape(3, 2), y=np.array([0.5, 1.5, 3.5]))
    assert make_table(read_table(tmp_path / "plain.npz"), Options("-1")).names_D == ("X_0", "X_1")


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "is empty; give one with a header"),
        ("\n \n", {}, "is empty"),
        ("size,price\n", {}, "has a header and no rows"),
        ("size,price\n1,2\n3\n5,6\n", {}, "line 3 has 1 field and the header has 2; repair the line, or put fields"),
        ("size,price\n1,2\n3,4,5\n", {}, "line 3 has 3 fields and the header has 2; repair the line, or put fields"),
        (
            "sep=;\nsize;rooms;price\n1;2;3\n",
            {},
            "line 2 has 3 fields and the header has 2; .*delete what stands above",
        ),
        ("# made by us\nsize,price\n1,2\n", {}, "line 2 has 2 fields and the header has 1; .*delete what stands above"),
        ("size,size,price\n1,2,3\n", {}, "columns 1 and 2 are both named 'size'"),
        ("size,,price\n1,2,3\n", {}, "column 2 has no name; give it one$"),
        (",size,price\n0,2,3\n", {}, "column 1 has no name; .* pandas writes it: to_csv.FILE, index=False.$"),
        ("price\n1\n2\n", {}, "has one column, 'price'"),
        ("size,cost\n1,2\n", {}, "config.data.target='price' is not a column of "),
        ("size,price\n1,2\n2,2\n", {}, "the target 'price' of .* is 2 in every row"),
        ("size,price\n1,a\n2,a\n", {}, "has one class, 'a'"),
        ("size,price\n1,a\n2,b\n3,c\n", {}, "has 3 classes in 3 rows"),
        ("size,price\n1,1\n2,\n3,3\n", {}, "line 3 has no value in 'price'"),
        ("size,price\n1,1\nNA,2\n3,3\n", {}, "line 3 has no value in 'size' .*missing=drop, mean or median"),
        ("size,price\n1,1\ninf,2\n3,3\n", {}, "line 3 has inf in 'size', which is not a finite float32"),
        ("size,price\n1,1\n1e60,2\n3,3\n", {}, "line 3 has 1e60 in 'size'"),
        ("size,price\n1,1\n2,inf\n3,3\n", {}, "line 3 has inf in 'price'"),
        (
            'size,price\n"1,5",1\n"2,5",2\n3,3\n',
            {},
            "line 2 has '1,5' in 'size' among numbers; numbers with a decimal comma",
        ),
        ('size,price\n"1,500",1\n"2,500.5",2\n3,3\n', {"decimal": ","}, "without separators of thousands"),
        ("size,price\n1,1\n2,2\nbig,3\n", {}, "line 4 has 'big' in 'size' among numbers"),
        ("day,size,price\n2026-01-02,1,1\n2026-01-03,2,2\n", {}, "column 'day' holds dates"),
        ("size,price\n1,1\n2,b\n", {"task": "numbers"}, "line 3 has 'b' in the target 'price'"),
        ("size,price\n1,1\n2,2\n", {"missing": "nothing"}, "unknown config.data.table.missing 'nothing'"),
        ("size,price\n1,1\n2,2\n", {"ignore": ("size",)}, "has no input beside the target"),
        ('size,price\n1,"2\n3,4\n', {}, "check its quotes"),
        (b"size,price\n\xe9,1\n", {}, "line 2 is not utf-8: byte 0xe9.*table.encoding=cp1252"),
        ("size,price\n1,2\n".encode("utf-16-le"), {}, "line 1 holds a NUL character"),
    ],
)
def test_a_bad_table_is_one_line_with_its_place(tmp_path, text, options, message):
    with pytest.raises(ValueError, match=message) as error:
        table(tmp_path, text, **options)
    assert "\n" not in str(error.value)


def test_a_packed_table_is_the_same_and_is_held_to_the_memory(tmp_path):
    packed = gzip.compress(ROWS.encode())
    one, other = read(tmp_path, ROWS), read(tmp_path, packed, "rows.csv.gz")
    assert [series.to_list() for series in other.columns.values()] == [
        series.to_list() for series in one.columns.values()
    ]
    for data, options, message in (
        (packed[:-9], {}, "rows.csv.gz is not a whole gzip file"),
        (ROWS.encode(), {}, "is not a whole gzip file .Not a gzipped file"),
        (
            gzip.compress(bytes(10**6)),
            {"memory": 10**6},
            "rows.csv.gz, unpacked, has 0.0 GB and takes about 0.0 GB to read",
        ),
    ):
        with pytest.raises(ValueError, match=message) as error:
            read(tmp_path, data, "rows.csv.gz", **options)
        assert "\n" not in str(error.value)


def test_files_that_are_none_are_refused(tmp_path):
    for name, message in (
        ("none.csv", "No such file"),
        ("rows.dat", "is not a table by its name; use a file that ends in .csv, .*, or .gz behind one of text"),
        ("rows.xlsx", "save it as CSV .UTF-8. with the program that opens it"),
        ("rows.json", "polars.read_json.FILE..write_csv"),
        ("rows.jsonl", "polars.read_ndjson"),
        ("rows.Feather", "polars.read_ipc.FILE..write_parquet"),
        ("rows.parquet.gz", "unpack it, and name the table that is in it"),
        ("rows.csv.zip", "unpack it"),
        ("", "by its name"),
    ):
        with pytest.raises(ValueError, match=message):
            read_table(tmp_path / name)
    for name in ("rows.parquet", "rows.npz"):
        with pytest.raises(ValueError, match="is not a readable"):
            read(tmp_path, b"PAR1 and no more", name)
    np.savez(tmp_path / "objects.npz", x=np.array([{}, None]), allow_pickle=True)
    with pytest.raises(
        ValueError, match="it holds Python objects; make text of them by array.astype.str., and write it by numpy.savez"
    ):
        read_table(tmp_path / "objects.npz")
    with pytest.raises(ValueError, match=r"takes about .* GB to read, 0.0 GB are free"):
        read(tmp_path, ROWS, memory=100)


def test_missing_values_by_choice(tmp_path):
    text = "size,age,price\n1,,1.5\n2,5,2.5\nnull,7,3\n4,8,4\n"
    dropped = table(tmp_path, text, missing="drop")
    assert dropped.targets_N.tolist() == [2.5, 4.0] and dropped.kept_N.tolist() == [1, 3]
    filled = table(tmp_path, text, missing="mean", indicator=True)
    assert filled.names_D == ("size", "size is missing", "age", "age is missing")
    assert np.isnan(filled.inputs_ND[2, 0]) and filled.inputs_ND[:, 1].tolist() == [0, 0, 1, 0]
    assert "missing values: size 1, age 1" in filled.notes[0]


def test_what_columns_are_is_found_and_told(tmp_path):
    text = "id,code,name,kind,y\n11,01,ann,a,0\n12,02,bob,b,1\n13,01,cy,a,0\n14,02,dan,b,1\n"
    made = table(tmp_path, text, target="y")
    assert made.names_D == ("id", "code=01", "code=02", "kind=a", "kind=b")
    told = "\n".join(made.notes)
    assert "its own whole number in 'id'" in told and "its own text in 'name'" in told and "begin with 0" in told
    assert made.scheme.classes == ("0", "1") and "taken as 2 classes" in told
    assert table(tmp_path, text, target="y", task="numbers").scheme.classes == ()
    assert table(tmp_path, text, target="y", categories=("id",), ignore=("code",)).names_D[:1] == ("kind=a",)


def test_new_rows_in_another_order_are_read_by_name(tmp_path):
    scheme = table(tmp_path, ROWS).scheme
    frame = read(tmp_path, "city,more,size\nOslo,1,7\nParis,2,8\n,3,9\n")
    np.testing.assert_array_equal(encode(frame, scheme), [[7, 1, 0], [8, 0, 0], [9, 0, 0]])
    ((name, rows),) = unknown_categories(frame, scheme).items()
    assert name == "city" and len(rows) == 1
    with pytest.raises(ValueError, match="line 3 has the unknown category 'Paris' in 'city'"):
        encode(frame, scheme._replace(unknown="error"))
    with pytest.raises(ValueError, match="lacks the column 'city'"):
        encode(read(tmp_path, "size,price\n1,2\n"), scheme)
    with pytest.raises(ValueError, match="line 2 has 'x' in 'size', which is not a number"):
        encode(read(tmp_path, "size,city\nx,Rome\n"), scheme)


def test_splits_of_groups_and_columns():
    groups = np.random.default_rng(0).integers(0, 31, 997)
    order_N, sizes = split_by_group(groups, (0.6, 0.2, 0.2), "user")
    parts = np.split(groups[order_N], np.cumsum(sizes)[:2])
    assert sorted(order_N) == list(range(997)) and all(
        abs(size / 997 - s) < 0.06 for size, s in zip(sizes, (0.6, 0.2, 0.2), strict=True)
    )
    assert not set(parts[0]) & set(parts[1]) and not set(parts[1]) & set(parts[2]) and not set(parts[0]) & set(parts[2])
    order_N, sizes = split_by_column(["test", "train", "Val", "train"], (0.6, 0.2, 0.2), "part", range(2, 6))
    assert order_N.tolist() == [1, 3, 2, 0] and tuple(sizes) == (2, 1, 1)
    order_N, sizes = split_by_column(["train"] * 8 + ["test"], (0.6, 0.2, 0.2), "part", range(9))
    assert tuple(sizes) == (6, 2, 1) and order_N[-1] == 8
    assert sum(sizes_of(11, (0.6, 0.2, 0.2))) == 11 and tuple(sizes_of(3, (0.6, 0.2, 0.2))) == (1, 1, 1)
    for call, message in (
        (lambda: split_by_group(groups // 20, (0.6, 0.2, 0.2), "user"), "has 2 groups"),
        (lambda: split_by_column(["train", "x"], (0.6, 0.2, 0.2), "part", [2, 7]), "part says 'x' in line 7"),
        (lambda: split_by_column(["train", "val"], (0.6, 0.2, 0.2), "part", [2, 3]), "part gives no example to test"),
        (lambda: sizes_of(9, (0.6, 0.6, 0.2)), "must be three numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60) | st.text(alphabet='a1,;"\n\r\t.0-eé ', max_size=60).map(str.encode))
def test_any_bytes_are_a_table_or_one_line(tmp_path, data):
    try:
        made = make_table(read(tmp_path, data), Options("0"))
    except ValueError as error:
        assert "\n" not in str(error) and str(error)
    else:
        assert np.isfinite(made.inputs_ND).all() and len(made.inputs_ND) == len(made.targets_N) > 0
