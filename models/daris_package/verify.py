"""Checks a whole package as the runtime does before it loads anything, and names every fault."""

from dataclasses import dataclass
from pathlib import Path

from daris_package.errors import PackageError
from daris_package.joins import join_problems
from daris_package.manifest import MANIFEST_FILE, Artifact, Manifest, Sample, Weights, package_digest, sha256
from daris_package.manifest_parse import (
    MAX_FILES,
    MAX_MANIFEST_BYTES,
    MAX_PACKAGE_BYTES,
    parse_manifest,
)
from daris_package.source import Listing, Source, open_source
from daris_package.stage_time import ENGINE, stage_time_problems
from daris_package.verify_onnx import onnx_problems
from daris_package.verify_pt2 import pt2_problems


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


def _check_file(manifest: Manifest, entry: Sample | Artifact | Weights, source: Source, size: int) -> list[str]:
    if size != entry.bytes:
        kind = "truncated" if size < entry.bytes else "too long"
        return [f"{entry.file}: {kind}: it has {size} bytes, {MANIFEST_FILE} says {entry.bytes}"]
    content = source.read(entry.file)
    if sha256(content) != entry.sha256:
        return [f"{entry.file}: its sha256 is {sha256(content)}, {MANIFEST_FILE} says {entry.sha256}"]
    if isinstance(entry, Artifact) and entry.file.endswith(".onnx"):
        return onnx_problems(manifest, entry, content)
    if isinstance(entry, Artifact) and entry.engine == ENGINE:
        return stage_time_problems(entry.file, content)
    if isinstance(entry, Artifact) and entry.engine == "torch":
        return pt2_problems(entry, content)
    return []
