"""Rows, seeds and keys of a study."""

import jax
import numpy as np

from configs import base as sections
from experiments.studies.base import keys_of, make_rows, seeds_of


def test_rows_take_an_entry_of_each_column_and_repeat_what_is_one_number():
    rows = make_rows("a", range(4, 6), error=np.array([0.5, 0.25]), work=3)
    assert rows == [
        {"label": "a", "seed": 4, "error": 0.5, "work": 3},
        {"label": "a", "seed": 5, "error": 0.25, "work": 3},
    ]
    assert make_rows("b", error=np.float32(1.5)) == [{"label": "b", "error": 1.5}]
    assert all(type(value) in (int, float, str) for row in rows for value in row.values())


def test_every_seed_has_its_own_key_whatever_stands_beside_it():
    config = sections.study("xor", {})
    config.seed, config.num_seeds = 2**32 - 3, 3
    keys = keys_of(config)
    assert list(seeds_of(config)) == [2**32 - 3, 2**32 - 2, 2**32 - 1]
    assert np.array_equal(jax.random.key_data(keys[2]), jax.random.key_data(jax.random.key(np.uint32(2**32 - 1))))
    assert len(np.unique(jax.random.key_data(keys), axis=0)) == 3
