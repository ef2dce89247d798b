"""What the command compiles: one program of each kind per structure group, however many members, steps and samples."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax

from experiments.run import main
from tests.experiments import tiny
from tests.lives import arguments

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


def sweep_file(folder, *lines: str) -> str:
    """A config file with a sweep over the given overrides."""
    path = folder / "swept.py"
    path.write_text(
        "from configs import digits\nfrom configs.grid import axis, product\nget_config = digits.get_config\n"
        f"def get_sweep(config):\n    return product({', '.join(lines)})\n"
    )
    return str(path)


def test_a_sweep_compiles_one_program_of_each_kind_per_group_whatever_its_members_and_steps(tmp_path):
    jax.clear_caches()
    lines = ('axis("model.activation", ("tanh", "relu"))', 'axis("seed", range(6))')
    with counted(COMPILED) as compiled:
        assert (
            main(arguments(tmp_path / "run", config=sweep_file(tmp_path, *lines), hparams__patience=None)) == 0
        )  # 6 chunks, 4 evaluations
    assert {name: compiled[name] for name in PROGRAMS} == dict.fromkeys(PROGRAMS, 2)


def test_a_language_model_traces_each_program_once_whatever_its_steps_and_samples(tmp_path):
    jax.clear_caches()
    with counted(COMPILED) as compiled, counted(TRACED) as traced:
        assert main(tiny.arguments(tmp_path, train__steps=18, model__position="none")) == 0
    names = {*PROGRAMS, "generate_chunk"} - {"prepare"}  # a text is read as it is: nothing to prepare
    assert {name: compiled[name] for name in names} == dict.fromkeys(names, 1)
    assert {name: traced[name] for name in names} == dict.fromkeys(names, 1)  # the check before the run included
