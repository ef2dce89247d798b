"""Experiments that are no training run: an algorithm with its own loop, or an analysis of several.

A study is a function of the config to rows (a dict per line of results.csv) and arrays (what its figures draw).
"""

from collections.abc import Iterable

from ml_collections import ConfigDict

from experiments.overrides import choose
from experiments.studies import (
    attention_scale,
    distillation,
    document_vectors,
    embeddings,
    error_surface,
    fasttext,
    generation,
    glove,
    gradient_by_lag,
    joint_space,
    likelihood,
    logistic_regression,
    momentum,
    perceptron,
    perceptron_vs_gradient_descent,
    recommender,
    restarts,
    spam,
    transfer,
    transformer_parts,
    word2vec,
    worked_example,
    xor,
)
from experiments.studies.base import Outcome, Study
from experiments.validation import check_ranges

__all__ = ["STUDIES", "Outcome", "Study", "check", "drawable"]

STUDIES: dict[str, Study] = {
    "perceptron": perceptron.STUDY,
    "perceptron_vs_gradient_descent": perceptron_vs_gradient_descent.STUDY,
    "xor": xor.STUDY,
    "error_surface": error_surface.STUDY,
    "momentum": momentum.STUDY,
    "restarts": restarts.STUDY,
    "likelihood": likelihood.STUDY,
    "logistic_regression": logistic_regression.STUDY,
    "worked_example": worked_example.STUDY,
    "transformer_parts": transformer_parts.STUDY,
    "attention_scale": attention_scale.STUDY,
    "generation": generation.STUDY,
    "transfer": transfer.STUDY,
    "distillation": distillation.STUDY,
    "gradient_by_lag": gradient_by_lag.STUDY,
    "word2vec": word2vec.STUDY,
    "glove": glove.STUDY,
    "fasttext": fasttext.STUDY,
    "spam": spam.STUDY,
    "recommender": recommender.STUDY,
    "document_vectors": document_vectors.STUDY,
    "joint_space": joint_space.STUDY,
    "embeddings": embeddings.STUDY,
}
MAX_SEED = 2**32 - 1


def check(config: ConfigDict) -> None:
    """Checks the config of a study: its keys, their ranges, the table's columns.

    Raises:
        ValueError: in one line, what is wrong and what would be right.
    """
    name = config.task.name
    study = STUDIES[name]
    differing = {"name", *study.settings} ^ set(config.task)
    if differing:
        raise ValueError(
            f"config.task.name={name!r} does not go with this config, whose task has other keys "
            f"({', '.join(sorted(differing))}); use --config=configs/{name}.py"
        )
    check_ranges(config)
    if config.seed + config.num_seeds - 1 > MAX_SEED:
        raise ValueError(f"config.seed={config.seed} + config.num_seeds={config.num_seeds} exceeds {MAX_SEED + 1}")
    for column in config.table:
        choose(column, dict.fromkeys(study.columns), "table")
    study.check(config)


def drawable(name: str, figures: Iterable[str]) -> list[str]:
    """Which of the figures can draw a run of this task: its study's own and the comparison, or those of no study."""
    if name in STUDIES:
        return [figure for figure in figures if figure in (*STUDIES[name].figures, "comparison")]
    taken = {figure for study in STUDIES.values() for figure in study.figures}
    return [figure for figure in figures if figure not in taken]
