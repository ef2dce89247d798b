"""The tree of hypotheses that a beam search kept, as a list that a figure can draw."""

from typing import NamedTuple

import jax

from nn_core.generation.beam import BeamSearch


class Node(NamedTuple):
    """One token of the tree.

    Attributes:
        parent: index of the node before it in the list; -1 for the prompt.
        step: how many new tokens the text has with it, from 1 on.
        rank: its place in the beam when it was added; 0 is the best.
        token: its id.
        log_prob: log p of the text up to it.
        returned: the place among the returned texts of the best one that goes through it; None where none does.
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
        The hypotheses that were in the beam at some step, each named by its last token.
    """
    tree, lengths_PK, log_probs_PK = jax.device_get((search.tree, search.lengths_PK, search.log_probs_PK))
    parents_NK, ids_NK = tree.parents_NPK[:, prompt], tree.ids_NPK[:, prompt]
    log_probs_NK, grew_NK = tree.log_probs_NPK[:, prompt], tree.grew_NPK[:, prompt]
    beams = parents_NK.shape[1]
    nodes: list[Node] = []
    ends = [-1] * beams
    for step in range(int(lengths_PK[prompt].max())):
        before, ends = ends, [-1] * beams
        for place in range(beams):
            parent = before[parents_NK[step, place]]
            ends[place] = parent
            if grew_NK[step, place] and log_probs_NK[step, place] > float("-inf"):
                token, log_prob = int(ids_NK[step, place]), float(log_probs_NK[step, place])
                ends[place] = len(nodes)
                nodes.append(Node(parent, step + 1, place, token, log_prob, None))
    for place in reversed(range(beams)):
        index = ends[place] if log_probs_PK[prompt, place] > float("-inf") else -1
        while index >= 0:
            nodes[index] = nodes[index]._replace(returned=place)
            index = nodes[index].parent
    return nodes
