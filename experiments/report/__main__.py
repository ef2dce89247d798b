"""python -m experiments.report [--quick] [--only=CLAIM,SECTION,…] [--workdir=DIR]

Runs the course's comparisons (finished runs are read, interrupted ones go on), judges every claim of the notes and writes
DIR/index.html with csv/ and png/ beside it. --quick takes fewer seeds and steps. DIR is checkpoints/report by default.
Exit code 0 when the page is written, also with failed runs in it; 2 after a mistake by the caller.
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
from experiments.report.records import Claim, Tables
from nn_core.files import user_path, whole_file

OPTIONS = {
    "quick": Option(bool, "fewer seeds and shorter training, marked as such", False),
    "only": Option(str, "claims and sections to run, with commas between them"),
    "workdir": Option(str, "where the page, the files beside it and the runs go; checkpoints/report by default"),
}
EXAMPLES = (
    "python -m experiments.report --quick",
    "python -m experiments.report --only=T2 --workdir=/tmp/report",
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
        chosen = choose(TABLES, options["only"])
        workdir = make_workdir(options["workdir"])
    except ValueError as error:
        return tell(error, 2)
    started = time.perf_counter()
    set_up_devices()
    code = produce(TABLES, chosen, options["quick"], workdir, " ".join(["python -m experiments.report", *argv]))
    if code == 0:
        print(f"({time.perf_counter() - started:.0f} s)")
    return code


def choose(tables: Tables, only: str | None) -> list[Claim]:
    """The chosen claims, in the order of the table.

    Raises:
        ValueError: a word that is neither claim nor section.
    """
    if only is None:
        return list(tables.claims)
    words = [word.strip() for word in only.split(",") if word.strip()]
    known = [claim.id for claim in tables.claims] + [section.slug for section in tables.sections]
    if not words:
        raise ValueError(f"--only= names nothing; there are: {', '.join(known)}")
    for word in words:
        if word not in known:
            raise ValueError(f"--only={word} is unknown{nearest(word, known) or ';'} there are: {', '.join(known)}")
    return [claim for claim in tables.claims if claim.id in words or claim.section in words]


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


def produce(tables: Tables, chosen: Sequence[Claim], quick: bool, workdir: Path, command: str) -> int:
    """Runs, judges, writes. Returns the exit code."""
    # Slow imports come last, so that a mistyped option is reported at once.
    from experiments.report import findings, page
    from experiments.report.pictures import draw_all
    from experiments.report.runs import InterruptedReportError, Ran, finished_run, run_experiment

    runs: dict[str, Ran] = {}
    names = list(dict.fromkeys(claim.experiment for claim in chosen))
    for place, name in enumerate(names):
        print(f"[{place + 1}/{len(names)}] {name} ", end="", flush=True)
        try:
            runs[name] = run_experiment(tables.experiments[name], name, quick, workdir)
        except InterruptedReportError as interruption:
            print("stopped and saved; the same command goes on", file=sys.stderr)
            return int(interruption.args[0])
        print(told(runs[name]), flush=True)
    # Other claims are read from finished runs, so that page and correction cover all of them.
    others = [name for name in tables.experiments if name not in runs]
    runs |= {name: finished_run(tables.experiments[name], name, quick, workdir) for name in others}
    found = findings.find(tables, tables.claims, runs)
    findings.write_csv(workdir / "csv", found)
    content = page.Content(
        sections=tables.sections,
        findings=found,
        runs=runs,
        images=draw_all(workdir / "png", found, runs, set(names)),
        quick=quick,
        command=command,
    )
    with whole_file(workdir / "index.html") as part:
        part.write_text(page.page(content), encoding="utf-8", newline="\n")
    asked = {claim.id for claim in chosen}
    print(summary([one for one in found if one.claim.id in asked]))
    print(findings.correction(found))
    print(f"report: {workdir / 'index.html'}")
    return 0


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
