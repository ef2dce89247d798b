"""Which programs the command traces and compiles."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax

COMPILED, TRACED = "/jax/core/compile/backend_compile_duration", "/jax/core/compile/jaxpr_trace_duration"
PROGRAMS = ("start", "prepare", "advance", "evaluate", "finish")


@contextmanager
def counted(event: str) -> Iterator[Counter]:
    """Counts an event of JAX by the name of the function it is about."""
    counts: Counter = Counter()

    def listen(name: str, seconds: float, **details: Any) -> None:
        if name == event:
            counts[str(details.get("fun_name", "")).removeprefix("jit(").removesuffix(")")] += 1

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield counts
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
