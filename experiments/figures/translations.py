"""Texts written for texts: exact answers by the length of the source, where the words look, and examples (F137, F173)."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.building.kept_tokenizer import stored_tokenizer
from experiments.figures.style import COLOURS, label, look, nothing, subplots
from experiments.run_directory.results import Results, Row
from experiments.run_directory.settings import by_setting
from nn_core.text.interface import Tokenizer

LENGTH_GROUPS = 5
SHOWN = 5  # examples
WIDEST = 88  # characters of a line


def translations(run: Results) -> Figure:
    """Shares that are exact by length of the source; one sentence's cross-attention; examples, wrong ones first."""
    rows = [row for row in run.rows if "decoded" in row and "wanted" in row]
    tokenizer = tokenizer_of(run.directory)
    if not rows or tokenizer is None:
        return nothing("this run wrote no texts")
    with_map = next((row for row in rows if "cross_attention" in row), None)
    figure, grid = subplots(2, 2, width=5.4, height=4.2, height_ratios=(1.2, 1))
    by_length(grid[0][0], run)
    if with_map is None:
        grid[0][1].axis("off")
    else:
        attention(grid[0][1], with_map, tokenizer)
    below = grid[1][0].get_gridspec()[1, :]
    for axes in grid[1]:
        axes.remove()
    examples(figure.add_subplot(below), with_map or rows[0], tokenizer)
    return figure


def tokenizer_of(directory: Path) -> Tokenizer | None:
    """The tokenizer of a run, or of the first population of a sweep."""
    paths = [directory / "tokenizer.json", *sorted(directory.glob("groups/*/tokenizer.json"))]
    found = next((path for path in paths if path.is_file()), None)
    return None if found is None else stored_tokenizer(found.parent)


def is_exact(row: Row) -> np.ndarray:
    """Which of the sources got exactly the right text by beam search: (N,)."""
    beam_NU = np.asarray(row["decoded"])[:, 2]
    wanted_NU = np.asarray(row["wanted"])
    wanted_NU = np.pad(wanted_NU, ((0, 0), (0, beam_NU.shape[1] - wanted_NU.shape[1])))
    return np.all(beam_NU == wanted_NU, axis=1)


def source_lengths(row: Row) -> np.ndarray:
    """Tokens of each source, its end token not counted: (N,)."""
    return np.count_nonzero(np.asarray(row["decoded"])[:, 0], axis=1) - 1


def by_length(axes: Axes, run: Results) -> None:
    """A line a setting; the mean over its seeds in groups of about equally many sources."""
    for index, (name, rows) in enumerate(by_setting([row for row in run.rows if "wanted" in row]).items()):
        lengths_N = source_lengths(rows[0])
        edges = np.unique(np.quantile(lengths_N, np.linspace(0, 1, LENGTH_GROUPS + 1)).astype(int))
        groups_N = np.clip(np.searchsorted(edges, lengths_N, side="right") - 1, 0, max(len(edges) - 2, 0))
        exact_SN = np.stack([is_exact(row) for row in rows])
        used = np.unique(groups_N)
        centres = [lengths_N[groups_N == group].mean() for group in used]
        axes.plot(centres, [exact_SN[:, groups_N == group].mean() for group in used], label=name, **look(index))
    axes.set_ylim(0, 1.02)
    label(axes, "tokens of the source", "share written exactly (beam)", "")
    axes.legend(fontsize="small", frameon=False)


def attention(axes: Axes, row: Row, tokenizer: Tokenizer) -> None:
    """Where each word that is written looks in the source: the last layer, mean over its heads."""
    source_N, read_N = np.asarray(row["decoded"])[0, 0], np.asarray(row["attended"])
    source, read = source_N[source_N > 0], read_N[read_N > 0]
    written = [*tokenizer.tokens(read[1:]), "[EOS]"]
    axes.imshow(np.asarray(row["cross_attention"])[: len(read), : len(source)], cmap="Blues", vmin=0, aspect="auto")
    axes.set_xticks(range(len(source)), tokenizer.tokens(source), rotation=60, ha="right", fontsize="small")
    axes.set_yticks(range(len(read)), written, fontsize="small")
    axes.tick_params(length=0)
    label(axes, "source", "is written", "")


def examples(axes: Axes, row: Row, tokenizer: Tokenizer) -> None:
    """Sources, what the beam wrote, and where it is not that: what was wanted."""
    axes.axis("off")
    right_N = is_exact(row)
    wrong, good = np.flatnonzero(~right_N), np.flatnonzero(right_N)
    chosen = [*wrong[: SHOWN - min(2, len(good))], *good[:2]][:SHOWN]
    texts, wanted_NU = np.asarray(row["decoded"]), np.asarray(row["wanted"])
    height, lines = 1.0, 3 * len(chosen)
    for index in chosen:
        entries = [("", texts[index, 0]), ("→ ", texts[index, 2])]
        entries += [] if right_N[index] else [("✗ right: ", wanted_NU[index])]
        for mark, ids in entries:
            colour = COLOURS[2] if right_N[index] and mark else COLOURS[1] if mark.startswith("✗") else "black"
            text = mark + tokenizer.decode(ids)
            text = text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"
            axes.text(0, height, text, fontsize="small", color=colour, va="top", transform=axes.transAxes)
            height -= 1 / max(lines, 1)
