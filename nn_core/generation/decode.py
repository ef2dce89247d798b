"""One compiled loop that turns prompts into text, one token a step, whatever the model."""

from nn_core.generation.decoder import Decoder

__all__ = ["Decoder"]
