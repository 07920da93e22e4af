"""Packages for engine `sim`: stages of which only the times are known, alone or beside what a package has."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

from daris_package.errors import PackageError
from daris_package.manifest import BATCH, Artifact, Manifest, Stage, Tensor, sha256
from daris_package.package import Package, assembled, check_name
from daris_package.source import open_source
from daris_package.stage_time import ENGINE, StageTime, stage_time_problems
from daris_package.verify import verify


@dataclass(frozen=True, slots=True)
class Spread:
    """How times vary: `deviation` is the standard deviation as a share of the mean."""

    deviation: float = 0
    distribution: str = "uniform"
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Simulation:
    """Mean times of the stages in microseconds, by batch size."""

    means_us: dict[int, tuple[float, ...]]
    spread: Spread = Spread()

    def stages(self) -> int:
        """How many stages there are; raises PackageError where batch sizes differ in it."""
        counts = {len(means) for means in self.means_us.values()}
        if len(counts) != 1:
            raise PackageError("--stages: give the same number of stages for each batch size")
        return counts.pop()


def simulate(name: str, simulation: Simulation) -> Package:
    """A package for engine `sim` alone: a chain of stages that hand on one number for each batch element."""
    check_name(name)
    count = simulation.stages()
    names = ["input", *(f"stage-{index}/out" for index in range(count - 1)), "output"]
    tensors = [Tensor(tensor, "FP32", (BATCH, 1)) for tensor in names]
    manifest = Manifest(
        name=name,
        inputs=(tensors[0],),
        outputs=(tensors[-1],),
        tensors=tuple(tensors[1:-1]),
        stages=tuple(Stage(f"stage-{i}", (names[i],), (names[i + 1],)) for i in range(count)),
        samples=(),
        artifacts=(),
    )
    return _with_simulation(manifest, {}, simulation)


def add_simulation(path: Path, simulation: Simulation) -> Package:
    """The package at `path` with times for engine `sim` beside its other artifacts, and instead of older ones."""
    manifest = verify(path).manifest
    if simulation.stages() != len(manifest.stages):
        raise PackageError(f"--stages: {manifest.name} has {len(manifest.stages)} stages, not {simulation.stages()}")
    kept = replace(manifest, artifacts=tuple(a for a in manifest.artifacts if a.engine != ENGINE))
    with open_source(path) as source:
        source.listing()
        files = {entry.file: source.read(entry.file) for entry in kept.files()}
    return _with_simulation(kept, files, simulation)


def _with_simulation(manifest: Manifest, files: dict[str, bytes], simulation: Simulation) -> Package:
    files = dict(files)
    artifacts = list(manifest.artifacts)
    for batch, means_us in simulation.means_us.items():
        for index, (stage, mean_us) in enumerate(zip(manifest.stages, means_us, strict=True)):
            file = f"{ENGINE}/batch-{batch}/{index:02}-{_file_name(stage.name)}.json"
            content = _content(file, mean_us, simulation.spread)
            files[file] = content
            artifacts.append(Artifact(ENGINE, stage.name, batch, "any", file, sha256(content), len(content)))
    whole = replace(manifest, artifacts=tuple(artifacts))
    return assembled(whole, files)


def _content(file: str, mean_us: float, spread: Spread) -> bytes:
    deviation_us = math.floor(mean_us * spread.deviation * 1e3) / 1e3
    content = StageTime(mean_us, deviation_us, spread.distribution, spread.seed).to_bytes()
    problems = stage_time_problems(file, content)
    if problems:
        raise PackageError(problems)
    return content


def _file_name(stage: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in stage)
