"""A sweep as jobs of a scheduler: each trains some of its populations, and the command gathers what they wrote.

`submitit` submits and watches; nothing here schedules. A job is the same command with --part=K/N, so it may also be
started by hand, anywhere. A job that fails or is preempted is submitted again and continues from its checkpoints.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from experiments.command_line.output import say
from experiments.execution.part import share
from experiments.run_directory.files import entry
from experiments.training.population import Population, done_rows

FOLDER = "jobs"  # in the run directory: what submitit writes, standard output and error of each job
LOCAL = "local"  # in this process: no jobs
# --executor -> what submitit calls it.
CLUSTERS = {"slurm": "slurm", "processes": "local", "debug": "debug"}
ATTEMPTS = 3  # submissions of a part before the command gives up
POLL_SECONDS = 1.0


class JobError(RuntimeError):
    """A share that cannot be submitted, or has failed too often."""


class Request(NamedTuple):
    """What the command line asks for.

    Attributes:
        cluster: submitit's name.
        parameters: of submitit's executor.
        populations: trained by one job, one after the other, >= 1.
        detach: do not wait for the jobs.
    """

    cluster: str
    parameters: dict[str, Any]
    populations: int
    detach: bool


def requested(options: Mapping[str, Any]) -> Request | None:
    """What the options ask for; None: no jobs.

    Raises:
        ValueError: an unknown executor, options without one, numbers out of range, or submitit is missing.
    """
    name = options["executor"]
    details = {key: value for key, value in options.items() if key.startswith("executor.") and value is not None}
    if name == LOCAL:
        if details or options["detach"]:
            given = next(iter(details), "detach")
            raise ValueError(f"--{given} needs --executor=slurm (or processes, debug); the default trains right here")
        return None
    if name not in CLUSTERS:
        raise ValueError(f"--executor={name} is unknown; use {LOCAL}, {', '.join(CLUSTERS)}")
    if options["part"] is not None:
        raise ValueError(
            f"--part={options['part']} trains a share here, and --executor={name} makes jobs of all shares"
        )
    populations = 1 if options["executor.populations"] is None else options["executor.populations"]
    minutes = options["executor.timeout_min"]
    if populations < 1 or (minutes is not None and minutes < 1) or (options["executor.gpus"] or 0) < 0:
        raise ValueError("--executor.populations and --executor.timeout_min must be >= 1, --executor.gpus >= 0")
    if find_spec("submitit") is None:
        raise ValueError(f"--executor={name} needs submitit; pip install 'nn_core[slurm]'")
    parameters = {
        "timeout_min": minutes,
        "slurm_partition": options["executor.partition"] if name == "slurm" else None,
        "gpus_per_node": options["executor.gpus"],
    }
    return Request(
        CLUSTERS[name], {k: v for k, v in parameters.items() if v is not None}, populations, options["detach"]
    )


def run_jobs(request: Request, directory: Path, populations: Sequence[Population], words: Sequence[str]) -> list[str]:
    """Submits a job for every share that has something left to train, until nothing is left.

    Args:
        request: of `requested`.
        directory: of the run; this process holds it.
        populations: of the whole sweep.
        words: the command line of a job, without --part.
    Returns:
        A line for each job that was submitted and not waited for; empty where everything is trained.
    Raises:
        JobError: no scheduler, or a share that has failed too often; the message names its log.
    """
    count = -(-len(populations) // request.populations)
    submit = make_submit(request, entry(directory, FOLDER), words, count)
    attempts = dict.fromkeys(range(1, count + 1), 0)
    logs: dict[int, str] = {}
    with tqdm(total=len(populations), unit="population", disable=not sys.stderr.isatty()) as bar:
        while left := [number for number in attempts if unfinished(share(populations, (number, count)))]:
            hopeless = [number for number in left if attempts[number] == ATTEMPTS]
            if hopeless:
                raise JobError(
                    f"part {hopeless[0]}/{count} has failed {ATTEMPTS} times; its output is in {logs[hopeless[0]]}; "
                    "the same command goes on with what is left"
                )
            jobs = {number: submit(number) for number in left}
            logs |= {number: str(job.paths.stderr) for number, job in jobs.items()}
            attempts = {number: tries + (number in jobs) for number, tries in attempts.items()}
            if request.detach:
                return [
                    f"part {number}/{count}: job {job.job_id}, output in {logs[number]}" for number, job in jobs.items()
                ]
            say(f"{len(jobs)} of {count} jobs submitted; what they say is in {directory / FOLDER}")
            while not all(job.done() for job in jobs.values()):
                bar.update(len(populations) - len(unfinished(populations)) - bar.n)
                time.sleep(POLL_SECONDS)
        bar.update(len(populations) - bar.n)
    return []


def unfinished(populations: Sequence[Population]) -> list[Population]:
    """Those that have no results yet."""
    return [population for population in populations if done_rows(population) is None]


def make_submit(request: Request, folder: Path, words: Sequence[str], count: int) -> Callable[[int], Any]:
    """The number of a share -> its job, submitted.

    Raises:
        JobError: there is no such scheduler here.
    """
    import submitit

    try:
        executor = submitit.AutoExecutor(folder=folder, cluster=request.cluster)
    except RuntimeError as error:
        raise JobError(f"{' '.join(str(error).split())}; use --executor=processes, or --part by hand") from None
    executor.update_parameters(name="nn_core", **request.parameters)
    return lambda number: executor.submit(run_part, [*words, f"--part={number}/{count}"])


def run_part(words: Sequence[str]) -> int:
    """A job: the command in a process of its own.

    Returns:
        Its exit code, 0.
    Raises:
        RuntimeError: another one, so that the job counts as failed.
    """
    code = subprocess.run([sys.executable, "-m", "experiments.run", *words], check=False).returncode
    if code:
        raise RuntimeError(f"the command ended with exit code {code}")
    return code
