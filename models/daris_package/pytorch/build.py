"""Builds a package from a PyTorch module: trace, cut, compile each stage and batch, compare, list the files."""

import copy
import warnings
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from daris_package import compare, samples
from daris_package.errors import PackageError
from daris_package.manifest import BATCH, Artifact, Build, Manifest, Tensor, Weights, sha256
from daris_package.package import Package, assembled, check_name, sample_elements, sample_files
from daris_package.pytorch import compiler, cuts, onnx_stages
from daris_package.pytorch.difference import Whole
from daris_package.pytorch.plan import TorchPlan
from daris_package.pytorch.stages import StagedModule, cut
from daris_package.pytorch.timing import node_times
from daris_package.pytorch.torch_files import Files, Report, torch_files
from daris_package.pytorch.traced import Traced, trace
from daris_package.pytorch.weights import make_module
from daris_package.pytorch.work import Work

# Enough elements for the statistics of random weights.
_STATISTICS_BATCH = 4


def build(plan: TorchPlan, report: Report) -> Package:
    """The package that `plan` describes; raises PackageError where it would not compute what the module does."""
    check_name(plan.name)
    arch = compiler.arch_of(plan.device)
    compiler.use_tf32(plan.tf32)
    # torch's exporters warn of their own parts, a screenful for each stage.
    with warnings.catch_warnings(action="ignore"):
        work = _prepare(plan, arch, report)
        staged = work.any_staged
        inputs = [staged.tensors[name] for name in staged.inputs]
        element = sample_elements(inputs, plan.name, plan.sample_arguments)
        files = {**torch_files(work, element, report), **_onnx_files(work, element, report)}
    return _assemble(work, files, element)


def _prepare(plan: TorchPlan, arch: str, report: Report) -> Work:
    tensors = [Tensor(f"input{i}", s.datatype or plan.precision, (BATCH, *s.shape)) for i, s in enumerate(plan.inputs)]
    elements = [samples.pattern(tensor, f"{plan.name}/{tensor.name}") for tensor in tensors]
    statistics = [torch.from_numpy(compare.elements(element, _STATISTICS_BATCH)) for element in elements]
    module = make_module(plan, tuple(_float32(value) for value in statistics))
    staged: dict[int, StagedModule] = {}
    starts: list[str] = []
    for batch in dict.fromkeys((*plan.batches, *plan.onnx_batches)):
        inputs = [torch.from_numpy(compare.elements(element, batch)) for element in elements]
        traced = trace(module, tuple(_float32(value) for value in inputs))
        if plan.split:
            positions = cuts.named_cuts(traced, plan.split)
        elif plan.stages == 1:
            positions = []
        elif staged:
            positions = cuts.positions_of(traced, starts)
        else:
            positions = _timed_cuts(plan, traced, tuple(inputs), report)
            starts = [traced.nodes[position].name for position in positions]
        staged[batch] = cut(traced, positions, plan.split, plan.precision)
        _check_same(staged[batch], next(iter(staged.values())))
    return Work(plan, arch, _whole(module, plan, next(iter(staged.values()))), staged)


def _float32(value: torch.Tensor) -> torch.Tensor:
    return value.float() if value.is_floating_point() else value


def _timed_cuts(plan: TorchPlan, traced: Traced, inputs: tuple[torch.Tensor, ...], report: Report) -> list[int]:
    times = node_times(traced, inputs, plan.precision, plan.device, plan.layout)
    positions = cuts.timed_cuts(traced, times, plan.stages)
    bounds = [0, *positions, len(times)]
    shares = [sum(times[a:b]) / sum(times) for a, b in pairwise(bounds)]
    starts = ", ".join(traced.nodes[position].name for position in positions)
    report(
        f"{len(shares)} stages, shares of the time at batch {traced.batch}: "
        + ", ".join(f"{share:.0%}" for share in shares)
        + (f"; later ones start at {starts}" if starts else "")
    )
    return positions


def _check_same(staged: StagedModule, first: StagedModule) -> None:
    if staged.tensors != first.tensors or staged.stages != first.stages:
        raise PackageError(
            f"at batch {staged.batch} other tensors cross the borders than at batch {first.batch}; "
            "split elsewhere, or package each batch on its own"
        )


def _whole(module: nn.Module, plan: TorchPlan, staged: StagedModule) -> Whole:
    return Whole(copy.deepcopy(module).to(plan.device), plan.device, staged.inputs, staged.outputs)


def _onnx_files(work: Work, element: Mapping[str, np.ndarray], report: Report) -> dict[Artifact, bytes]:
    plan = work.plan
    files: dict[Artifact, bytes] = {}
    for batch in plan.onnx_batches:
        staged = work.staged[batch]
        contents = onnx_stages.onnx_stages(staged)
        found = onnx_stages.compare_onnx(staged, contents, work.whole, element, plan.accepted)
        report(f"batch {batch}: ONNX stages and whole module differ by {found:.1e} (at most {plan.accepted:.0e})")
        for index, (stage, content) in enumerate(zip(staged.stages, contents, strict=True)):
            file = f"openvino/batch-{batch:04}/{index:02}-{stage.name}.onnx"
            files[Artifact("openvino", stage.name, batch, "any", file, sha256(content), len(content))] = content
    return files


def _assemble(work: Work, files: Files, element: Mapping[str, np.ndarray]) -> Package:
    staged = work.any_staged
    given = sample_files(element)
    manifest = Manifest(
        name=work.plan.name,
        inputs=tuple(staged.tensors[name] for name in staged.inputs),
        outputs=tuple(staged.tensors[name] for name in staged.outputs),
        tensors=staged.borders,
        stages=staged.stages,
        samples=tuple(given),
        artifacts=tuple(file for file in files if isinstance(file, Artifact)),
        builds=_builds(work),
        weights=tuple(file for file in files if isinstance(file, Weights)),
    )
    listed = {sample.file: content for sample, content in given.items()}
    return assembled(manifest, listed | {file.file: content for file, content in files.items()})


def _builds(work: Work) -> tuple[Build, ...]:
    plan = work.plan
    compiled = Build(
        engine="torch",
        arch=work.arch,
        version=torch.__version__,
        cuda=compiler.cuda_version(),
        precision=plan.precision,
        tf32=plan.tf32,
        layout=plan.layout,
        tolerance=plan.accepted,
    )
    exported = Build(
        engine="openvino",
        arch="any",
        version=f"onnx-opset-{onnx_stages.OPSET}",
        cuda="none",
        precision="FP32",
        tf32=False,
        layout="contiguous",
        tolerance=plan.accepted,
    )
    return (compiled, exported) if plan.onnx_batches else (compiled,)
