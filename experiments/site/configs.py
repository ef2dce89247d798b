"""Experiments on the pages: what a config's docstring says, and what its runs show."""

import ast
import html

from experiments.command_line.arguments import CONFIGS
from experiments.report.runs import Ran
from experiments.run_directory.table import make_table, remarks
from experiments.site import elements
from experiments.site.content import Content, places, runs_of
from experiments.site.pictures import moving_name, picture_name


def config(name: str, content: Content) -> str:
    """An experiment: its docstring, then its runs."""
    first, _, rest = docstring(name).partition("\n")
    where = places(content.tables)
    parts = [
        f'<article id="config-{name}">\n<h3><code>{name}</code></h3>',
        f"<p><strong>{elements.text(first, where)}</strong></p>",
        elements.prose(rest, where),
    ]
    runs = runs_of(name, content)
    parts += [run(key, ran, content) for key, ran in runs.items()]
    if not runs:
        parts.append('<p class="soft">Not run here: this page shows it after the command above has finished.</p>')
    return "\n".join([*parts, "</article>"])


def docstring(name: str) -> str:
    """The explanation of a config."""
    return ast.get_docstring(ast.parse((CONFIGS / f"{name}.py").read_text(encoding="utf-8"))) or ""


def run(key: str, ran: Ran, content: Content) -> str:
    """A run: its setting and what it changes, its pictures, its table."""
    parts = [f'<h4 id="run-{key}">This run</h4>']
    if ran.experiment.setting:
        parts.append(f"<p>{elements.text(ran.experiment.setting)}{elements.text(untuned(ran))}</p>")
    if len(ran.words) > 1:  # else it is the command of the docstring
        parts.append(elements.command(" ".join(["python -m experiments.run", *map(quoted, ran.words)])))
    if ran.problem:
        parts.append(f'<p class="failed"><strong>The run failed.</strong> {html.escape(ran.problem)}</p>')
    if ran.run is None:
        return "\n".join([*parts, "" if ran.problem else '<p class="soft">Not run yet.</p>'])
    diverged = sum(row.get("status") == "diverged" for row in ran.run.rows)
    if diverged:
        told = f"{diverged} of {len(ran.run.rows)} runs diverged; they are counted, and left out of the means."
        parts.append(f'<p class="failed">{told}</p>')
    names = [made(key, figure) for figure in ran.experiment.figures for made in (moving_name, picture_name)]
    parts += [elements.figure(content.pictures[name]) for name in names if name in content.pictures]
    return "\n".join([*parts, settings(key, ran)])


def untuned(ran: Ran) -> str:
    """Says so where the quick report leaves only one learning rate of several."""
    rates = "task.learning_rates"
    alone = len(ran.experiment.quick.get(rates, ())) == 1 and any(
        word.startswith(f"--config.{rates}=") for word in ran.words
    )
    return " This quick run has one learning rate for all: none is chosen." if alone else ""


def settings(key: str, ran: Ran) -> str:
    """The table of all settings, closed at first, and the numbers as a file."""
    assert ran.run is not None
    header, *body = make_table(ran.run.rows, ran.run.config["table"])
    cells = [[elements.number(cell) for cell in line] for line in body]
    address = f"csv/run-{key}.csv"
    told = "".join(
        f'<p class="soft">{html.escape(line)}</p>\n' for line in remarks(ran.run.rows, ran.run.config["table"])
    )
    return (
        f"{told}<details><summary>All {len(body)} settings</summary>\n"
        f"{elements.table(f'Settings of {key}', header, cells)}"
        f'</details>\n<p class="soft">Every run: {elements.link(address, address)}</p>'
    )


def quoted(word: str) -> str:
    """A word quoted for a shell."""
    return f"'{word}'" if any(sign in word for sign in " ()*") else word
