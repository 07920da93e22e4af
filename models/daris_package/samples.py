"""The sample of each model input: what a periodic task computes on until a client sends its first input."""

import hashlib
import math
from pathlib import Path

import numpy as np

from daris_package import datatypes
from daris_package.errors import PackageError
from daris_package.manifest import Tensor


def pattern(tensor: Tensor, seed: str) -> np.ndarray:
    """One batch element: uniform in [0, 1) for floats, zeros else; the same for the same seed everywhere."""
    shape = tensor.shape[1:]
    kind = datatypes.to_numpy(tensor.datatype)
    if not np.issubdtype(kind, np.floating):
        return np.zeros(shape, kind)
    count = math.prod(shape)
    raw = np.frombuffer(hashlib.shake_256(seed.encode()).digest(2 * count), "<u2")
    return (raw / np.float32(65536)).astype(kind).reshape(shape)


def parse_sample_arguments(arguments: list[str], inputs: list[Tensor]) -> dict[str, Path]:
    """`FILE` (of the only input) or `INPUT=FILE`, by input name."""
    names = [tensor.name for tensor in inputs]
    files: dict[str, Path] = {}
    for argument in arguments:
        name, separator, file = argument.rpartition("=")
        if not separator:
            if len(names) != 1:
                raise PackageError(f"--sample {argument}: the model has {len(names)} inputs; write INPUT={argument}")
            name = names[0]
        if name not in names:
            raise PackageError(f"--sample {argument}: no input '{name}'; the inputs are {', '.join(names)}")
        if name in files:
            raise PackageError(f"--sample names input '{name}' twice")
        files[name] = Path(file)
    return files


def load_sample(file: Path, tensor: Tensor) -> np.ndarray:
    """One batch element of `tensor` from a .npy file, with or without a leading dimension of 1."""
    try:
        array = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise PackageError(f"--sample {file}: cannot be read as .npy: {error}") from error
    if not isinstance(array, np.ndarray):
        raise PackageError(f"--sample {file}: is an archive; save one array with numpy.save")
    expected = datatypes.to_numpy(tensor.datatype)
    if array.dtype != expected:
        raise PackageError(
            f"--sample {file}: has type {array.dtype}, input '{tensor.name}' has {tensor.datatype}; "
            f"convert it with .astype('{expected.name}')"
        )
    shape = tensor.shape[1:]
    if array.shape not in (shape, (1, *shape)):
        raise PackageError(
            f"--sample {file}: has shape {list(array.shape)}, one element of input '{tensor.name}' has {list(shape)}"
        )
    return array.reshape(shape).astype(expected, order="C")
