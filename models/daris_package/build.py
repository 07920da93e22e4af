"""Builds a package from an ONNX model: split, describe, compare with the whole model, list the files."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import ModelProto

from daris_package import compare
from daris_package.engine import Engine, StagedEngine
from daris_package.errors import PackageError
from daris_package.graph import Graph
from daris_package.manifest import Artifact, Manifest, Stage, Tensor, sha256
from daris_package.package import Package, assembled, check_name, sample_elements, sample_files
from daris_package.shapes import describe, value_infos, with_batch
from daris_package.split import Borders, StagePart, split
from daris_package.stage_model import stage_model, to_bytes


@dataclass(frozen=True, slots=True)
class Plan:
    """What to make of a model. `sample_arguments` are those of --sample."""

    name: str
    borders: Borders
    batches: tuple[int, ...] = (1,)
    sample_arguments: tuple[str, ...] = ()


def load_model(file: Path) -> ModelProto:
    """The ONNX model in a file, with its weights wherever they lie."""
    try:
        model = onnx.load(file)
    except FileNotFoundError as error:
        raise PackageError(f"{file}: no such file") from error
    except (DecodeError, onnx.checker.ValidationError, OSError, ValueError) as error:
        raise PackageError(f"{file}: not a complete ONNX model: {error}") from error
    if not model.graph.node:
        raise PackageError(f"{file}: not a complete ONNX model: it has no nodes")
    return model


def default_name(file: Path) -> str:
    """A model name from a file name."""
    return re.sub(r"[^a-z0-9]+", "-", file.stem.lower()).strip("-")


def build(model: ModelProto, plan: Plan, report: Callable[[str], None]) -> Package:
    """The package that `plan` describes; raises PackageError where it would not compute what the model does."""
    check_name(plan.name)
    staged = _stage(model, plan)
    element = sample_elements(staged.inputs, plan.name, plan.sample_arguments)
    contents = {batch: _stage_contents(model, staged, batch) for batch in plan.batches}
    _compare_all(staged, contents, element, report)
    return _assemble(plan.name, staged, contents, element)


@dataclass(frozen=True, slots=True)
class _Staged:
    """A model at batch 1 with its stages; `tensors` has all that cross a border, inputs and outputs included."""

    whole: ModelProto
    parts: list[StagePart]
    tensors: dict[str, Tensor]
    inputs: list[Tensor]
    outputs: list[Tensor]


def _stage(model: ModelProto, plan: Plan) -> _Staged:
    whole = with_batch(model, 1)
    graph = Graph(whole.graph)
    parts = split(graph, plan.borders)
    tensors = _tensors(whole, [*graph.inputs, *(name for part in parts for name in part.outputs)], 1)
    inputs = [tensors[name] for name in graph.inputs]
    return _Staged(whole, parts, tensors, inputs, [tensors[name] for name in graph.outputs])


def _assemble(
    name: str, staged: _Staged, contents: Mapping[int, list[bytes]], element: Mapping[str, np.ndarray]
) -> Package:
    given = sample_files(element)
    files = {sample.file: content for sample, content in given.items()}
    artifacts = []
    for batch, stages in contents.items():
        for index, (part, content) in enumerate(zip(staged.parts, stages, strict=True)):
            file = f"openvino/batch-{batch}/{index:02}-{part.name}.onnx"
            files[file] = content
            artifacts.append(Artifact("openvino", part.name, batch, "any", file, sha256(content), len(content)))
    manifest = Manifest(
        name=name,
        inputs=tuple(staged.inputs),
        outputs=tuple(staged.outputs),
        tensors=tuple(t for t in staged.tensors.values() if t not in staged.inputs and t not in staged.outputs),
        stages=tuple(Stage(part.name, part.inputs, part.outputs) for part in staged.parts),
        samples=tuple(given),
        artifacts=tuple(artifacts),
    )
    return assembled(manifest, files)


def _tensors(model: ModelProto, names: list[str], batch: int) -> dict[str, Tensor]:
    infos = value_infos(model)
    return {name: describe(infos, name, batch) for name in names}


def _stage_contents(model: ModelProto, staged: _Staged, batch: int) -> list[bytes]:
    """The ONNX file of each stage at one batch size."""
    whole = with_batch(model, batch)
    if _tensors(whole, list(staged.tensors), batch) != staged.tensors:
        raise PackageError(f"at batch {batch} the tensors at the borders have other shapes; use --batches 1")
    return [to_bytes(stage_model(whole, part, staged.tensors, batch), part.name) for part in staged.parts]


def _compare_all(
    staged: _Staged,
    contents: Mapping[int, list[bytes]],
    element: Mapping[str, np.ndarray],
    report: Callable[[str], None],
) -> None:
    outputs = [tensor.name for tensor in staged.outputs]
    reference = Engine(to_bytes(staged.whole, "the model"), "the whole model", outputs)
    for batch, stages in contents.items():
        engines = [Engine(content, part.name, part.outputs) for part, content in zip(staged.parts, stages, strict=True)]
        distance = compare.difference(reference, StagedEngine(staged.parts, engines), element, batch)
        compare.require_equal(distance, batch)
        report(f"batch {batch}: staged and whole outputs differ by {distance:.1e} (at most {compare.TOLERANCE:.0e})")
