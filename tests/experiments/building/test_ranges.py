"""Values of a config that no program can hold are refused before anything is built."""

import re

import pytest

from configs import digits
from experiments.building.ranges import check_ranges


@pytest.mark.parametrize(("value", "becomes"), [(1e39, "infinite"), (-1e39, "infinite"), (1e-46, "0"), (-1e-46, "0")])
def test_a_number_that_float32_does_not_hold_is_refused(value, becomes):
    config = digits.get_config()
    config.hparams.learning_rate = value
    with pytest.raises(ValueError, match=re.escape(f"learning_rate={value} becomes {becomes} as a float32")):
        check_ranges(config, {})


@pytest.mark.parametrize("value", [0.0, 3e38, 2e-45, -1.0])
def test_a_number_that_float32_holds_is_taken(value):
    config = digits.get_config()
    config.hparams.learning_rate = value
    check_ranges(config, {})
