"""Whether the parts of a manifest fit together: tensors that join, names that occur once, complete batches."""

from collections import Counter
from collections.abc import Iterable

from daris_package.manifest import Manifest


def join_problems(manifest: Manifest) -> list[str]:
    """One sentence for each part that does not fit; empty where the stages form one model."""
    return [
        *_duplicates(manifest),
        *_stage_tensors(manifest),
        *_samples(manifest),
        *_artifact_stages(manifest),
        *_builds(manifest),
        *_weights(manifest),
    ]


def _duplicates(manifest: Manifest) -> Iterable[str]:
    tensors = [t.name for t in (*manifest.inputs, *manifest.outputs, *manifest.tensors)]
    artifacts = [f"{a.engine}, {a.stage}, batch {a.batch}, {a.arch}" for a in manifest.artifacts]
    named = {
        "tensor": tensors,
        "stage": [s.name for s in manifest.stages],
        "sample for input": [s.input for s in manifest.samples],
        "artifact for": artifacts,
        "build for": [f"{b.engine}, {b.arch}" for b in manifest.builds],
        "weights of": [f"{w.engine}, {w.stage}, {w.arch}" for w in manifest.weights],
    }
    for stage in manifest.stages:
        named[f"stage '{stage.name}': input"] = list(stage.inputs)
    for kind, names in named.items():
        for name, count in Counter(names).items():
            if count > 1:
                yield f"model.json: {kind} '{name}' occurs {count} times"


def _stage_tensors(manifest: Manifest) -> Iterable[str]:
    declared = {t.name for t in (*manifest.inputs, *manifest.outputs, *manifest.tensors)}
    inputs = {t.name for t in manifest.inputs}
    maker: dict[str, str] = {}
    for stage in manifest.stages:
        for name in stage.inputs:
            if name not in inputs and name not in maker:
                yield f"stage '{stage.name}' reads '{name}', which is no model input and no earlier stage writes"
        for name in stage.outputs:
            if name in inputs:
                yield f"stage '{stage.name}' writes '{name}', which is a model input"
            elif name in maker:
                yield f"stage '{stage.name}' writes '{name}', which stage '{maker[name]}' writes already"
            if name not in declared:
                yield f"stage '{stage.name}' writes '{name}', which is in neither 'outputs' nor 'tensors'"
            maker.setdefault(name, stage.name)
    for tensor in (*manifest.outputs, *manifest.tensors):
        if tensor.name not in maker:
            kind = "output" if tensor in manifest.outputs else "tensor"
            yield f"{kind} '{tensor.name}' is written by no stage"


def _samples(manifest: Manifest) -> Iterable[str]:
    inputs = {t.name: t for t in manifest.inputs}
    for sample in manifest.samples:
        tensor = inputs.get(sample.input)
        if tensor is None:
            yield f"sample '{sample.file}' is for '{sample.input}', which is no model input"
        elif sample.bytes != tensor.element_bytes():
            yield (
                f"sample '{sample.file}' has {sample.bytes} bytes; one batch element of "
                f"'{tensor.name}' has {tensor.element_bytes()}"
            )


def _artifact_stages(manifest: Manifest) -> Iterable[str]:
    stages = [s.name for s in manifest.stages]
    for artifact in manifest.artifacts:
        if artifact.stage not in stages:
            yield f"artifact '{artifact.file}' is for stage '{artifact.stage}', which does not exist"
    for engine, batch, arch in sorted({(a.engine, a.batch, a.arch) for a in manifest.artifacts}):
        have = {a.stage for a in manifest.artifacts if (a.engine, a.batch, a.arch) == (engine, batch, arch)}
        for stage in stages:
            if stage not in have:
                yield f"no artifact for stage '{stage}' with engine {engine}, batch {batch}, arch {arch}"


def _builds(manifest: Manifest) -> Iterable[str]:
    """Compiled code is refused by its build alone, so an engine that loads such code needs one."""
    compiled = {(a.engine, a.arch) for a in manifest.artifacts}
    built = {(b.engine, b.arch) for b in manifest.builds}
    for engine, arch in sorted(built - compiled):
        yield f"the build for engine {engine}, arch {arch} has no artifacts"
    for engine, arch in sorted(compiled - built):
        if engine == "torch":
            yield f"the artifacts of engine torch for arch {arch} have no entry in 'builds'"


def _weights(manifest: Manifest) -> Iterable[str]:
    readers = {(a.engine, a.stage, a.arch) for a in manifest.artifacts}
    for weights in manifest.weights:
        if (weights.engine, weights.stage, weights.arch) not in readers:
            yield (
                f"weights '{weights.file}' are for stage '{weights.stage}' with engine {weights.engine}, "
                f"arch {weights.arch}, which has no artifacts"
            )
