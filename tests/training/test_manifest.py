"""The seal and the digests notice every change, and the diff says what differs."""

import errno

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_core.training import manifest
from nn_core.training.manifest import CheckpointError, DamagedError, MismatchError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
BODY = {"format": 1, "step": 7, "value": 0.1, "record": {"name": "é", "sizes": [1, 2]}, "leaves": {}, "files": {}}


@settings(max_examples=50, deadline=None)
@given(JSON)
def test_a_sealed_body_comes_back_equal(record: object) -> None:
    assert manifest.unseal(manifest.seal({**BODY, "record": record}))["record"] == record


def test_integer_keys_are_sealed_as_json_stores_them() -> None:
    sealed = manifest.seal({**BODY, "record": {10: "a", 9: "b"}})
    assert manifest.unseal(sealed)["record"] == {"10": "a", "9": "b"}


def test_every_single_bit_flip_and_every_truncation_of_a_manifest_is_noticed() -> None:
    raw = manifest.seal(BODY)
    for position in range(8 * len(raw)):
        flipped = bytearray(raw)
        flipped[position // 8] ^= 1 << position % 8
        with pytest.raises(DamagedError):
            manifest.unseal(bytes(flipped))
    for length in range(len(raw)):
        with pytest.raises(DamagedError):
            manifest.unseal(raw[:length])


@pytest.mark.parametrize("raw", [b"[]", b'{"body": 3}', b"[" * 100_000, manifest.seal({"format": 1}), b'{"body": NaN}'])
def test_foreign_json_is_damage_and_no_other_error(raw: bytes) -> None:
    with pytest.raises(DamagedError):
        manifest.unseal(raw)


@pytest.mark.parametrize("record", [{"x": float("nan")}, {"x": {1, 2}}, {"x": np.float32(1)}])
def test_a_record_that_json_cannot_say_is_refused_in_one_line(record: dict) -> None:
    with pytest.raises(CheckpointError, match="not plain JSON") as caught:
        manifest.seal({**BODY, "record": record})
    assert "\n" not in str(caught.value)


def test_digests_tell_dtype_shape_and_bytes_apart() -> None:
    zeros = np.zeros((2, 3), np.float32)
    entries = manifest.describe({"a": zeros, "b": zeros.reshape(3, 2), "c": zeros.astype(np.int32)})
    digests = {name: manifest.leaf_digest(entry, zeros) for name, entry in entries.items()}
    digests["d"] = manifest.leaf_digest(entries["a"], zeros + 1)
    digests["e"] = manifest.leaf_digest(entries["a"], -zeros)
    assert len(set(digests.values())) == 5
    assert manifest.leaf_digest(entries["a"], np.asfortranarray(zeros)) == digests["a"]


def test_copies_for_the_host_are_private_and_keys_become_their_data() -> None:
    array = np.ones(3)
    copy = manifest.to_host(array)
    array[:] = 5
    np.testing.assert_array_equal(copy, 1.0)
    key = jax.random.key(3)
    np.testing.assert_array_equal(manifest.to_host(key), jax.random.key_data(key))


def test_leaves_are_named_by_path() -> None:
    tree = {"dense": {"kernel": np.zeros(2)}, "pair": (np.zeros(1), None, np.zeros(3))}
    assert list(manifest.named_leaves(tree)) == ["dense/kernel", "pair/0", "pair/2"]


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"a": {"b": np.zeros(1)}, "a/b": np.zeros(1)}, "two leaves are both named 'a/b'"),
        ({"step": 3}, "leaf 'step' is a int, not an array; use jnp.asarray"),
    ],
)
def test_leaves_without_a_name_of_their_own_or_without_a_shape_are_refused(tree: dict, message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        manifest.named_leaves(tree)


def test_the_diff_lists_both_sides_in_one_line_and_is_cut_short() -> None:
    found = manifest.describe({"kernel": jnp.zeros((4, 5)), "bias": jnp.zeros(5), "old": jnp.zeros(())})
    wanted = manifest.describe({"kernel": jax.ShapeDtypeStruct((4, 6), jnp.float32), "bias": jnp.zeros(5)})
    assert manifest.mismatch(found, found) is None
    difference = manifest.mismatch(found, wanted)
    assert difference == "- kernel float32[4, 5]; - old float32[]; + kernel float32[4, 6]"
    many = manifest.describe({f"layer_{index:02d}": jnp.zeros(1) for index in range(30)})
    assert manifest.mismatch({}, many).endswith("+ layer_07 float32[1]; + 22 more")


def test_a_directory_is_verified_file_by_file(tmp_path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "data").write_bytes(b"abc")
    (tmp_path / "empty").touch()
    body = {key: BODY[key] for key in ("step", "value", "record", "leaves")}
    manifest.write_manifest(tmp_path, body)
    assert manifest.verify(tmp_path)["files"].keys() == {"empty", "sub/data"}
    (tmp_path / "foreign").write_bytes(b"left by somebody")
    assert manifest.verify(tmp_path)["step"] == 7
    (tmp_path / "empty").write_bytes(b"x")
    with pytest.raises(DamagedError, match="empty is damaged"):
        manifest.verify(tmp_path)
    (tmp_path / "empty").unlink()
    with pytest.raises(DamagedError, match="empty is missing"):
        manifest.verify(tmp_path)


def test_a_newer_format_is_a_mismatch_and_no_damage(tmp_path) -> None:
    (tmp_path / "manifest.json").write_bytes(manifest.seal({**BODY, "format": 3}))
    with pytest.raises(MismatchError, match="format 3, this version reads 2; update nn_core"):
        manifest.read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("number", "damaged"),
    [(errno.ENOENT, True), (errno.EIO, True), (errno.EMFILE, False), (errno.EACCES, False), (errno.ENOMEM, False)],
)
def test_what_this_process_may_not_read_is_not_called_damaged(number: int, damaged: bool) -> None:
    error = manifest.unreadable(OSError(number, "why", "file"))
    assert isinstance(error, DamagedError) == damaged
