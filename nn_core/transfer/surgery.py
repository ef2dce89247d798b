"""Surgery on parameter trees: keep the first blocks, drop the end, add a new head; load what fits into a new network.

Everything is a pure function of nested dicts: nothing is changed in place, and nothing is loaded partially.

Source: F073-F076, S29 (slice off, add a new fully connected layer).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn.initializers import Initializer, lecun_normal

from nn_core.training.manifest import describe, mismatch, named_leaves
from nn_core.transfer.rules import LOAD, NEW, Rule, assign


def first_blocks(params: Mapping[str, Any], blocks: Sequence[str], count: int) -> dict[str, Any]:
    """Exactly the first blocks of a network (F074; the early ones, as the notes intend: S29).

    Args:
        params: {block: its parameters}.
        blocks: names of the network's blocks from input to output.
        count: how many to keep, in 0..len(blocks).
    Returns:
        The parameters of the blocks that are kept.
    Raises:
        ValueError: another count, or a block that the network lacks.
    """
    if not 0 <= count <= len(blocks):
        raise ValueError(
            f"{count} blocks cannot be kept of {len(blocks)} ({', '.join(blocks)}); keep 0 to {len(blocks)}"
        )
    missing = [name for name in blocks if name not in params]
    if missing:
        raise ValueError(f"the network has no block {missing[0]!r}; there are {', '.join(params)}")
    return {name: params[name] for name in blocks[:count]}


def drop_end(params: Mapping[str, Any], blocks: Sequence[str], count: int = 1) -> dict[str, Any]:
    """The network without its last blocks (F073); arguments and errors as `first_blocks`."""
    return first_blocks(params, blocks, len(blocks) - count)


def make_head(key: Array, width: int, num_classes: int, initializer: Initializer | None = None) -> dict[str, Array]:
    """A new fully connected layer with random weights (F073).

    Args:
        key: draws its weights.
        width: number of features that it reads, >= 1.
        num_classes: C >= 1 of the new data.
        initializer: of the (width, C) kernel; default: as a dense layer's.
    Returns:
        {"kernel": (width, C), "bias": (C,) of zeros}.
    """
    draw = lecun_normal() if initializer is None else initializer
    return {"kernel": draw(key, (width, num_classes)), "bias": jnp.zeros(num_classes)}


def with_head(params: Mapping[str, Any], name: str, head: Mapping[str, Array]) -> dict[str, Any]:
    """The network with a new last block.

    Raises:
        ValueError: a block of that name exists and would be lost.
    """
    if name in params:
        raise ValueError(f"the network has a block {name!r} already; drop the end first, or choose another name")
    return dict(params) | {name: dict(head)}


def transplant(fresh: Any, source: Any, load: Sequence[Rule], key: str = "transfer.load") -> Any:
    """A network with another one's parameters where the rules say "load"; where they say "new", they stay as drawn.

    Args:
        fresh: parameters of the new network.
        source: nested dicts of parameters; those that the new network lacks are left out.
        load: rules over the paths of the new network, see `nn_core.transfer.rules`.
        key: what the rules are called, for messages.
    Returns:
        Parameters with the structure of `fresh`.
    Raises:
        ValueError: rules that do not cover the network, or a parameter to be loaded that is missing or has
            another shape or dtype: a −/+ diff of names and shapes.
    """
    wanted, found = named_leaves(fresh), named_leaves(source)
    kinds = assign(wanted, load, key)
    new = {name for name, kind in kinds.items() if kind == NEW}
    needed = describe({name: leaf for name, leaf in wanted.items() if kinds[name] == LOAD})
    offered = describe({name: leaf for name, leaf in found.items() if name not in new})
    if any(offered.get(name) != entry for name, entry in needed.items()):
        raise ValueError(
            f"the checkpoint does not fit the model (- checkpoint, + model): {mismatch(offered, needed)}; "
            f"name what is not to be loaded in {key}: (PATTERN, 'new')"
        )
    leaves = [found[name] if kinds[name] == LOAD else leaf for name, leaf in wanted.items()]
    return jax.tree.unflatten(jax.tree.structure(fresh), leaves)
