"""The manifest of a package (`model.json`): its types and its canonical bytes.

A package's digest is the sha256 of these bytes; every other file is covered by a digest in them.
"""

import hashlib
import json
import math
from dataclasses import asdict, dataclass

from daris_package.datatypes import to_numpy

MANIFEST_FILE = "model.json"
FORMAT_VERSION = 1
BATCH = -1


@dataclass(frozen=True, slots=True)
class Tensor:
    """A named tensor; `shape[0]` is BATCH, the other dimensions are positive."""

    name: str
    datatype: str
    shape: tuple[int, ...]

    def batched(self, batch: int) -> tuple[int, ...]:
        """The shape with `batch` elements."""
        return (batch, *self.shape[1:])

    def element_bytes(self) -> int:
        """Bytes of one batch element."""
        return math.prod(self.shape[1:]) * to_numpy(self.datatype).itemsize


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the model that runs without preemption; it reads and writes whole tensors."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """One batch element of an input: raw, row-major, little endian."""

    input: str
    file: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Artifact:
    """What an engine loads for one stage at one batch size."""

    engine: str
    stage: str
    batch: int
    arch: str
    file: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Weights:
    """What the artifacts of a stage at all its batch sizes share; only their engine reads it."""

    engine: str
    stage: str
    arch: str
    file: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Build:
    """What compiled one engine's artifacts for one arch, so that an engine can refuse them unopened.

    `tolerance` is the accepted difference from the whole model, relative to each tensor's largest value.
    """

    engine: str
    arch: str
    version: str
    cuda: str
    precision: str
    tf32: bool
    layout: str
    tolerance: float


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that a package holds. `tensors` are those that only cross stage borders."""

    name: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    tensors: tuple[Tensor, ...]
    stages: tuple[Stage, ...]
    samples: tuple[Sample, ...]
    artifacts: tuple[Artifact, ...]
    builds: tuple[Build, ...] = ()
    weights: tuple[Weights, ...] = ()

    def tensor(self, name: str) -> Tensor:
        """The input, output or border tensor of that name."""
        return next(t for t in (*self.inputs, *self.outputs, *self.tensors) if t.name == name)

    def files(self) -> tuple[Sample | Artifact | Weights, ...]:
        """Every file that the manifest names."""
        return (*self.samples, *self.artifacts, *self.weights)

    def to_bytes(self) -> bytes:
        """The canonical JSON: the same manifest always gives the same bytes."""
        content = {"formatVersion": FORMAT_VERSION, **asdict(self)}
        for optional in ("builds", "weights"):
            if not content[optional]:
                del content[optional]
        return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def sha256(content: bytes) -> str:
    """64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def package_digest(manifest_bytes: bytes) -> str:
    """The digest by which an InferenceModel names this package."""
    return f"sha256:{sha256(manifest_bytes)}"
