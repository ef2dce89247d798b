"""The pictures that the notes refer to, drawn from the functions of nn_core: no run and no checkpoint is needed."""

from collections.abc import Callable
from typing import NamedTuple

from matplotlib.figure import Figure

from experiments.figures.course import attention, blocks, convolution, functions, learning, text


class Picture(NamedTuple):
    """A picture of the notes.

    Attributes:
        draw: makes it.
        what: what it shows, one line.
    """

    draw: Callable[[], Figure]
    what: str


PICTURES: dict[str, Picture] = {
    "activation_functions": Picture(functions.activation_functions, "activation functions and their derivatives"),
    "softmax": Picture(functions.softmax_figure, "scores and the probabilities that softmax makes of them"),
    "error_surface_of_a_unit": Picture(learning.error_surface, "the error over two weights, with a descent"),
    "model_complexity_graph": Picture(learning.model_complexity, "training and testing error against complexity"),
    "convolutional_network": Picture(convolution.convolutional_network, "the demonstration network, layer by layer"),
    "causal_mask": Picture(attention.mask, "scores before and after the causal mask, and the weights"),
    "attention_weights": Picture(attention.weights, "queries, keys and what each token takes from each other"),
    "transformer_block": Picture(blocks.transformer_block, "the parts of a block and the shapes between them"),
    "temperature_of_softmax": Picture(text.temperature, "the next character at three temperatures"),
    "top_k_and_top_p": Picture(text.top_k_top_p, "what top-k and top-p keep of it"),
    "beam_search_tree": Picture(text.beam, "the hypotheses of a beam search"),
}
