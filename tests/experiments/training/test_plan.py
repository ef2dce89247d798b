import functools

import jax
import pytest

from configs import base
from configs.grid import axis, product, union, zipped
from experiments.building import experiment
from experiments.command_line.config_paths import apply
from experiments.training import plan
from experiments.training.loop import Cadence
from nn_core.training import program


def small_config():
    config = base.experiment()
    config.hparams.learning_rate = 0.01
    config.model = base.mlp(hidden_sizes=(3,))
    config.data = base.examples("iris", train=60, validation=40, test=50)
    config.data.batch_size = 20
    config.data.shuffle, config.data.standardize = False, "none"
    config.train.steps, config.train.eval_every, config.train.log_every = 3, 2, 2
    config.train.evaluate_train = False
    config.optimizer.name = "sgd"
    return config


def expand(*sweeps):
    return plan.expand(small_config(), lambda config: union(*sweeps))


@functools.cache
def seven_seeds():
    (group,) = plan.group(expand(axis("seed", range(7))))
    return group


@functools.cache
def four_structures():
    members = expand(
        product(axis("hparams.l2", (0.1, 0.2)), axis("seed", (0, 1))),  # one program
        product(axis("model.activation", ("tanh", "relu")), axis("seed", (0, 1))),  # the second is another
        axis("hparams.dropout_rate", (0.1, 0.2)),  # presence is structure
    )
    return plan.group(members)


def test_groups_are_structures_values_are_not():
    assert [[m.number for m in g.members] for g in four_structures()] == [[0, 1, 2, 3], [4, 5], [6, 7], [8, 9]]


def rates_and_seeds(config):
    return product(axis("hparams.l2", (0.1, config.hparams.momentum)), axis("seed", range(config.num_seeds)))


@pytest.mark.parametrize("seeds", [0, 10**12])
def test_a_number_of_seeds_is_judged_before_they_are_made(seeds):
    with pytest.raises(ValueError, match=rf"config.num_seeds={seeds} is outside \[1, 100000\]"):
        plan.expand(apply(small_config(), {"num_seeds": seeds}), rates_and_seeds)


@pytest.mark.parametrize(
    ("get_sweep", "given", "message"),
    [
        (
            rates_and_seeds,
            {"seed": "5"},
            "seed for every member; .* from: --config.hparams.momentum, --config.num_seeds$",
        ),
        (lambda config: axis("seed", (1, 2)), {"seed": "5"}, "add --sweep=false for one run with it, or leave it out$"),
        (
            lambda config: axis("seed", (1, 2)),
            {"num_seeds": "3"},
            "num_seeds=3 has no effect, since the sweep does not",
        ),
        (None, {"num_seeds": "3"}, "num_seeds=3 has no effect, since this is one run; "),
    ],
)
def test_a_key_that_the_sweep_leaves_without_effect_is_refused(get_sweep, given, message):
    config = small_config()
    config.num_seeds, config.hparams.momentum = 3, 0.5
    with pytest.raises(ValueError, match=message):
        plan.expand(config, get_sweep, given)


@pytest.mark.parametrize(
    ("get_sweep", "given"),
    [
        (rates_and_seeds, {"num_seeds": "3", "hparams.momentum": "0.5", "train.steps": "3"}),
        (lambda config: axis("seed", range(config.seed, config.seed + 2)), {"seed": "5"}),  # what it begins with
        (lambda config: axis("seed", (config.get("seed", 0), 1)), {"seed": "5"}),
        (lambda config: union([{}], axis("seed", (1, 2))), {"seed": "5"}),  # the first member has it
        (None, {"seed": "5"}),
    ],
)
def test_a_key_with_an_effect_is_none_of_them(get_sweep, given):
    config = small_config()
    config.seed, config.num_seeds, config.hparams.momentum = 5, 3, 0.5
    assert plan.expand(config, get_sweep, given)


