"""What may not be asked for is one line with the value, the constraint and the fix."""

import jax.numpy as jnp
import pytest

from nn_core.generation.filters import Sampling
from nn_core.generation.options import check_options, check_strengths, new_token_limits


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"temperature": 0.8, "top_k": 50, "top_p": 0.9, "min_p": 0.05, "repetition_penalty": 1.1, "seed": 1},
        {"temperature": 0.0, "max_length": 20, "repetition_penalty": 1.1},
        {"num_beams": 4, "num_return_sequences": 4, "length_penalty": 0.6, "early_stopping": True, "max_new_tokens": 9},
        {"num_return_sequences": 3, "top_p": 1.0, "min_p": 0.0, "top_k": 10**6},
    ],
)
def test_good_options_pass(options: dict) -> None:
    check_options(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": -0.1}, "temperature=-0.1 must be 0 or more; 0 is greedy, 1 the model's own"),
        ({"temperature": float("nan")}, "temperature=nan must be 0 or more"),
        ({"temperature": float("inf")}, "temperature=inf must be 0 or more"),
        ({"top_k": 0}, "top_k=0 must be a whole number >= 1; leave it out to keep every token"),
        ({"top_k": 1.5}, "top_k=1.5 must be a whole number >= 1"),
        ({"top_p": 0.0}, "top_p=0.0 is outside (0, 1]; 1 keeps every token"),
        ({"top_p": 1.0001}, "top_p=1.0001 is outside (0, 1]"),
        ({"top_p": float("nan")}, "top_p=nan is outside (0, 1]"),
        ({"min_p": -0.1}, "min_p=-0.1 is outside [0, 1]"),
        ({"repetition_penalty": 0.0}, "repetition_penalty=0.0 must be > 0"),
        ({"num_beams": 0}, "num_beams=0 must be at least 1"),
        ({"num_return_sequences": 0}, "num_return_sequences=0 must be at least 1"),
        ({"max_new_tokens": 0}, "max_new_tokens=0 must be at least 1"),
        ({"max_new_tokens": 5, "max_length": 9}, "max_new_tokens=5 conflicts with max_length=9"),
        (
            {"num_beams": 3, "temperature": 0.5},
            "temperature=0.5 has no effect with beam search; leave it out, or set num_beams=1",
        ),
        ({"num_beams": 3, "top_k": 5}, "top_k=5 has no effect with beam search"),
        ({"num_beams": 3, "seed": 5}, "seed=5 has no effect with beam search"),
        ({"num_beams": 3, "repetition_penalty": 1.5}, "repetition_penalty=1.5 has no effect with beam search"),
        (
            {"num_beams": 3, "num_return_sequences": 4},
            "num_return_sequences=4 is more than num_beams=3; raise num_beams to 4",
        ),
        ({"length_penalty": 0.5}, "length_penalty=0.5 has no effect with one beam; leave it out, or set num_beams > 1"),
        ({"early_stopping": False}, "early_stopping=False has no effect with one beam"),
        ({"temperature": 0, "top_p": 0.5}, "top_p=0.5 has no effect with temperature=0 (greedy); leave it out"),
        ({"temperature": 0, "seed": 0}, "seed=0 has no effect with temperature=0 (greedy)"),
        ({"temperature": 0, "num_return_sequences": 2}, "num_return_sequences=2 would repeat one text"),
    ],
)
def test_bad_options_are_one_line(options: dict, message: str) -> None:
    with pytest.raises(ValueError) as error:
        check_options(**options)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_strengths_of_rows_are_checked_row_by_row() -> None:
    check_strengths(Sampling(top_p=jnp.array([0.5, 1.0]), temperature=jnp.array([0.0, 2.0])))
    with pytest.raises(ValueError, match=r"top_p=\[0.5, 1.5\] is outside"):
        check_strengths(Sampling(top_p=jnp.array([0.5, 1.5])))


def test_max_length_counts_the_prompt_and_max_new_tokens_does_not() -> None:
    assert new_token_limits([3, 5], max_new_tokens=7).tolist() == [7, 7]
    assert new_token_limits([3, 5], max_length=7).tolist() == [4, 2]
    with pytest.raises(
        ValueError, match="max_length=5 counts the prompt and leaves no room after a prompt of 5 tokens"
    ):
        new_token_limits([3, 5], max_length=5)
    with pytest.raises(ValueError, match="give one of them"):
        new_token_limits([3, 5])
