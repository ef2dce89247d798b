"""Errata of transfer learning (S29 and S30 of the course's list of slips), on the demonstration network and its cases."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nn_core.formulas.erratum import Erratum, Figures
from nn_core.models.cnn import CNN
from nn_core.transfer.cases import CASES, apply_case
from nn_core.transfer.rules import LOAD, assign, paths
from nn_core.transfer.surgery import first_blocks

SIDE, CLASSES, EARLY = 16, 10, 2
BLOCKS = ("conv_0", "conv_1", "conv_2", "dense_0", "dense_1", "dense_2")


def _network() -> dict[str, Any]:
    """Shapes of the demonstration network for grey images."""
    return jax.eval_shape(CNN(CLASSES).init, jax.random.key(0), jnp.zeros((1, SIDE, SIDE, 1)))["params"]


def which_layers_stay() -> Figures:
    """S29: the channels that the first layer reads, with the layers near the beginning kept and with them cut off."""
    params = _network()
    early = first_blocks(params, BLOCKS, EARLY)
    late = {name: params[name] for name in BLOCKS if name not in early}
    reads = [next(iter(kept.values()))["kernel"].shape[-2] for kept in (early, late)]
    return {"image": 1, "early": reads[0], "late": reads[1], "cut": EARLY}


def two_ways_to_start() -> Figures:
    """S30: parameters that start from the trained network in case 3 and in case 4, and all."""
    params = _network()
    sizes = dict(zip(paths(params), (leaf.size for leaf in jax.tree.leaves(params)), strict=True))
    taken = [
        sum(
            sizes[name]
            for name, kind in assign(sizes, apply_case(CASES[case], BLOCKS, BLOCKS[-1], EARLY).load, "load").items()
            if kind == LOAD
        )
        for case in (3, 4)
    ]
    return {"tuned": taken[0], "scratch": taken[1], "all": np.sum(list(sizes.values()))}


ERRATA: tuple[Erratum, ...] = (
    Erratum(
        "S29",
        "M",
        "case 2: slice off most of the pre-trained layers near the beginning",
        "slice off all but some layers near the beginning: early layers stay",
        which_layers_stay,
        "without its first {cut:.0f} layers the network reads {late:.0f} channels, and an image has {image:.0f}; the first "
        "layers read {early:.0f}",
        lambda f: f["early"] == f["image"] < f["late"],
    ),
    Erratum(
        "S30",
        "C",
        "case 4: train from scratch, and then: exactly the same as case 3",
        "training from scratch and from the pre-trained weights are two alternatives",
        two_ways_to_start,
        "of {all:,.0f} parameters case 3 starts {tuned:,.0f} from the trained network, case 4 {scratch:.0f}",
        lambda f: f["scratch"] == 0 and f["tuned"] > 0.9 * f["all"],
    ),
)
