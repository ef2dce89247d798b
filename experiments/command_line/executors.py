"""Where a sweep's populations are trained: the options of jobs, checked before any slow import."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, NamedTuple

from experiments.command_line.options import Option

LOCAL, DEBUG = "local", "debug"  # in this process: without jobs, and as jobs one after the other
# --executor -> what submitit calls it.
CLUSTERS = {"slurm": "slurm", "processes": "local", DEBUG: "debug"}
# Minutes of a job where --executor.timeout_min is not given. Slurm's script must name a time; a process takes its own.
MINUTES = {"slurm": 24 * 60, "local": 365 * 24 * 60}
OPTIONS = {  # of experiments.run
    "executor": Option(str, "where a sweep's populations are trained: local (here), slurm, processes, debug", LOCAL),
    "executor.partition": Option(str, "of Slurm"),
    "executor.gpus": Option(int, "GPUs of each job (default: none)"),
    "executor.timeout_min": Option(
        int, "minutes of a job, which then saves and is queued again (default: slurm 1440, processes: no limit)"
    ),
    "executor.populations": Option(int, "populations that one job trains, one after the other (default: 1)"),
    "detach": Option(bool, "with --executor: do not wait; the same command later gathers what is finished", False),
}


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
    if name == DEBUG and options["detach"]:
        raise ValueError("--detach starts nothing with --executor=debug, whose jobs run in this process; leave it out")
    populations = 1 if options["executor.populations"] is None else options["executor.populations"]
    minutes = options["executor.timeout_min"]
    if populations < 1 or (minutes is not None and minutes < 1) or (options["executor.gpus"] or 0) < 0:
        raise ValueError("--executor.populations and --executor.timeout_min must be >= 1, --executor.gpus >= 0")
    if find_spec("submitit") is None:
        raise ValueError(f"--executor={name} needs submitit; pip install 'nn_core[slurm]'")
    parameters = {
        "timeout_min": minutes or MINUTES.get(CLUSTERS[name]),
        "slurm_partition": options["executor.partition"] if name == "slurm" else None,
        "gpus_per_node": options["executor.gpus"],
    }
    given_parameters = {key: value for key, value in parameters.items() if value is not None}
    return Request(CLUSTERS[name], given_parameters, populations, options["detach"])
