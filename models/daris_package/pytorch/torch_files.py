"""The torch engine's part of a package: each stage compiled for each batch size, checked, and its weights once."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from daris_package.manifest import Artifact, Weights, sha256
from daris_package.pytorch import compiler
from daris_package.pytorch.check import Checker
from daris_package.pytorch.compiled_run import CompiledStage
from daris_package.pytorch.retarget import blanks, compute_module
from daris_package.pytorch.shared_weights import SharedWeights
from daris_package.pytorch.work import Work

Report = Callable[[str], None]
Artifacts = dict[Artifact, bytes]
Files = Mapping[Artifact | Weights, bytes]

_CHECKS_AT_ONCE = 4  # each holds the tensors of a batch several times


def torch_files(work: Work, element: Mapping[str, np.ndarray], report: Report) -> Files:
    """The compiled stages of all batch sizes, and the weights that they share.

    Raises PackageError unless they compute what the whole module does.
    """
    plan = work.plan
    workers = plan.workers or compiler.default_workers(len(plan.batches) * len(work.any_staged.stages))
    files: Artifacts = {}
    with tempfile.TemporaryDirectory(prefix="daris-package-") as name:
        folder = Path(name)
        compiled: dict[tuple[int, str], compiler.Compiled] = {}
        for made in compiler.compile_all(_jobs(work, folder), workers, plan.tf32):
            compiled[made.job.batch, made.job.stage] = made
            report(f"compiled {made.job.stage} for batch {made.job.batch} and {work.arch}")
        shared = {stage.name: SharedWeights() for stage in work.any_staged.stages}
        for batch in plan.batches:
            files |= _batch_files(work, batch, compiled, shared, folder)
    weights = {name: each.content() for name, each in shared.items()}

    def difference(batch: int) -> float:
        parts = {a.stage: CompiledStage(files[a], weights[a.stage]) for a in files if a.batch == batch}
        return Checker(work.whole, work.staged[batch], plan).check(parts, element)

    # Each check waits for most of its time for a process of its own to load torch.
    with ThreadPoolExecutor(min(workers, _CHECKS_AT_ONCE)) as pool:
        for batch, found in zip(plan.batches, pool.map(difference, plan.batches), strict=True):
            report(f"batch {batch}: stages and whole module differ by {found:.1e} (at most {plan.accepted:.0e})")
    return files | _weight_files(work, weights)


def _batch_files(
    work: Work,
    batch: int,
    compiled: Mapping[tuple[int, str], compiler.Compiled],
    shared: Mapping[str, SharedWeights],
    folder: Path,
) -> Artifacts:
    files: Artifacts = {}
    for index, stage in enumerate(work.any_staged.stages):
        made = compiled[batch, stage.name]
        places = shared[stage.name].add(torch.load(made.weights))
        compiler.write_pt2(made, places, folder / "stage.pt2")
        content = (folder / "stage.pt2").read_bytes()
        file = f"torch/{work.arch}/batch-{batch:04}/{index:02}-{stage.name}.pt2"
        files[Artifact("torch", stage.name, batch, work.arch, file, sha256(content), len(content))] = content
    return files


def _weight_files(work: Work, weights: Mapping[str, bytes]) -> dict[Weights, bytes]:
    files: dict[Weights, bytes] = {}
    for index, (stage, content) in enumerate(weights.items()):
        file = f"torch/{work.arch}/weights/{index:02}-{stage}.bin"
        if content:
            files[Weights("torch", stage, work.arch, file, sha256(content), len(content))] = content
    return files


def _jobs(work: Work, folder: Path) -> Iterator[compiler.Job]:
    """Exports each stage for the compiler; large batches, which take longest, first."""
    plan = work.plan
    for batch in sorted(plan.batches, reverse=True):
        staged = work.staged[batch]
        for index, stage in enumerate(staged.stages):
            module = compute_module(staged, index, plan.precision, plan.device, plan.layout)
            program = folder / f"{batch:04}-{stage.name}.program.pt2"
            with torch.no_grad():
                exported = torch.export.export(module, blanks(staged, index, plan.device, plan.layout), strict=False)
            torch.export.save(exported, program)
            metadata = {
                "daris_stage": stage.name,
                "daris_batch": str(batch),
                "daris_arch": work.arch,
                "daris_torch": torch.__version__,
                "daris_cuda": compiler.cuda_version(),
            }
            yield compiler.Job(stage.name, batch, program, metadata)
