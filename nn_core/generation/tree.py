"""The tree of hypotheses kept by a beam search, as a list for a figure."""

from typing import NamedTuple

import jax

from nn_core.generation.beam import BeamSearch


class Node(NamedTuple):
    """One token of the tree.

    Attributes:
        parent: index of the node before it in the list; -1 for the prompt.
        step: number of new tokens of the text up to it, from 1 on.
        rank: its place among the texts that were kept at its step; 0 is the most probable.
        token: its id.
        log_prob: log p of the text up to it.
        returned: place among the returned texts of the best one through this node; None if there is none.
    """

    parent: int
    step: int
    rank: int
    token: int
    log_prob: float
    returned: int | None


def tree_nodes(search: BeamSearch, prompt: int = 0) -> list[Node]:
    """Nodes of one prompt's search, parents before children, step by step and by rank within a step.

    Args:
        search: the result of ``beam_search``.
        prompt: which prompt, 0 .. P - 1.

    Returns:
        The texts that continued or were finished at some step, each represented by its last token.
    """
    tree, lengths_PK, columns_PK, log_probs_PK = jax.device_get(
        (search.tree, search.lengths_PK, search.columns_PK, search.log_probs_PK)
    )
    parents_NM, ids_NM = tree.parents_NPM[:, prompt], tree.ids_NPM[:, prompt]
    log_probs_NM, kept_NM = tree.log_probs_NPM[:, prompt], tree.kept_NPM[:, prompt]
    nodes: list[Node] = []
    place: dict[tuple[int, int], int] = {}  # (step, column) -> index of the node
    for step, columns in enumerate(kept_NM):
        for rank, column in enumerate(columns.nonzero()[0].tolist()):
            parent = place[step - 1, int(parents_NM[step, column])] if step else -1
            place[step, column] = len(nodes)
            token, log_prob = int(ids_NM[step, column]), float(log_probs_NM[step, column])
            nodes.append(Node(parent, step + 1, rank, token, log_prob, None))
    for text in reversed(range(len(lengths_PK[prompt]))):
        if log_probs_PK[prompt, text] == float("-inf"):
            continue
        index = place[int(lengths_PK[prompt, text]) - 1, int(columns_PK[prompt, text])]
        while index >= 0:
            nodes[index] = nodes[index]._replace(returned=text)
            index = nodes[index].parent
    return nodes
