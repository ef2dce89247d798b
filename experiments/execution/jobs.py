"""A sweep as jobs of a scheduler: each trains some of its populations, and the command gathers what they wrote.

`submitit` submits and watches; nothing here schedules. A job is the same command with --part=K/N, so it may also be
started by hand, anywhere. The run directory remembers the jobs, so that a later command does not submit again what waits
or runs. A job that fails or is preempted is submitted again and continues from its checkpoints.
"""

import contextlib
import io
import json
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from tqdm import tqdm

from experiments.command_line.executors import CLUSTERS, DEBUG, Request
from experiments.command_line.output import say
from experiments.execution.job import Job, JobFailed
from experiments.execution.part import share
from experiments.run_directory.files import entry, write_json
from experiments.run_directory.lock import held_by
from experiments.training.population import Population, done_rows

FOLDER = "jobs"  # in the run directory: what submitit writes, standard output and error of each job
RECORD = "submitted.json"  # in this folder: name of a population -> the last job that was submitted for it
ATTEMPTS = 3  # jobs of a part that fail before the command gives up
REQUEUES = 1000  # times that submitit queues a job again whose time has ended
POLL_SECONDS = 1.0
CLOCK_SECONDS = 2.0  # by which two readings of a process's start may differ


class JobError(RuntimeError):
    """A share that cannot be submitted, or has failed too often."""


class Submitted(NamedTuple):
    """A job that was submitted, by this command or an earlier one.

    Attributes:
        job: submitit's.
        about: what is remembered of it: cluster, job, and of a process host and start.
    """

    job: Any
    about: dict[str, Any]


Submit = Callable[[Sequence[int]], dict[int, Submitted]]


def run_jobs(request: Request, directory: Path, populations: Sequence[Population], words: Sequence[str]) -> list[str]:
    """Submits jobs for the shares that have something left to train, until nothing is left.

    Args:
        request: of `requested`.
        directory: of the run; this process holds it.
        populations: of the whole sweep.
        words: the command line of a job, without --part.
    Returns:
        A line for each share that is not waited for; empty where everything is trained.
    Raises:
        JobError: no scheduler, or a share that has failed too often; the message names its log.
    """
    count = -(-len(populations) // request.populations)
    shares = {number: share(populations, (number, count)) for number in range(1, count + 1)}
    folder = entry(directory, FOLDER)
    submit = make_submit(request, folder, words, count)
    last, failures, mine = recall(folder), dict.fromkeys(shares, 0), set[int]()
    with tqdm(total=len(populations), unit="population", disable=not sys.stderr.isatty()) as bar:
        while True:
            # Before results are looked for: a job that ends in between is seen at the next turn.
            at_work = {name for name, submitted in last.items() if is_running(submitted)}
            left = {number: rest for number, one in shares.items() if (rest := unfinished(one))}
            free = [number for number, rest in left.items() if not any(is_taken(one, at_work) for one in rest)]
            for number in mine.intersection(free):
                count_failure(number, count, failures, last[left[number][0].folder.name])
            if free:
                jobs = submit(free)
                last |= {one.folder.name: job for number, job in jobs.items() for one in shares[number]}
                remember(folder, last)
                mine |= set(free)
                at_work |= {one.folder.name for number in free for one in shares[number]}
                say(f"{len(free)} of {count} jobs submitted; what they say is in {folder}")
            if request.detach:
                return [f"part {number}/{count}: {tell(rest, last, at_work)}" for number, rest in left.items()]
            if not left:
                bar.update(len(populations) - bar.n)
                return []
            bar.update(len(populations) - len(unfinished(populations)) - bar.n)
            time.sleep(POLL_SECONDS)


def count_failure(number: int, count: int, failures: dict[int, int], submitted: Submitted) -> None:
    """Counts a job that has ended before its share was trained, unless it was stopped.

    Raises:
        JobError: it was one too many.
    """
    failures[number] += not was_stopped(submitted)
    if failures[number] == ATTEMPTS:
        raise JobError(
            f"part {number}/{count} has failed {ATTEMPTS} times; its output is in {submitted.job.paths.stderr}; "
            "the same command goes on with what is left"
        )


def unfinished(populations: Sequence[Population]) -> list[Population]:
    """Those that have no results yet; a run that began alone is no job's and is trained where the shares are joined."""
    return [population for population in populations if population.name and done_rows(population) is None]


def is_taken(population: Population, at_work: set[str]) -> bool:
    """Whether somebody trains a population or will: a job, or a process that was started by hand."""
    return population.folder.name in at_work or held_by(population.folder) is not None


def tell(rest: Sequence[Population], last: Mapping[str, Submitted], at_work: set[str]) -> str:
    """Who trains a share, for the user: its job and its log, or the process that uses it."""
    for population in rest:
        if population.folder.name in at_work:
            job = last[population.folder.name].job
            return f"job {job.job_id}, output in {job.paths.stderr}"
    return "in use by " + next((who for one in rest if (who := held_by(one.folder)) is not None), "another process")


def is_running(submitted: Submitted) -> bool:
    """Whether a job waits or runs; one of --executor=debug runs now."""
    about = submitted.about
    try:
        if about["cluster"] != CLUSTERS["processes"]:
            return not submitted.job.done()
        process = psutil.Process(int(about["job"]))
        same = abs(process.create_time() - about["start"]) < CLOCK_SECONDS and about["host"] == socket.gethostname()
        return same and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, JobFailed):
        return False


