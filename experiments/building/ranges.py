"""Ranges of the config's numbers: all problems of a config in one message, before anything is built."""

import math
import re
from typing import Any

from ml_collections import ConfigDict

from experiments.command_line.config_paths import flatten

# path -> interval in the usual notation; an end may be inf. Paths that a config lacks are not checked.
RANGES: dict[str, str] = {
    "seed": "[0, 4294967295]",
    "num_seeds": "[1, 100000]",
    "hparams.learning_rate": "(0, inf)",
    "hparams.momentum": "[0, 1)",
    "hparams.beta1": "[0, 1)",
    "hparams.beta2": "[0, 1)",
    "hparams.epsilon": "(0, inf)",
    "hparams.weight_decay": "[0, inf)",
    "hparams.clip_norm": "(0, inf)",
    "hparams.l1": "[0, inf)",
    "hparams.l2": "[0, inf)",
    "hparams.elastic_net": "[0, inf)",
    "hparams.l1_ratio": "[0, 1]",
    "hparams.dropout_rate": "[0, 1)",
    "hparams.label_smoothing": "[0, 1)",
    "hparams.negative_slope": "[0, 1)",
    "hparams.elu_alpha": "(0, inf)",
    "hparams.init_scale": "(0, inf)",
    "hparams.restart_sigma": "[0, inf)",
    "hparams.sparsity": "[0, 1)",
    "hparams.patience": "[1, inf)",
    "hparams.min_delta": "[0, inf)",
    "data.train": "[1, inf)",
    "data.validation": "[1, inf)",
    "data.test": "[1, inf)",
    "data.batch_size": "[1, inf)",
    "data.label_noise": "[0, 1)",
    "data.noise_features": "[0, inf)",
    "data.evaluation_batch": "[1, inf)",
    "data.augmentation.shift": "[0, inf)",
    "data.augmentation.flip": "[0, 1]",
    "data.augmentation.crop": "(0, 1]",
    "data.split_ratio": "(0, 1)",
    "data.context_size": "[1, inf)",
    "data.evaluation_windows": "[1, inf)",
    "data.vocabulary_size": "[1, inf)",
    "model.layers_num": "[1, inf)",
    "model.kernel_size": "[1, inf)",
    "model.num_groups": "[1, inf)",
    "model.patch_size": "[1, inf)",
    "model.heads_num": "[1, inf)",
    "model.features": "[1, inf)",
    "model.num_layers": "[1, inf)",
    "model.embedding_size": "[1, inf)",
    "model.forget_bias": "[-100, 100]",
    "model.embedding_dim": "[1, inf)",
    "train.accumulate": "[1, inf)",
    "transfer.member": "[0, inf)",
    "pruning.begin": "[0, inf)",
    "pruning.end": "[1, inf)",
    "pruning.every": "[1, inf)",
    "schedule.warmup_steps": "[0, inf)",
    "schedule.decay_steps": "[1, inf)",
    "schedule.decay_rate": "(0, 1]",
    "schedule.final_factor": "[0, 1]",
    "train.steps": "[0, 2147483646]",
    "train.eval_every": "[1, inf)",
    "train.log_every": "[1, inf)",
    "sample.max_new_tokens": "[1, inf)",
    "sample.temperature": "[0, inf)",
    "train.sample_every": "[0, inf)",
    "checkpoint.every_seconds": "[0, inf)",
    "checkpoint.keep_latest": "[1, inf)",
    "checkpoint.keep_best": "[0, inf)",
    "train.chunk_steps": "[1, inf)",
    "train.max_skips": "[0, inf)",
    "train.divergence_factor": "(1, inf)",
    "train.max_members": "[1, inf)",
    "task.features": "[1, 4096]",
    "task.sequences": "[1, 100000]",
    "task.input_size": "[0, 100]",
    "task.scales": "(0, 100]",
    "task.biases": "[-100, 100]",
    "task.season": "[1, inf)",
    "task.horizon": "[1, inf)",
    "task.paths": "[2, inf)",
    "task.decoded": "[1, inf)",
    "task.num_beams": "[2, 4096]",
    "task.learning_rate": "(0, inf)",
    "task.max_epochs": "[1, 100000]",
    "task.num_points": "[2, 100000]",
    "task.gap": "[0, 10]",
    "task.gaps": "[0, 10]",
    "task.noise": "[0, 100]",
    "task.noises": "[0, 100]",
    "task.learning_rates": "(0, inf)",
    "task.widths": "[1, 64]",
    "task.init_scales": "(0, 100]",
    "task.momentum": "[0, 1)",
    "task.momenta": "[0, 1)",
    "task.drawn_start": "[-20, 20]",
    "task.start": "(0, 1)",
    "task.starts_left": "[-20, 20]",
    "task.starts_right": "[-20, 20]",
    "task.width": "[1, 64]",
    "task.restarts": "[1, 1000]",
    "task.sigmas": "[0, 100]",
    "task.num_searches": "[1, 10000]",
    "task.dimensions": "[1, 100]",
    "task.evaluations": "[1, 1000000]",
    "task.gradient_cost": "[1, 100]",
    "task.descent_rate": "(0, inf)",
    "task.descent_steps": "[1, 100000]",
    "task.chains": "[1, 1000]",
    "task.hottest": "(0, inf)",
    "task.coldest": "(0, inf)",
    "task.proposal_scale": "(0, inf)",
    "task.penalty": "(0, inf)",
    "task.thresholds": "(0, 1)",
    "task.tosses": "[2, 100000]",
    "task.probability": "(0, 1)",
    "task.sizes": "[1, 100000]",
    "task.inputs": "[-100, 100]",
    "task.hidden_weights": "[-100, 100]",
    "task.output_weight": "[-100, 100]",
    "task.target": "[0, 1]",
    "task.steps": "[1, 100000]",
    "task.depths": "[1, 1000]",
    "task.num_heads": "[1, inf)",
    "task.examples": "[16, 10000000]",
    "task.temperatures": "(0, inf)",
    "task.alphas": "[0, 1]",
    "task.early": "[1, inf)",
    "task.channels": "[1, 65536]",
    "task.validation": "[1, inf)",
    "task.test": "[1, inf)",
    "task.pretrain_steps": "[10, 100000]",
    "task.pretrain_rate": "(0, inf)",
    "task.target_accuracy": "(0, 1)",
    "task.batch_size": "[1, inf)",
    "task.train_examples": "[1, inf)",
    "task.validation_examples": "[1, inf)",
    "task.test_examples": "[1, inf)",
    "task.head_widths": "[1, 65536]",
    "task.num_queries": "[1, 65536]",
    "task.num_keys": "[1, 65536]",
    "task.cbow_learning_rate": "(0, inf)",
    "task.subsample": "(0, inf)",
    "task.x_max": "(0, inf)",
    "task.alpha": "(0, inf)",
    "task.l2": "[0, inf)",
    "task.temperature": "(0, inf)",
    "task.weight_decay": "[0, inf)",
}


NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def check_name(name: str) -> None:
    """Raises ValueError where a run's name could not be, or could leave, a folder of its own."""
    if not NAME.fullmatch(name):
        raise ValueError(
            f"config.name={name!r} must be 1 to 128 letters, digits, '.', '_' or '-', a letter or digit first"
        )


def inside(value: float, interval: str) -> bool:
    """Whether a number lies in an interval such as "[0, 1)".

    >>> inside(0, "[0, 1)"), inside(1, "[0, 1)"), inside(float("nan"), "[0, inf)")
    (True, False, False)
    """
    low, high = (float(end) for end in interval[1:-1].split(","))
    above = value >= low if interval[0] == "[" else value > low
    below = value <= high if interval[-1] == "]" else value < high
    return above and below


def check_ranges(config: ConfigDict) -> None:
    """Raises ValueError naming every value that is out of its range or not finite."""
    problems = []
    for path, value in flatten(config).items():
        if not is_number(value):
            problems += check_tuple(path, value)
        elif path in RANGES and not inside(value, RANGES[path]):
            problems.append(f"config.{path}={value} is outside {RANGES[path]}")
        elif not math.isfinite(value):
            problems.append(f"config.{path}={value} is not a finite number")
    if problems:
        raise ValueError("; ".join(problems))


def is_number(value: Any) -> bool:
    """Whether a value is an int or a float; True and False are neither."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def check_tuple(path: str, value: Any) -> list[str]:
    """Problems of a tuple of sizes, or of a tuple of numbers that has a range."""
    if path in RANGES and isinstance(value, tuple):
        wrong = [number for number in value if not is_number(number) or not inside(number, RANGES[path])]
        if wrong or not value:
            return [f"config.{path}={value} must hold numbers in {RANGES[path]}, at least one"]
    if path.endswith(("sizes", "channels")) and isinstance(value, tuple):
        return (
            [f"config.{path}={value} must hold whole numbers >= 1"]
            if any(not isinstance(size, int) or size < 1 for size in value)
            else []
        )
    return []
