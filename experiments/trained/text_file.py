"""A file of sources, line by line, and the file of what a translator writes for them (F137)."""

from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments.command_line.written_file import written_file
from experiments.trained.language_model import LanguageModel
from experiments.trained.translator import ask
from nn_core.data.packing import Marks
from nn_core.data.text import read_text
from nn_core.files import user_path
from nn_core.generation.beam import beam_search

BATCH = 64  # sources at once; a last smaller batch is filled up, so that no other program is needed


def read_lines(path: Path) -> list[str]:
    """The lines of a file.

    Raises:
        ValueError: it cannot be read, or a line is empty.
    """
    lines = read_text(path).removesuffix("\n").split("\n")
    empty = next((number for number, line in enumerate(lines, 1) if not line.strip()), None)
    if empty is not None:
        raise ValueError(f"line {empty} of {path} is empty, there is nothing to answer; leave it out")
    return lines


def translate_file(model: LanguageModel, marks: Marks, lengths: dict[str, int], options: dict[str, Any]) -> str:
    """Writes the best hypothesis of each line by beam search; sources of similar length are searched together.

    Args:
        model: a translator.
        marks: ids of its special tokens.
        lengths: max_new_tokens or max_length, by name.
        options: of the command: the files input and output, what the search needs.
    Returns:
        One line about what was written.
    Raises:
        ValueError: an empty line, a line with unknown characters or of too many tokens, named by its number.
    """
    input_path = user_path(options["input"])
    lines = read_lines(input_path)
    for number, line in enumerate(lines, 1):
        try:
            ask(model, [line], marks)
        except ValueError as error:
            raise ValueError(f"line {number} of {input_path}: {error}") from None
    penalty = options["length_penalty"]
    order = sorted(range(len(lines)), key=lambda index: len(model.tokenizer.encode(lines[index])))
    written = [""] * len(lines)
    for start in range(0, len(order), BATCH):
        chosen = order[start : start + BATCH]
        filled = chosen + chosen[-1:] * (min(BATCH, len(order)) - len(chosen))
        asked = ask(model, [lines[index] for index in filled], marks)
        found = jax.device_get(
            beam_search(
                model.decoder,
                asked.params,
                [[marks.start]] * len(filled),
                num_beams=options["num_beams"],
                length_penalty=1.0 if penalty is None else penalty,
                early_stopping=bool(options["early_stopping"]),
                num_return_sequences=1,
                eos_id=marks.end,
                **lengths,
            )
        )
        for row, index in enumerate(chosen):
            ids_N = np.asarray(found.ids_PKN)[row, 0, : found.lengths_PK[row, 0]]
            written[index] = " ".join(model.tokenizer.decode(ids_N).split("\n"))
    with written_file("--output", options["output"]) as part:
        part.write_text("".join(f"{line}\n" for line in written), encoding="utf-8", newline="\n")
    return f"{len(lines)} lines of {input_path} -> {options['output']}"
