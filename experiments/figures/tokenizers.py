"""Tokenizers: the length of a text in tokens, and the bits per character of a small language model (F087)."""

from matplotlib.figure import Figure

from experiments.figures.style import COLOURS, GREY, MARKERS, label, legend, log_scale, nothing, spread, subplots
from experiments.run_directory.results import Results
from experiments.run_directory.settings import by_setting, family, short, summarize

GPT_RATIO = 4 / 3  # "a token is about three quarters of a word" (F087)


def tokenizers(run: Results) -> Figure:
    """Tokens per word and bits per character against the vocabulary's size; hollow markers lose text."""
    groups = {name: rows for name, rows in by_setting(run.rows).items() if "bits_per_character" in rows[0]}
    if not groups:
        return nothing("no run has bits per character: they belong to language models whose text is in memory")
    figure, axes = subplots(1, 2, width=5.4, height=4.2)
    families = list(dict.fromkeys(family(name) or short(name) for name in groups))
    for index, kind in enumerate(families):
        members = [rows for name, rows in groups.items() if (family(name) or short(name)) == kind]
        sizes = [rows[0]["vocabulary_size"] for rows in members]
        lossy = not all(row.get("lossless", True) for rows in members for row in rows)
        style = {
            "color": COLOURS[index % len(COLOURS)],
            "marker": MARKERS[index % len(MARKERS)],
            "markerfacecolor": "white" if lossy else COLOURS[index % len(COLOURS)],
            "label": kind + (" (loses text)" if lossy else ""),
        }
        axes[0][0].plot(sizes, [rows[0]["tokens_per_word"] for rows in members], **style)
        bits = [summarize(row["bits_per_character"] for row in rows) for rows in members]
        ends = spread(bits, "bits_per_character")
        axes[0][1].errorbar(sizes, [one.mean for one in bits], ends, capsize=2, **style)
    axes[0][0].axhline(GPT_RATIO, color=GREY, linestyle=":", label="4 tokens for 3 words")
    label(axes[0][0], "vocabulary (tokens)", "tokens per word", "how long a text becomes")
    label(
        axes[0][1], "vocabulary (tokens)", "bits per character, validation text", "a small GPT after the same updates"
    )
    for axis in axes[0]:
        log_scale(axis, "x")
    log_scale(axes[0][0], "y")
    legend(figure, axes[0][0])
    return figure
