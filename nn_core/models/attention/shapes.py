"""The checks that every attention makes of its arrays."""

from jax import Array


def check_shapes(q: Array, k: Array, v: Array, causal: bool) -> None:
    """Raises ValueError where queries (B, T, H, K), keys (B, S, G, K) and values (B, S, G, V) do not fit."""
    if q.ndim != 4 or k.ndim != 4 or v.ndim != 4 or q.shape[0] != k.shape[0] or q.shape[3] != k.shape[3]:
        raise ValueError(
            f"queries {q.shape} and keys {k.shape} must be (B, T, H, K) and (B, S, G, K) with equal B and K"
        )
    if k.shape[:3] != v.shape[:3]:
        raise ValueError(f"keys {k.shape} and values {v.shape} must agree in (B, S, G)")
    if q.shape[2] % k.shape[2]:
        raise ValueError(
            f"{k.shape[2]} key heads do not divide {q.shape[2]} query heads; use a divisor of {q.shape[2]}"
        )
    if causal and q.shape[1] != k.shape[1]:
        raise ValueError(f"causal attention of {q.shape[1]} queries to {k.shape[1]} keys is ambiguous; pass a mask")
