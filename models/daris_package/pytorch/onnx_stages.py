"""Writes the stages of a module as ONNX too, so that the same package serves on nodes without a GPU."""

import contextlib
import importlib
import importlib.util
import io
import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from onnx import ModelProto
from torch import fx, nn

from daris_package.compare import elements
from daris_package.engine import Engine, StagedEngine
from daris_package.errors import PackageError
from daris_package.manifest import Stage
from daris_package.pytorch.difference import Whole, whole_difference
from daris_package.pytorch.retarget import blanks
from daris_package.pytorch.stages import TYPES, StagedModule
from daris_package.split import StagePart
from daris_package.stage_model import to_bytes

# The newest that OpenVINO, ONNX Runtime and torch's exporter all know.
OPSET = 20


class _Cast(nn.Module):
    """Computes in FP32 whatever the datatypes at its borders: CPUs compute FP16 slowly or not at all."""

    def __init__(self, stage: fx.GraphModule, outputs: Sequence[torch.dtype]) -> None:
        super().__init__()
        self.stage = stage
        self.outputs = tuple(outputs)

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        answered = self.stage(*(value.float() if value.is_floating_point() else value for value in inputs))
        return tuple(value.to(dtype) for value, dtype in zip(answered, self.outputs, strict=True))


def onnx_stages(staged: StagedModule) -> list[bytes]:
    """The ONNX file of each stage."""
    return [_onnx_stage(staged, index) for index in range(len(staged.stages))]


def _onnx_stage(staged: StagedModule, index: int) -> bytes:
    stage = staged.stages[index]
    module = _Cast(staged.modules[index], [TYPES[staged.tensors[name].datatype] for name in stage.outputs])
    try:
        # The exporter prints and warns of its own parts.
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(action="ignore"):
            program = torch.onnx.export(
                module.eval(),
                blanks(staged, index, "cpu", "contiguous"),
                input_names=list(stage.inputs),
                output_names=list(stage.outputs),
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
    except Exception as error:
        reason = str(error).strip().partition("\n")[0][:300]
        raise PackageError(
            f"{stage.name} cannot be written as ONNX: {type(error).__name__}: {reason}; use --onnx-batches none"
        ) from error
    return to_bytes(_without_notes(program.model_proto), stage.name)


def _without_notes(model: ModelProto) -> ModelProto:
    """Drops the exporter's notes, which hold source paths of this machine."""
    model.ClearField("metadata_props")
    model.graph.ClearField("metadata_props")
    for part in (*model.graph.node, *model.graph.input, *model.graph.output, *model.graph.value_info):
        part.ClearField("doc_string")
        part.ClearField("metadata_props")
    for weight in model.graph.initializer:
        weight.ClearField("doc_string")
        weight.ClearField("metadata_props")
    return model


def compare_onnx(
    staged: StagedModule,
    contents: Sequence[bytes],
    whole: Whole,
    element: Mapping[str, np.ndarray],
    accepted: float,
) -> float:
    """How far the ONNX stages are from the whole eager module; raises PackageError beyond `accepted`."""
    parts = [StagePart(stage.name, (), stage.inputs, stage.outputs) for stage in staged.stages]
    engines = [cpu_engine(content, stage) for content, stage in zip(contents, staged.stages, strict=True)]
    inputs = {name: elements(value, staged.batch) for name, value in element.items()}
    got = StagedEngine(parts, engines).run(inputs)
    tensors = {name: torch.from_numpy(got[name]).to(whole.device) for name in staged.outputs}
    return whole_difference(whole, [torch.from_numpy(inputs[n]) for n in staged.inputs], tensors, accepted, "ONNX")


def cpu_engine(content: bytes, stage: Stage) -> "Engine | _OnnxRuntime":
    """What runs an ONNX stage here: OpenVINO as the runtime does, else ONNX Runtime."""
    if importlib.util.find_spec("openvino") is not None:
        return Engine(content, stage.name, stage.outputs)
    if importlib.util.find_spec("onnxruntime") is not None:
        return _OnnxRuntime(content, stage)
    raise PackageError(
        "the ONNX stages cannot be compared: neither openvino nor onnxruntime is installed; "
        "install one, or use --onnx-batches none"
    )


class _OnnxRuntime:
    """The part of Engine that a comparison uses."""

    def __init__(self, content: bytes, stage: Stage) -> None:
        session = importlib.import_module("onnxruntime").InferenceSession
        self.session = session(content, providers=["CPUExecutionProvider"])
        self.outputs = list(stage.outputs)

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return dict(zip(self.outputs, self.session.run(self.outputs, dict(inputs)), strict=True))
