"""What `daris-package inspect` prints of a package."""

from collections.abc import Iterator
from pathlib import Path

from daris_package.engine import Engine
from daris_package.manifest import Manifest, Tensor
from daris_package.samples import pattern
from daris_package.source import open_source
from daris_package.verify import Verified

_REPETITIONS = 200


def describe_package(verified: Verified) -> Iterator[str]:
    """One line for each part of a package."""
    manifest = verified.manifest
    yield f"name    {manifest.name}"
    yield f"digest  {verified.digest}"
    for title, tensors in (("inputs", manifest.inputs), ("outputs", manifest.outputs), ("tensors", manifest.tensors)):
        yield f"{title}:"
        yield from (f"  {_tensor(tensor)}" for tensor in tensors)
    yield "stages:"
    yield from (f"  {s.name}: {', '.join(s.inputs)} -> {', '.join(s.outputs)}" for s in manifest.stages)
    yield "samples:"
    yield from (f"  {s.input}: {s.file} ({s.bytes} bytes)" for s in manifest.samples)
    yield "artifacts:"
    for a in manifest.artifacts:
        yield f"  {a.engine} {a.arch} batch {a.batch} {a.stage}: {a.file} ({a.bytes} bytes)"
    if manifest.weights:
        yield "weights:"
    yield from (f"  {w.engine} {w.arch} {w.stage}: {w.file} ({w.bytes} bytes)" for w in manifest.weights)
    if manifest.builds:
        yield "builds:"
    for b in manifest.builds:
        tf32 = ", TF32" if b.tf32 else ""
        yield (
            f"  {b.engine} {b.arch}: {b.version}, CUDA {b.cuda}, {b.precision}{tf32}, {b.layout}, "
            f"within {b.tolerance:.0e} of the whole model"
        )


def _tensor(tensor: Tensor) -> str:
    dims = ", ".join(str(dim) for dim in tensor.shape[1:])
    return f"{tensor.name} {tensor.datatype}[batch{', ' if dims else ''}{dims}]"


def measure_stages(path: Path, manifest: Manifest, batch: int) -> dict[str, float]:
    """The shortest CPU time of each OpenVINO stage at `batch`, in microseconds on one core of this machine."""
    times: dict[str, float] = {}
    with open_source(path) as source:
        source.listing()
        for artifact in manifest.artifacts:
            if artifact.engine != "openvino" or artifact.batch != batch:
                continue
            stage = next(s for s in manifest.stages if s.name == artifact.stage)
            engine = Engine(source.read(artifact.file), artifact.file, stage.outputs)
            tensors = [manifest.tensor(name) for name in stage.inputs]
            engine.run({t.name: pattern(t, t.name)[None].repeat(batch, axis=0) for t in tensors})
            times[stage.name] = engine.fastest_us(_REPETITIONS)
    return times
