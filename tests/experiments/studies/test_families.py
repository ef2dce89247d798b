"""F172: the three families are of one size, and each sees what it should."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs import families as config
from experiments.studies.families import FAMILIES, Family, judge
from nn_core.data.packing import NO_TARGET
from nn_core.data.text_forms import TASKS, Forms, text_forms


def number_of_parameters(family: Family, forms: Forms) -> int:
    model = family.make_model(config.get_config().task, forms)
    first = family.inputs({name: jnp.asarray(array[:1]) for name, array in family.read(forms).items()})
    return sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(model.init, jax.random.key(0), first)))


@pytest.mark.parametrize("task", TASKS)
def test_families_are_of_one_size(task):
    forms = text_forms(task, num_examples=31)
    sizes = [number_of_parameters(family, forms) for family in FAMILIES.values()]
    assert max(sizes) < 1.03 * min(sizes)


def test_what_is_judged_are_answers_only():
    answers_BT = np.array([[NO_TARGET, 1, 2], [NO_TARGET, 0, NO_TARGET]])
    logits_BTV = np.zeros((2, 3, 5), np.float32)
    logits_BTV[0, 0] = np.nan  # nothing is asked there
    logits_BTV[0, 1, 1], logits_BTV[0, 2, 3], logits_BTV[1, 1, 0] = 9.0, 9.0, 9.0
    found = judge(jnp.asarray(logits_BTV), jnp.asarray(answers_BT))
    right, wrong = np.log(1 + 4 * np.exp(-9)), 9 + np.log(1 + 4 * np.exp(-9))
    np.testing.assert_allclose(found["loss"], (2 * right + wrong) / 3, rtol=1e-6)
    np.testing.assert_allclose([found["words_right"], found["exact"]], [2 / 3, 1 / 2])
