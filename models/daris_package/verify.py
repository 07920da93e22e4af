"""Checks a whole package as the runtime does before it loads anything, and names every fault."""

from dataclasses import dataclass
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from daris_package import datatypes
from daris_package.errors import PackageError
from daris_package.joins import join_problems
from daris_package.manifest import MANIFEST_FILE, Artifact, Manifest, Sample, package_digest, sha256
from daris_package.manifest_parse import (
    MAX_FILES,
    MAX_MANIFEST_BYTES,
    MAX_PACKAGE_BYTES,
    parse_manifest,
)
from daris_package.source import Listing, Source, open_source


@dataclass(frozen=True, slots=True)
class Verified:
    """A package without faults."""

    manifest: Manifest
    digest: str


def verify(path: Path) -> Verified:
    """The package at `path`, a folder or a tar; raises PackageError with all faults found."""
    with open_source(path) as source:
        listing = source.listing()
        _check_sizes(listing)
        if MANIFEST_FILE not in listing.files:
            raise PackageError([*listing.problems, f"{MANIFEST_FILE}: is missing"])
        if listing.files[MANIFEST_FILE] > MAX_MANIFEST_BYTES:
            raise PackageError(f"{MANIFEST_FILE}: more than {MAX_MANIFEST_BYTES} bytes")
        content = source.read(MANIFEST_FILE)
        manifest = parse_manifest(content)
        problems = [*listing.problems, *join_problems(manifest), *_file_set(manifest, listing)]
        for entry in manifest.files():
            if entry.file in listing.files:
                problems += _check_file(manifest, entry, source, listing.files[entry.file])
    if problems:
        raise PackageError(problems)
    return Verified(manifest, package_digest(content))


def _check_sizes(listing: Listing) -> None:
    total = sum(listing.files.values())
    if len(listing.files) > MAX_FILES:
        raise PackageError(f"the package has {len(listing.files)} files; at most {MAX_FILES} are accepted")
    if total > MAX_PACKAGE_BYTES:
        raise PackageError(f"the package has {total} bytes; at most {MAX_PACKAGE_BYTES} are accepted")


def _file_set(manifest: Manifest, listing: Listing) -> list[str]:
    named = {entry.file for entry in manifest.files()}
    missing = [f"{name}: is missing" for name in sorted(named - listing.files.keys())]
    unlisted = sorted(listing.files.keys() - named - {MANIFEST_FILE})
    return missing + [f"{name}: is not listed in {MANIFEST_FILE}" for name in unlisted]


def _check_file(manifest: Manifest, entry: Sample | Artifact, source: Source, size: int) -> list[str]:
    if size != entry.bytes:
        kind = "truncated" if size < entry.bytes else "too long"
        return [f"{entry.file}: {kind}: it has {size} bytes, {MANIFEST_FILE} says {entry.bytes}"]
    content = source.read(entry.file)
    if sha256(content) != entry.sha256:
        return [f"{entry.file}: its sha256 is {sha256(content)}, {MANIFEST_FILE} says {entry.sha256}"]
    if isinstance(entry, Artifact) and entry.file.endswith(".onnx"):
        return _check_onnx(manifest, entry, content)
    return []


def _check_onnx(manifest: Manifest, artifact: Artifact, content: bytes) -> list[str]:
    try:
        model = onnx.load_model_from_string(content)
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError, ValueError) as error:
        first_line = str(error).strip().partition("\n")[0]
        return [f"{artifact.file}: not a complete ONNX model: {first_line}"]
    stage = next((s for s in manifest.stages if s.name == artifact.stage), None)
    if stage is None:
        return []
    problems = [
        f"{artifact.file}: tensor '{initializer.name}' lies in an external file; embed it"
        for initializer in model.graph.initializer
        if initializer.data_location == onnx.TensorProto.EXTERNAL
    ]
    weights = {initializer.name for initializer in model.graph.initializer}
    found = {
        "input": {v.name: _signature(v) for v in model.graph.input if v.name not in weights},
        "output": {v.name: _signature(v) for v in model.graph.output},
    }
    for kind, names in (("input", stage.inputs), ("output", stage.outputs)):
        problems += _compare(manifest, artifact, kind, names, found[kind])
    return problems


def _signature(value: onnx.ValueInfoProto) -> tuple[int, tuple[int, ...]]:
    tensor = value.type.tensor_type
    return tensor.elem_type, tuple(dim.dim_value for dim in tensor.shape.dim)


def _compare(
    manifest: Manifest,
    artifact: Artifact,
    kind: str,
    names: tuple[str, ...],
    found: dict[str, tuple[int, tuple[int, ...]]],
) -> list[str]:
    declared = {t.name: t for t in (*manifest.inputs, *manifest.outputs, *manifest.tensors)}
    problems = [
        f"{artifact.file}: its {kind} '{name}' is no {kind} of stage '{artifact.stage}'"
        for name in found
        if name not in names
    ]
    for name in names:
        tensor = declared.get(name)
        if tensor is None:
            continue
        expected = (datatypes.to_onnx(tensor.datatype), tensor.batched(artifact.batch))
        if name not in found:
            problems.append(f"{artifact.file}: it has no {kind} '{name}'")
        elif found[name] != expected:
            problems.append(
                f"{artifact.file}: {kind} '{name}' is {_words(*found[name])}, {MANIFEST_FILE} says {_words(*expected)}"
            )
    return problems


def _words(onnx_type: int, shape: tuple[int, ...]) -> str:
    return f"{onnx.TensorProto.DataType.Name(onnx_type)}{list(shape)}"
