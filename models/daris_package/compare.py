"""Compares the staged model's outputs with the whole model's: a package that computes otherwise is refused."""

from collections.abc import Mapping

import numpy as np

from daris_package.engine import Engine, StagedEngine
from daris_package.errors import PackageError

TOLERANCE = 1e-4

# Rolling by a prime gives each batch element other values of the same range, so a stage that mixes up
# the elements of a batch is seen.
_ROLL = 7919


def elements(sample: np.ndarray, batch: int) -> np.ndarray:
    """`batch` different elements made from one."""
    flat = sample.reshape(-1)
    return np.stack([np.roll(flat, k * _ROLL).reshape(sample.shape) for k in range(batch)])


def difference(whole: Engine, staged: StagedEngine, element: Mapping[str, np.ndarray], batch: int) -> float:
    """The largest difference between a staged batch and the whole model run on each of its elements.

    Relative to the largest absolute value of the output where that is over 1.
    """
    inputs = {name: elements(value, batch) for name, value in element.items()}
    got = staged.run(inputs)
    worst = 0.0
    for k in range(batch):
        expected = whole.run({name: value[k : k + 1] for name, value in inputs.items()})
        for name, value in expected.items():
            worst = max(worst, _distance(got[name][k : k + 1], value, name))
    return worst


def _distance(got: np.ndarray, expected: np.ndarray, name: str) -> float:
    if got.shape != expected.shape:
        raise PackageError(f"output '{name}' has shape {got.shape} in stages and {expected.shape} in the whole model")
    got, expected = got.astype(np.float64), expected.astype(np.float64)
    if not np.all(np.isfinite(expected)):
        raise PackageError(f"output '{name}' of the whole model is not finite on the sample; give one with --sample")
    scale = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
    distance = float(np.max(np.abs(got - expected), initial=0.0)) / scale
    return distance if np.isfinite(distance) else float("inf")


def require_equal(distance: float, batch: int) -> None:
    """Raises PackageError where a difference is over the tolerance."""
    if distance > TOLERANCE:
        raise PackageError(
            f"at batch {batch} the staged outputs differ from the whole model's by {distance:.2e}, more than "
            f"{TOLERANCE:.0e}: the model mixes the elements of a batch or is not deterministic; "
            "package it with --batches 1, or remove the random operator"
        )
