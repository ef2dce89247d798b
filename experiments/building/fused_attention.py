"""Where cuDNN's attention cannot run, which is told before anything is traced."""

from ml_collections import ConfigDict

FUSED = "cudnn"
HALVES = ("bfloat16", "float16")


def check_fused_attention(config: ConfigDict, num_members: int, platform: str) -> None:
    """Raises ValueError for a config with cuDNN's attention that would end inside JAX or cuDNN.

    The kernel needs an NVIDIA GPU and half precision, and the gradient of many members at once crashes in it (JAX before
    its fix of July 2026).

    Args:
        config: of one member.
        num_members: that train together.
        platform: of the devices, such as "cpu" or "gpu".
    """
    if "attention" not in config.model or config.model.attention != FUSED:
        return
    if platform != "gpu":
        raise ValueError(
            f"config.model.attention={FUSED!r} is a kernel of NVIDIA's GPUs and this is a {platform}; use 'blockwise'"
        )
    if num_members > 1:
        raise ValueError(
            f"config.model.attention={FUSED!r} trains one run and these are {num_members}; "
            "use 'blockwise', or start them one by one"
        )
    if config.model.dtype not in HALVES:
        raise ValueError(
            f"config.model.attention={FUSED!r} computes in half precision; add --config.model.dtype=bfloat16"
        )