def test_a_population_that_does_not_fit_is_refused_before_its_steps_are_traced(monkeypatch):
    """What it needs is what all of its rows need, padding included."""
    needed = []

    def refuse(demand, available):
        needed.append(demand)
        raise ValueError(f"{available} are free")

    monkeypatch.setattr(experiment, "check_fits", refuse)
    monkeypatch.setattr(experiment, "available_bytes", lambda devices: len(devices))
    monkeypatch.setattr(program, "advance", lambda *_: pytest.fail("traced"))
    num_devices = len(jax.local_devices())
    for members, devices in ((1, 1), (7, num_devices)):
        with pytest.raises(ValueError, match=f"sweep member 0 .*: {devices} are free"):
            plan.group(expand(axis("seed", range(members))))
    (one, seven), (_, rows) = needed, plan.sizes(7, 100, num_devices)
    assert one.batch == 20 * (4 + 1) * 4 and one.gradients == 2 * 4 * (5 * 3 + 4 * 3)
    for name in ("state", "gradients", "batch"):
        assert getattr(seven, name) == rows * getattr(one, name)


def test_a_sweep_checks_all_its_members_before_the_first_runs():
    with pytest.raises(ValueError, match=r"sweep member 1 .*tahn.*did you mean tanh"):
        plan.group(expand(axis("model.activation", ("relu", "tahn"))))
    with pytest.raises(ValueError, match=r"sweep member 1 .*outside \[0, inf\)"):
        plan.group(expand(axis("hparams.l2", (0.1, -0.1))))
    with pytest.raises(ValueError, match=r"sweep member 0 .*unknown config key config.hparams.l3"):
        expand(axis("hparams.l3", (0.1,)))
    with pytest.raises(ValueError, match="no members"):
        plan.expand(small_config(), lambda config: [])


def test_parts_have_one_size_and_fill_the_devices():
    group = seven_seeds()
    cut = plan.parts(group, max_members=3, num_devices=2)
    assert [len(members) for members, _ in cut] == [3, 3, 1]
    assert all(len(population.keys) == 4 for _, population in cut)
    seeds = [m.config.seed for members, _ in cut for m in members]
    assert seeds == list(range(7))
    padding = cut[2][1].keys[1:]
    assert jax.random.key_data(padding).tolist() == 3 * [jax.random.key_data(jax.random.key(6)).tolist()]


@pytest.mark.parametrize("max_members", [1, 3, 7])
def test_who_stands_together_does_not_depend_on_the_devices(max_members):
    group = seven_seeds()
    alone = plan.parts(group, max_members, num_devices=1)
    for num_devices in (2, 8):
        cut = plan.parts(group, max_members, num_devices)
        assert [members for members, _ in cut] == [members for members, _ in alone]
        assert {len(population.keys) % num_devices for _, population in cut} == {0}


def test_description_counts_runs_programs_and_devices():
    groups, devices = four_structures(), len(jax.local_devices())
    (solo,) = plan.group(plan.expand(small_config(), None))
    assert plan.describe(groups[1:]) == f"sweep: 6 runs in 3 programs (2 members each), {devices} devices (cpu)"
    assert plan.describe([solo, solo]) == f"sweep: 2 runs in 2 programs (1 member each), {devices} devices (cpu)"
    assert plan.describe(groups) == f"sweep: 10 runs in 4 programs (2 to 4 members each), {devices} devices (cpu)"
    assert plan.describe([solo]) == "run: 1 device (cpu)"


def test_grid_refuses_one_path_twice_and_ragged_columns():
    with pytest.raises(ValueError, match="two of the axes"):
        product(axis("seed", (0,)), axis("seed", (1,)))
    with pytest.raises(ValueError):
        zipped({"seed": (0, 1), "label": ("a",)})


def test_label_and_seed_are_no_structure():
    config = small_config()
    assert plan.structure(config) == plan.structure(
        apply(config, {"label": "x", "seed": 3, "hparams.learning_rate": 1})
    )
    assert plan.structure(config) != plan.structure(apply(config, {"hparams.l1": 0.1}))


def test_the_next_event_is_the_nearest_cadence():
    cadence = Cadence(steps=25, eval_every=10, log_every=3, sample_every=4)
    events, step = [], 0
    while step < 25:
        step = cadence.next_event(step)
        events.append(step)
    assert events == [4, 8, 10, 12, 16, 20, 24, 25]


def test_a_sweep_has_one_file_of_ones_own():
    config = small_config()
    config.data.path, config.data.digest = "a.csv", "0" * 64
    with pytest.raises(ValueError, match="config.data.path is one for all members"):
        plan.expand(config, lambda config: [{"data.path": "a.csv"}, {"data.path": "b.csv"}])
