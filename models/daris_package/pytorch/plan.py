"""What to make of a PyTorch module: the options of `daris-package torch`, checked without importing torch."""

import re
from dataclasses import dataclass
from pathlib import Path

from daris_package.datatypes import DATATYPES
from daris_package.errors import PackageError

PRECISIONS = {"fp16": "FP16", "fp32": "FP32"}

# Relative to each tensor's largest value. FP16 has 11 bits, and the error of each of some hundred layers adds up.
TOLERANCES = {"FP16": 2e-2, "FP32": 1e-4}

_INPUT = re.compile(r"([1-9][0-9]*(?:x[1-9][0-9]*)*)(?::([A-Z0-9]+))?")


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One argument of forward: its shape without the batch, and its datatype (None: the package's precision)."""

    shape: tuple[int, ...]
    datatype: str | None = None


@dataclass(frozen=True, slots=True)
class TorchPlan:
    """Everything that the package depends on. `split` empty: `stages` stages of about equal time."""

    name: str
    model: str
    batches: tuple[int, ...]
    onnx_batches: tuple[int, ...] = ()
    inputs: tuple[InputSpec, ...] = (InputSpec((3, 224, 224)),)
    precision: str = "FP16"
    stages: int = 4
    split: tuple[str, ...] = ()
    device: str = "cuda"
    tf32: bool = False
    tolerance: float | None = None
    weights: Path | None = None
    seed: int = 0
    workers: int | None = None
    sample_arguments: tuple[str, ...] = ()

    @property
    def accepted(self) -> float:
        """The largest accepted difference."""
        return self.tolerance if self.tolerance is not None else TOLERANCES[self.precision]

    @property
    def layout(self) -> str:
        """How border tensors lie in memory: tensor cores read FP16 images with the channels innermost."""
        return "channels_last" if self.precision == "FP16" else "contiguous"


def parse_input(text: str) -> InputSpec:
    """`3x224x224` or `128:INT64`: one batch element of an argument of forward."""
    match = _INPUT.fullmatch(text)
    if not match or match.group(2) not in (None, *DATATYPES):
        raise PackageError(
            f"--input {text}: expected the sizes of one batch element, such as 3x224x224, or with a datatype, "
            f"such as 128:INT64 (one of {', '.join(DATATYPES)})"
        )
    return InputSpec(tuple(int(size) for size in match.group(1).split("x")), match.group(2))


def parse_split(arguments: list[str]) -> tuple[str, ...]:
    """`["layer1,layer2", "layer3"]` → all three names."""
    names = tuple(name for argument in arguments for name in argument.split(","))
    if not all(names):
        raise PackageError("--split has an empty name; write --split layer2,layer3")
    return names
