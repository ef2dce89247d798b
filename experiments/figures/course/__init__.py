"""The pictures that the notes refer to, drawn from the functions of nn_core: no run and no checkpoint is needed."""

from collections.abc import Callable
from typing import NamedTuple

from matplotlib.figure import Figure

from experiments.figures.course import attention, blocks, convolution, diagrams, functions, learning, steps, text


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
    "backpropagation": Picture(diagrams.backpropagation, "values forwards, derivatives backwards, with their numbers"),
    "transfer_guide": Picture(diagrams.transfer_guide, "which of the four cases for which data"),
    "transfer_cases": Picture(diagrams.transfer_cases, "what each case keeps, freezes and learns anew, block by block"),
    "mini_batches": Picture(steps.mini_batches, "which examples are in which batch, epoch by epoch"),
    "transformer": Picture(diagrams.transformer, "encoder and decoder, part by part"),
    "queries_keys_values": Picture(steps.queries_keys_values, "attention step by step, every matrix with its numbers"),
    "layer_normalization": Picture(steps.layer_normalization, "tokens before and after layer norm"),
    "feed_forward": Picture(steps.feed_forward, "one token through the feed-forward part"),
    "transformer_families": Picture(diagrams.families, "who sees whom in encoders, decoders and both"),
    "multinomial": Picture(text.multinomial, "draws of the next character beside its probabilities"),
    "beam_search_tree": Picture(text.beam, "the hypotheses of a beam search"),
}

# Every image that the notes show, by its file name there -> the picture that stands for it.
IMAGES: dict[str, str] = {
    "backpropagation": "backpropagation",
    "model": "model_complexity_graph",
    **dict.fromkeys(("activation_functions", "m1", "m2", "m3"), "activation_functions"),
    "1": "transfer_guide",
    "2": "convolutional_network",
    **dict.fromkeys(map(str, range(3, 11)), "transfer_cases"),
    **dict.fromkeys(("transformer",), "transformer"),
    "training": "mini_batches",
    "softmax": "softmax",
    **dict.fromkeys(("queries", "queries_2", "queries_3", "queries_4", "a"), "queries_keys_values"),
    "queries_5": "attention_weights",
    **dict.fromkeys(("mask", "mask_1", "b"), "causal_mask"),
    "transformer_block": "transformer_block",
    "layer_normalization": "layer_normalization",
    "c": "feed_forward",
    "encoder": "transformer_families",
    "multinormal": "multinomial",
    "beam": "beam_search_tree",
    "temp": "temperature_of_softmax",
}
# Those that are not drawn, and why.
NOT_DRAWN: dict[str, str] = {
    "hugging": "the logo and the list of a library's parts: nothing that is computed",
    "ranked": "published models ranked by size: their losses are not ours; configs/scaling.py measures a trend of our own",
}
