"""Experiments other than training runs: an algorithm with its own loop, or an analysis of several runs.

A study is a function of the config to rows (a dict per line of results.csv) and arrays (what its figures draw).
"""

from collections.abc import Iterable, Mapping

from ml_collections import ConfigDict

from experiments.building.ranges import check_ranges, ranges_of
from experiments.building.registry import REGISTRY
from experiments.caching.lazy_registry import Lazy
from experiments.command_line.choices import choose
from experiments.figures import STUDY_FIGURES
from experiments.studies.base import Outcome, Study

__all__ = ["STUDIES", "Outcome", "Study", "check", "drawable"]

# Each is a module of this folder.
NAMES = (
    "perceptron",
    "perceptron_vs_gradient_descent",
    "xor",
    "error_surface",
    "momentum",
    "restarts",
    "likelihood",
    "logistic_regression",
    "worked_example",
    "transformer_parts",
    "attention_scale",
    "generation",
    "transfer",
    "distillation",
    "gradient_by_lag",
    "word2vec",
    "glove",
    "fasttext",
    "spam",
    "recommender",
    "document_vectors",
    "joint_space",
    "embeddings",
    "bert_quick",
    "contextual_vectors",
    "attention_variants",
    "families",
)
STUDIES: Mapping[str, Study] = Lazy({name: f"{__name__}.{name}:STUDY" for name in NAMES})
MAX_SEED = 2**32 - 1


def check(config: ConfigDict, known: Mapping[str, Study] = STUDIES) -> None:
    """Checks the config of a study: its keys, their ranges, the table's columns.

    Args:
        config: of the study.
        known: studies by name.
    Raises:
        ValueError: in one line, what is wrong and how to fix it.
    """
    name = config.task.name
    study = known[name]
    differing = {"name", *study.settings} ^ set(config.task)
    if differing:
        raise ValueError(
            f"config.task.name={name!r} does not go with this config, whose task has other keys "
            f"({', '.join(sorted(differing))}); use --config=configs/{name}.py"
        )
    own = {f"task.{setting}": interval for setting, interval in study.settings.items() if interval}
    check_ranges(config, ranges_of(config, REGISTRY) | own)
    if config.seed + config.num_seeds - 1 > MAX_SEED:
        raise ValueError(f"config.seed={config.seed} + config.num_seeds={config.num_seeds} exceeds {MAX_SEED + 1}")
    for column in config.table:
        choose(column, dict.fromkeys(study.columns), "table")
    study.check(config)


def drawable(name: str, figures: Iterable[str], known: Mapping[str, Study] = STUDIES) -> list[str]:
    """The figures that can draw a run of this task: the study's own and the comparison, or those of no study."""
    if name in known:
        return [figure for figure in figures if figure in (*known[name].figures, "comparison")]
    return [figure for figure in figures if figure not in STUDY_FIGURES]
