"""Cuts an axis into a few blocks, some of which need not be computed; this pays on a CPU."""

import jax

MOST_BLOCKS = 4  # each one is compiled


def block_bounds(length: int, smallest: int, platform: str | None = None) -> tuple[tuple[int, int], ...]:
    """Start and end of each block of an axis: equal sizes, but the last block may be shorter.

    Args:
      length: of the axis, >= 1.
      smallest: fewest places in a block, unless there is only one block.
      platform: "cpu", "gpu", …; None: the default backend. Only a CPU gets several blocks: elsewhere another block
          costs more than it saves.

    >>> block_bounds(64, 64, "cpu"), block_bounds(131, 64, "cpu"), block_bounds(256, 64, "gpu")
    (((0, 64),), ((0, 66), (66, 131)), ((0, 256),))
    """
    on_cpu = (platform or jax.default_backend()) == "cpu"
    num_blocks = min(max(length // smallest, 1), MOST_BLOCKS) if on_cpu else 1
    size = -(-length // num_blocks)
    return tuple((start, min(start + size, length)) for start in range(0, length, size))
