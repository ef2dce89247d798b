"""A small Vision Transformer: an image as a sequence of patches, read by the transformer block (Dosovitskiy et al. 2021).

    patches -> linear embedding (+ class token) + positions -> blocks -> norm -> class token or mean -> head

Sources: F131, F150.
"""

from collections.abc import Callable
from functools import partial

import flax.linen as nn
import jax.numpy as jnp
from jax import Array
from jax.nn.initializers import Initializer

from nn_core.activations import gelu
from nn_core.initializers import GPT2_STDDEV
from nn_core.models.attention.multi_head import head_width
from nn_core.models.attention.positions import position_indices, sinusoidal_positions
from nn_core.models.convolution import Conv
from nn_core.models.layers import Dense, Dropout
from nn_core.models.transformer.block import Block, Stack, make_norm

POSITIONS = ("learned", "sinusoidal", "none")
POOLINGS = ("class", "mean")


class ViT(nn.Module):
    """A transformer encoder over the patches of an image; outputs are logits (F150).

    Attributes:
      num_outputs: output nodes, >= 1; None: no head, the outputs are the hidden states.
      patch_size: side of a patch in pixels; must divide height and width.
      embedding_dim: width D.
      heads_num: attention heads, a divisor of D.
      layers_num: blocks, >= 1.
      position: "learned", "sinusoidal" or "none" (the patches are then a set).
      pooling: "class": the head reads a learned token that is put before the patches; "mean": the mean of the patches.
      activation: of the feed-forward layers.
      dropout_rate: of embeddings, attention weights and the blocks' outputs, may be a tracer; None: no dropout.
      kernel_init: initializer of every kernel.
      use_bias: whether dense layers and norms have biases.
      qkv_bias: the same for queries, keys and values alone; None: use_bias.
      features: width F of the feed-forward layers; None: 4 D.
      norm_epsilon: None: the norm's own.
      distilled: a second learned token beside the class token (DeiT).
      second_head: a head reads that token too, and the outputs are the mean of both heads.
    """

    num_outputs: int | None
    patch_size: int = 2
    embedding_dim: int = 64
    heads_num: int = 4
    layers_num: int = 2
    position: str = "learned"
    pooling: str = "class"
    activation: Callable[[Array], Array] = gelu
    dropout_rate: float | Array | None = None
    kernel_init: Initializer = nn.initializers.lecun_normal()
    use_bias: bool = True
    qkv_bias: bool | None = None
    features: int | None = None
    norm_epsilon: float | None = None
    distilled: bool = False
    second_head: bool = True

    @nn.compact
    def __call__(self, inputs_BHWC: Array, deterministic: bool = True) -> Array:
        """Applies the network.

        Args:
          inputs_BHWC: images.
          deterministic: False in training, where dropout draws from the rng collection "dropout".

        Returns:
          (B, num_outputs) outputs, without a final activation; without a head (B, T, D), special tokens first.

        Raises:
          ValueError: no images, patches that do not fill the image, unknown names, heads that do not divide the width.
        """
        self._check(inputs_BHWC.shape)
        x_BTD = self._add_positions(self._with_class_token(self._embed(inputs_BHWC)))
        x_BTD = Dropout(self.dropout_rate, name="dropout")(x_BTD, deterministic)
        block = partial(
            Block,
            num_heads=self.heads_num,
            activation=self.activation,
            ffn_features=self.features,
            norm_epsilon=self.norm_epsilon,
            use_bias=self.use_bias,
            qkv_bias=self.qkv_bias,
            dropout_rate=self.dropout_rate,
            attention_dropout_rate=self.dropout_rate,
            kernel_init=self.kernel_init,
        )
        norm = make_norm("layer", self.use_bias, self.norm_epsilon, name="norm_out")
        x_BTD = norm(Stack(block, self.layers_num, name="stack")(x_BTD, deterministic))
        if self.num_outputs is None:
            return x_BTD
        pooled_BD = x_BTD[:, 0] if self.pooling == "class" else jnp.mean(x_BTD, axis=1)
        head = partial(Dense, self.num_outputs, use_bias=self.use_bias, kernel_init=self.kernel_init)
        outputs_BC = head(name="head")(pooled_BD)
        if not (self.distilled and self.second_head):
            return outputs_BC
        return (outputs_BC + head(name="distillation_head")(x_BTD[:, 1])) / 2

    def _embed(self, images_BHWC: Array) -> Array:
        """(B, T, D): a linear map of each patch, row by row."""
        sides = (self.patch_size, self.patch_size)
        embed = Conv(
            self.embedding_dim,
            sides,
            sides,
            padding="valid",
            use_bias=self.use_bias,
            kernel_init=self.kernel_init,
            name="patch_embedding",
        )
        return embed(images_BHWC).reshape(images_BHWC.shape[0], -1, self.embedding_dim)

    def _with_class_token(self, x_BTD: Array) -> Array:
        if self.pooling != "class":
            return x_BTD
        rows_B1 = jnp.zeros((x_BTD.shape[0], 1), jnp.int32)
        names = ("class_token", "distillation_token") if self.distilled else ("class_token",)
        tokens = [nn.Embed(1, self.embedding_dim, embedding_init=self._small(), name=name)(rows_B1) for name in names]
        return jnp.concatenate([*tokens, x_BTD], axis=1)

    def _add_positions(self, x_BTD: Array) -> Array:
        if self.position == "none":
            return x_BTD
        length = x_BTD.shape[1]
        positions_1T = position_indices(length)
        if self.position == "sinusoidal":
            return x_BTD + sinusoidal_positions(positions_1T, self.embedding_dim).astype(x_BTD.dtype)
        embed = nn.Embed(length, self.embedding_dim, embedding_init=self._small(), name="position_embedding")
        return x_BTD + embed(positions_1T)

    @staticmethod
    def _small() -> Initializer:
        return nn.initializers.normal(GPT2_STDDEV)

    def _check(self, shape: tuple[int, ...]) -> None:
        head_width(self.embedding_dim, self.heads_num, ("heads_num", "embedding_dim"))
        if len(shape) != 4:
            raise ValueError(f"inputs of shape {shape} are not images; give (batch, height, width, channels)")
        if self.distilled and self.pooling != "class":
            raise ValueError(
                f"distilled=True has a token beside the class token; use pooling='class', not {self.pooling!r}"
            )
        for name, value, choices in (("position", self.position, POSITIONS), ("pooling", self.pooling, POOLINGS)):
            if value not in choices:
                raise ValueError(f"{name}={value!r} is unknown; use one of {', '.join(choices)}")
        height, width = shape[1:3]
        if self.patch_size < 1 or height % self.patch_size or width % self.patch_size:
            fitting = ", ".join(str(n) for n in range(1, min(height, width) + 1) if height % n == width % n == 0)
            raise ValueError(
                f"patch_size={self.patch_size} does not divide an image of {height} x {width}; use one of {fitting}"
            )


def parameter_formula(
    shape: tuple[int, int, int], patch_size: int, width: int, layers: int, num_outputs: int, class_token: bool = True
) -> int:
    """Number of parameters by hand: (p p C + 1) D + D + (T + 1) D + L (12 D^2 + 13 D) + 2 D + (D + 1) outputs.

    T = (H / p) (W / p) patches; without a class token D + D fewer. Biases and learned positions counted (F132, F150).
    """
    height, breadth, channels = shape
    tokens = (height // patch_size) * (breadth // patch_size) + class_token
    embedding = (patch_size**2 * channels + 1) * width + class_token * width + tokens * width
    return embedding + layers * (12 * width**2 + 13 * width) + 2 * width + (width + 1) * num_outputs