def was_stopped(submitted: Submitted) -> bool:
    """Whether a job that has ended was asked to stop, as one that is preempted is."""
    job = submitted.job
    return job.paths.result_pickle.is_file() and job.exception() is None and job.result() != 0


def remember(folder: Path, last: Mapping[str, Submitted]) -> None:
    """Writes which jobs were submitted."""
    folder.mkdir(exist_ok=True)
    write_json(folder / RECORD, {name: submitted.about for name, submitted in last.items()})


def recall(folder: Path) -> dict[str, Submitted]:
    """The jobs that earlier commands have submitted, by population."""
    import submitit

    try:
        held = json.loads((folder / RECORD).read_bytes())
        kept = {name: about for name, about in held.items() if about["cluster"] != DEBUG}
        kinds = {"slurm": submitit.SlurmJob, "local": submitit.LocalJob}
        return {name: Submitted(kinds[about["cluster"]](folder, about["job"]), about) for name, about in kept.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise JobError(f"{folder / RECORD} is damaged; end the jobs of this run, then remove the file") from None


def check_none_running(directory: Path) -> None:
    """Raises ValueError if jobs of a run wait or run, whose folders are about to be moved."""
    folder = directory / FOLDER
    if not (folder / RECORD).is_file() or find_spec("submitit") is None:
        return
    try:
        running = sorted({submitted.job.job_id for submitted in recall(folder).values() if is_running(submitted)})
    except JobError as error:
        raise ValueError(str(error)) from None
    if running:
        raise ValueError(
            f"jobs of {directory} wait or run: {' '.join(running)}; end them (scancel, kill) before "
            "--config.checkpoint.resume=fresh, or name a new --workdir"
        )


def make_submit(request: Request, folder: Path, words: Sequence[str], count: int) -> Submit:
    """The numbers of shares -> their jobs, submitted together: to Slurm as one array.

    Raises:
        JobError: there is no such scheduler here, or it refuses the jobs.
    """
    import submitit

    limits = {f"{cluster}_max_num_timeout": REQUEUES for cluster in ("slurm", "local")}
    try:
        executor = submitit.AutoExecutor(folder=folder, cluster=request.cluster, **limits)
    except RuntimeError as error:
        raise JobError(f"{' '.join(str(error).split())}; use --executor=processes, or --part by hand") from None
    executor.update_parameters(name="nn_core", **request.parameters)

    def submit(numbers: Sequence[int]) -> dict[int, Submitted]:
        try:
            with contextlib.redirect_stderr(io.StringIO()):  # submitit prints what its error says
                jobs = executor.map_array(Job(), [[*words, f"--part={number}/{count}"] for number in numbers])
        except (RuntimeError, OSError) as error:
            raise JobError(f"{request.cluster} refuses the jobs ({' '.join(str(error).split())[:300]})") from None
        return {
            number: Submitted(job, about_job(request.cluster, job)) for number, job in zip(numbers, jobs, strict=True)
        }

    return submit


def about_job(cluster: str, job: Any) -> dict[str, Any]:
    """What is remembered of a job."""
    about = {"cluster": cluster, "job": job.job_id}
    if cluster != CLUSTERS["processes"]:
        return about
    try:
        start = psutil.Process(int(job.job_id)).create_time()
    except psutil.NoSuchProcess:  # it has ended
        start = 0.0
    return about | {"host": socket.gethostname(), "start": start}
