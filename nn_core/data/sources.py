"""Array data by name: the table that maps a config's `data.name` to a loader."""

import inspect
from collections.abc import Callable, Mapping
from typing import TypeVar

from nn_core.data.bundled import breast_cancer, diabetes, digits, iris, wine
from nn_core.data.checks import check_choice
from nn_core.data.cifar import cifar10
from nn_core.data.dataset import Dataset
from nn_core.data.generators import (
    blobs,
    churn,
    circles,
    gates,
    half_planes,
    imbalanced,
    moons,
    sine,
    sparse_regression,
    spirals,
    xor,
)
from nn_core.data.idx import fashion_mnist, mnist, mnist_t10k
from nn_core.data.images import read_image_folder
from nn_core.data.shapes import shapes
from nn_core.data.sounds import sounds

Loaded = TypeVar("Loaded")

DATASETS: dict[str, Callable[..., Dataset]] = {
    "digits": digits,
    "iris": iris,
    "wine": wine,
    "breast_cancer": breast_cancer,
    "diabetes": diabetes,
    "blobs": blobs,
    "xor": xor,
    "circles": circles,
    "moons": moons,
    "spirals": spirals,
    "gates": gates,
    "half_planes": half_planes,
    "sparse_regression": sparse_regression,
    "imbalanced": imbalanced,
    "churn": churn,
    "sine": sine,
    "shapes": shapes,
    "sounds": sounds,
    "mnist": mnist,
    "mnist_t10k": mnist_t10k,
    "fashion_mnist": fashion_mnist,
    "cifar10": cifar10,
    "image_folder": read_image_folder,
}

# Number of examples at the end that the authors set aside for testing (for mnist_t10k: that this project does).
TEST_SIZES = {"mnist": 10_000, "mnist_t10k": 2_000, "fashion_mnist": 10_000, "cifar10": 10_000}


def load_dataset(name: str, **options: object) -> Dataset:
    """Loads a data set of DATASETS; see `call_loader` for options and errors."""
    return call_loader("data set", DATASETS, name, options)


def call_loader(
    kind: str, loaders: Mapping[str, Callable[..., Loaded]], name: str, options: Mapping[str, object]
) -> Loaded:
    """Calls the loader of a name.

    Args:
        kind: what the table holds, for messages.
        loaders: the table.
        name: a name in it.
        options: the loader's keyword arguments; None means not given.
    Returns:
        The validated arrays.
    Raises:
        ValueError: an unknown name or option (the nearest spelling is named), an option out of range, a missing one, or
            data that cannot be obtained.
    """
    loader = loaders[check_choice(kind, name, loaders)]
    given = {key: value for key, value in options.items() if value is not None}
    parameters = inspect.signature(loader).parameters
    for key in given:
        if not parameters:
            raise ValueError(f"the {kind} {name!r} takes no options; remove {key}={given[key]!r}")
        check_choice(f"option of the {kind} {name!r}", key, parameters)
        if isinstance(parameters[key].default, bool) and not isinstance(given[key], bool):
            raise ValueError(f"{key}={given[key]!r} is {type(given[key]).__name__}; use True or False")
    missing = [key for key, p in parameters.items() if p.default is inspect.Parameter.empty and key not in given]
    if missing:
        raise ValueError(f"the {kind} {name!r} needs the option {missing[0]}; give it a value")
    return loader(**given)
