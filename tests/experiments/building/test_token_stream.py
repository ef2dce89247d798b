"""A text of 10^9 tokens that stays on the disk: its batches are a function of (seed, step), in constant memory."""

import jax
import numpy as np
import psutil
import pytest

from configs import base
from experiments.building.corpus import stream_corpus, tokenizer_beside
from nn_core.data.token_file import _write_header
from nn_core.tasks.language import Windows, window_starts
from nn_core.text.characters import CharacterTokenizer
from nn_core.training.state import run_keys

TOKENS, STEPS, MARKED = 10**9, 3, 7


def sparse_file(path, marked):
    """A token file of zeros that hardly takes any room on the disk, with some other ids at these places."""
    with path.open("wb") as file:
        _write_header(file, np.dtype(np.uint16), TOKENS)
        start = file.tell()
        file.truncate(start + 2 * TOKENS)
        for place in marked:
            file.seek(start + 2 * place)
            file.write(np.uint16(MARKED).tobytes())
    CharacterTokenizer("abcdefghijk").save(tokenizer_beside(path))


@pytest.mark.slow
def test_the_batches_of_a_billion_tokens_are_a_function_of_seed_and_step_in_constant_memory(tmp_path):
    section = base.text("token_file", context_size=1024, batch_size=64)
    section.path, section.split_ratio = str(tmp_path / "t.npy"), 0.9999
    key = jax.random.key(3)
    windows = Windows(section.batch_size, section.context_size, 1, 1)
    num_train = int(0.9999 * TOKENS)
    steps = [window_starts(run_keys(key).order, np.int32(step), num_train, windows) for step in range(9)]
    starts_SB = np.asarray(steps)
    assert starts_SB.min() < 0.02 * TOKENS and starts_SB.max() > 0.98 * TOKENS  # of the whole file
    sparse_file(tmp_path / "t.npy", starts_SB.ravel())

    before = psutil.Process().memory_info().rss
    corpus = stream_corpus(section, STEPS, None)
    chunks = {first: corpus.feed(key, first)["stream"] for first in (6, 0, 3)}  # in any order
    grown = psutil.Process().memory_info().rss - before
    # Of a file of 2 GB; a system maps more pages than are touched, and takes them back when it needs them.
    assert grown < 500_000_000, f"{grown / 1e6:.0f} MB"
    again = stream_corpus(section, STEPS, None)  # as after a restart
    for first, chunk_KBW in chunks.items():
        np.testing.assert_array_equal(again.feed(key, first)["stream"], chunk_KBW)
        assert np.all(chunk_KBW[..., 0] == MARKED)  # each window begins where the seed and the step say
    assert not np.all(corpus.feed(jax.random.key(4), 0)["stream"][..., 0] == MARKED)


def test_a_token_file_that_is_missing_is_named_before_its_tokenizer(tmp_path):
    section = base.text("token_file", context_size=4, batch_size=2)
    section.path = str(tmp_path / "none.npy")
    with pytest.raises(ValueError, match=r"none\.npy: there is no such file; write it by experiments\.tokens"):
        stream_corpus(section, STEPS, None)
