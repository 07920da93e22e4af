"""Runs models in OpenVINO with the runtime's settings: f32, one thread, in the calling thread.

Without them OpenVINO computes in bf16 where it can and on all cores, and comparisons say nothing.
"""

import importlib
import sys
import time
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from daris_package.errors import PackageError
from daris_package.split import StagePart

if TYPE_CHECKING:
    import openvino

SETTINGS = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1, "ENABLE_CPU_PINNING": False}

Arrays = dict[str, np.ndarray]


@cache
def _core() -> "openvino.Core":
    # OpenVINO reports each import to an analytics server unless this module is missing; None makes it so.
    sys.modules.setdefault("openvino_telemetry", None)
    try:
        return importlib.import_module("openvino").Core()
    except ImportError as error:
        raise PackageError(f"running ONNX stages needs openvino, which cannot be imported ({error})") from error


class Engine:
    """A compiled ONNX model with one infer request; `outputs` are the tensors that `run` answers with."""

    def __init__(self, onnx_bytes: bytes, name: str, outputs: Sequence[str]) -> None:
        try:
            self.model = _core().compile_model(_core().read_model(onnx_bytes), "CPU", SETTINGS)
        except RuntimeError as error:
            raise PackageError(f"OpenVINO cannot load {name}: {_last_line(error)}") from error
        self.request = self.model.create_infer_request()
        self.outputs = tuple(outputs)

    def run(self, inputs: Mapping[str, np.ndarray]) -> Arrays:
        """All outputs by name, copied out of the request."""
        self.request.infer(dict(inputs))
        return {name: self.request.get_tensor(name).data.copy() for name in self.outputs}

    def fastest_us(self, repetitions: int) -> float:
        """The shortest CPU time of one run, in microseconds, on the inputs of the last `run`."""
        best = float("inf")
        for _ in range(repetitions):
            start = time.thread_time_ns()
            self.request.infer()
            best = min(best, time.thread_time_ns() - start)
        return best / 1000


class StagedEngine:
    """The stages of a model, run one after another as the runtime does."""

    def __init__(self, parts: list[StagePart], engines: list[Engine]) -> None:
        self.parts = parts
        self.engines = engines

    def run(self, inputs: Mapping[str, np.ndarray]) -> Arrays:
        """Every tensor that crosses a border, and the outputs."""
        tensors: Arrays = dict(inputs)
        for part, engine in zip(self.parts, self.engines, strict=True):
            tensors |= engine.run({name: tensors[name] for name in part.inputs})
        return tensors


def _last_line(error: RuntimeError) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"
