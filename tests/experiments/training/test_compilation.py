"""What the command compiles: one program of each kind per structure group, however many members and steps.

That of a language model: test_sample.py, where such a run is at hand.
"""

import jax

from experiments.run import main
from tests.experiments.programs import COMPILED, PROGRAMS, counted
from tests.lives import arguments


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
    changes = {"hparams__patience": None, "data__shuffle": False, "optimizer__name": "sgd"}
    changes |= {"train__steps": 30, "train__eval_every": 10, "train__log_every": 30, "checkpoint__every_seconds": 30}
    words = arguments(tmp_path / "run", config=sweep_file(tmp_path, *lines), **changes)
    with counted(COMPILED) as compiled:
        assert main(words) == 0  # 3 chunks, 4 evaluations
    assert {name: compiled[name] for name in PROGRAMS} == dict.fromkeys(PROGRAMS, 2)
