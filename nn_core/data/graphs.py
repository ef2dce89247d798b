"""A graph as a text: the "words" of random walks are its nodes, so word vectors become node vectors (F096).

This is DeepWalk (Perozzi et al. 2014): skip-gram on `karate_walks` puts members who know each other close together.
"""

import numpy as np

from nn_core.data.checks import check_int

# Zachary's karate club (1977): who knows whom, by number; the club split in two.
_KNOWN: dict[int, tuple[int, ...]] = {
    1: (2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 18, 20, 22, 32),
    2: (3, 4, 8, 14, 18, 20, 22, 31),
    3: (4, 8, 9, 10, 14, 28, 29, 33),
    4: (8, 13, 14),
    5: (7, 11),
    6: (7, 11, 17),
    7: (17,),
    9: (31, 33, 34),
    10: (34,),
    14: (34,),
    15: (33, 34),
    16: (33, 34),
    19: (33, 34),
    20: (34,),
    21: (33, 34),
    23: (33, 34),
    24: (26, 28, 30, 33, 34),
    25: (26, 28, 32),
    26: (32,),
    27: (30, 34),
    28: (34,),
    29: (32, 34),
    30: (33, 34),
    31: (33, 34),
    32: (33, 34),
    33: (34,),
}
_TEACHER = (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 17, 18, 20, 22)
NODES = tuple(f"member{number}" for number in range(1, 35))
EDGES = tuple((f"member{a}", f"member{b}") for a, others in _KNOWN.items() for b in others)
KARATE_CLUBS: dict[str, tuple[str, ...]] = {
    "teacher's club": tuple(f"member{number}" for number in _TEACHER),
    "president's club": tuple(name for name in NODES if int(name[6:]) not in _TEACHER),
}


def karate_walks(*, walks: int = 40, length: int = 20, seed: int = 0) -> str:
    """Random walks over the club, one per line.

    Args:
        walks: number of walks from each member, >= 1.
        length: members of a walk, >= 2.
        seed: of everything.
    """
    check_int("walks", walks, 1)
    check_int("length", length, 2)
    rng = np.random.default_rng(check_int("seed", seed, 0))
    neighbours: dict[str, list[str]] = {name: [] for name in NODES}
    for a, b in EDGES:
        neighbours[a].append(b)
        neighbours[b].append(a)
    lines = []
    for start in [name for _ in range(walks) for name in NODES]:
        walk = [start]
        while len(walk) < length:
            choices = neighbours[walk[-1]]
            walk.append(choices[int(rng.integers(len(choices)))])
        lines.append(" ".join(walk))
    return "\n".join(lines) + "\n"
