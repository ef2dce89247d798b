"""python -m experiments.report [--quick] [--only=CHAPTER,CLAIM,EXPERIMENT,…] [--workdir=DIR]

Runs the course's comparisons (finished runs are read, interrupted ones go on), judges every claim of the notes and writes
the course as a local site: DIR/index.html, a page for each chapter, figures/ and csv/ beside them. --quick takes fewer
seeds and steps, and leaves out the comparisons that take minutes all the same. --only runs a part; the rest of the site is written from the runs that are there. DIR is
checkpoints/report by default. Exit code 0 when the site is written, also with failed runs in it; 2 after a mistake by the
caller.
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.command_line.arguments import CHECKPOINTS
from experiments.command_line.choices import nearest
from experiments.command_line.devices import set_up_devices
from experiments.command_line.errors import tell
from experiments.command_line.options import Option, parse_options, usage
from experiments.command_line.output import run_command
from experiments.report.claims import TABLES
from experiments.report.records import Tables
from nn_core.files import user_path

OPTIONS = {
    "quick": Option(bool, "fewer seeds and shorter training, marked as such", False),
    "only": Option(str, "chapters, sections, claims and experiments to run, with commas between them"),
    "workdir": Option(str, "where the site and the runs go; checkpoints/report by default"),
}
EXAMPLES = (
    "python -m experiments.report --quick",
    "python -m experiments.report --only=T2,momentum --workdir=/tmp/report",
)


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code."""
    argv = sys.argv[1:] if argv is None else list(argv)
    try:
        options = parse_options(argv, OPTIONS, lone="only")
        if options["help"]:
            about = (__doc__ or "").partition("\n\n")[2]
            print(usage("python -m experiments.report [--OPTION=VALUE …]", about, OPTIONS, EXAMPLES))
            return 0
        chosen = choose(TABLES, options["only"], options["quick"])
        workdir = make_workdir(options["workdir"])
    except ValueError as error:
        return tell(error, 2)
    started = time.perf_counter()
    set_up_devices()
    code = produce(TABLES, chosen, options["quick"], workdir, " ".join(["python -m experiments.report", *argv]))
    if code == 0:
        print(f"({time.perf_counter() - started:.0f} s)")
    return code


def choose(tables: Tables, only: str | None, quick: bool = False) -> list[str]:
    """Names of the chosen experiments, in the order of the table.

    Args:
        tables: all tables.
        only: chapters, sections, claims and experiments, with commas between them; None for everything.
        quick: whether everything is what does not take long.

    Raises:
        ValueError: a word that is none of these.
    """
    if only is None:
        return [name for name, one in tables.experiments.items() if not (quick and one.long)]
    words = [word.strip() for word in only.split(",") if word.strip()]
    meant = meanings(tables)
    if not words:
        raise ValueError(f"--only= names nothing; there are: {', '.join(meant)}")
    for word in words:
        if word not in meant:
            raise ValueError(f"--only={word} is unknown{nearest(word, meant) or ';'} there are: {', '.join(meant)}")
    chosen = {name for word in words for name in meant[word]}
    return [name for name in tables.experiments if name in chosen]


def meanings(tables: Tables) -> dict[str, set[str]]:
    """Word -> experiments that it stands for. A word that names several things stands for all of them."""
    of_words: dict[str, set[str]] = {}
    for claim in tables.claims:
        for word in (claim.id, claim.section):
            of_words.setdefault(word, set()).add(claim.experiment)
    for lesson in tables.lessons:
        names = {name for name, one in tables.experiments.items() if one.config in lesson.configs}
        names |= {claim.experiment for claim in tables.claims if claim.section in lesson.sections}
        if names:
            of_words[lesson.slug] = of_words.get(lesson.slug, set()) | names
    for name in tables.experiments:
        of_words.setdefault(name, set()).add(name)
    return of_words


def make_workdir(chosen: str | None) -> Path:
    """Creates the output folder and checks that it is writable.

    Raises:
        ValueError: it is not writable.
    """
    workdir = user_path(chosen).resolve() if chosen else CHECKPOINTS / "report"
    if workdir.is_file():
        raise ValueError(f"--workdir={workdir} is a file; name a folder")
    probe = workdir / ".writable"
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise ValueError(f"--workdir={workdir} cannot be written ({error.strerror}); choose another folder") from None
    return workdir


def produce(tables: Tables, chosen: Sequence[str], quick: bool, workdir: Path, command: str) -> int:
    """Runs the chosen experiments, judges all claims, writes the site. Returns the exit code."""
    # Slow imports come last, so that a mistyped option is reported at once.
    from experiments.report import findings
    from experiments.report.runs import InterruptedReportError, Ran, finished_run, run_experiment
    from experiments.site.checks import checked
    from experiments.site.content import Content, shown_formulas
    from experiments.site.pictures import draw_all
    from experiments.site.write import write_site

    runs: dict[str, Ran] = {}
    for place, name in enumerate(chosen):
        print(f"[{place + 1}/{len(chosen)}] {name} ", end="", flush=True)
        try:
            runs[name] = run_experiment(tables.experiments[name], name, quick, workdir)
        except InterruptedReportError as interruption:
            print("stopped and saved; the same command goes on", file=sys.stderr)
            return int(interruption.args[0])
        print(told(runs[name]), flush=True)
    # Everything else is read from finished runs, so that pages and correction cover the whole.
    others = [name for name in tables.experiments if name not in runs]
    runs |= {name: finished_run(tables.experiments[name], name, quick, workdir) for name in others}
    found = findings.find(tables, tables.claims, runs)
    findings.write_csv(workdir / "csv", found)
    shown = {name: runs[name] for name in tables.experiments} | runs_of_commands(tables)
    content = Content(
        tables=tables,
        findings=found,
        runs=shown,
        pictures=draw_all(workdir, found, shown, [name for one in tables.lessons for name in one.pictures], chosen),
        checks=checked(workdir, shown_formulas(tables)),
        quick=quick,
        command=command,
    )
    index = write_site(workdir, content)
    print(summary([one for one in found if one.claim.experiment in chosen]))
    print(findings.correction(found))
    print(f"report: {index}")
    return 0


def runs_of_commands(tables: Tables) -> dict[str, Any]:
    """Finished runs, in checkpoints/, of configs that the report does not run itself."""
    from experiments.report.runs import finished_run_of_config

    reported = {one.config for one in tables.experiments.values()}
    names = [name for lesson in tables.lessons for name in lesson.configs if name not in reported]
    found = {name: finished_run_of_config(name) for name in names}
    return {name: ran for name, ran in found.items() if ran is not None}


def told(ran: Any) -> str:
    """The end of a run, as a line for the terminal."""
    if ran.run is None:
        return f"failed: {ran.problem}"
    return f"{ran.seconds:.0f} s ({ran.cpu_seconds:.0f} s CPU)" if ran.seconds else "read, finished before"


def summary(found: Sequence[Any]) -> str:
    """The verdicts, one line each."""
    width = max((len(one.claim.id) for one in found), default=0)
    return "\n".join(f"{one.claim.id.ljust(width)}  {one.verdict.label:13}  {one.claim.text}" for one in found)


if __name__ == "__main__":
    run_command(main)
