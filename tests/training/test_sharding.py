"""Rules by path: which dimension of which array is split, and what cannot be."""

import jax
import jax.numpy as jnp
import pytest
from jax.sharding import PartitionSpec as P

from nn_core.training import sharding
from nn_core.training.sharding import Layout, MeshShape


def leaf(*shape: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, jnp.float32)


@pytest.mark.parametrize(
    ("shape", "devices", "sizes"),
    [((-1, 1, 1), 8, (8, 1, 1)), ((2, -1, 2), 8, (2, 2, 2)), ((1, 1, 1), 1, (1, 1, 1)), ((1, 4, -1), 4, (1, 4, 1))],
)
def test_one_axis_takes_the_devices_that_the_others_leave(shape, devices, sizes):
    assert sharding.resolve(MeshShape(*shape), devices) == sizes


@pytest.mark.parametrize("shape", [(3, 1, 1), (-1, 3, 1), (-1, -1, 1), (0, 1, 8), (2, 2, 1)])
def test_sizes_that_the_devices_do_not_give_are_refused(shape):
    with pytest.raises(ValueError, match="mesh data="):
        sharding.resolve(MeshShape(*shape), 8)


class FakeMesh:
    """The sizes of a mesh without its devices."""

    def __init__(self, **sizes: int):
        self.shape = sizes


def layout(*rules, data=1, fsdp=1, tensor=1, strict=True) -> Layout:
    return Layout(FakeMesh(data=data, fsdp=fsdp, tensor=tensor), rules, strict)


def test_the_first_rule_that_matches_the_end_of_a_path_splits_the_last_dimensions():
    tree = {"a": {"out": {"kernel": leaf(3, 4, 6)}}, "mu": {"out": {"kernel": leaf(4, 6)}}, "step": leaf()}
    rules = (("out/kernel", ("tensor", "fsdp")), ("*", ("fsdp",)))
    specs = sharding.specs_of(tree, layout(*rules, fsdp=3, tensor=2))
    assert specs["a"]["out"]["kernel"] == P(None, "tensor", "fsdp")
    assert specs["mu"]["out"]["kernel"] == P("tensor", "fsdp")
    assert specs["step"] == P()


@pytest.mark.parametrize(
    ("rules", "sizes", "message"),
    [
        ((("*/none", ("fsdp",)), ("*", ())), {}, "matches no array"),
        (
            (("kernel", ("fsdp", "tensor")),),
            {"fsdp": 5},
            "dense/kernel .512, 1024. has a dimension of 512, which fsdp = 5",
        ),
        (
            (("kernel", (None, ("fsdp", "tensor"))),),
            {"fsdp": 3, "tensor": 2},
            "which fsdp x tensor = 6 does not divide",
        ),
        ((("*", ()),), {"fsdp": 2}, "splits nothing of dense/kernel"),
    ],
)
def test_rules_that_do_not_fit_name_the_array_and_what_would(rules, sizes, message):
    with pytest.raises(ValueError, match=message):
        sharding.specs_of({"dense": {"kernel": leaf(512, 1024)}}, layout(*rules, **sizes))


def test_a_tensor_axis_that_splits_nothing_is_refused():
    state = {"embedding": leaf(1, 512, 1024)}
    with pytest.raises(ValueError, match="mesh.tensor=4 splits no array"):
        sharding.state_shardings(state, layout(*sharding.DENSE, tensor=4, strict=False))


@pytest.mark.parametrize("rules", [sharding.DENSE, sharding.RECURRENT, sharding.CONVOLUTIONAL, sharding.TRANSFORMER])
def test_every_family_has_arrays_for_the_tensor_axis(rules):
    assert sharding.TENSOR in str(rules)
