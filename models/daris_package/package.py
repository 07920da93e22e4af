"""A package in memory: its name, its samples, and the check that it keeps its own rules."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from daris_package import samples
from daris_package.errors import PackageError
from daris_package.joins import join_problems
from daris_package.manifest import MANIFEST_FILE, Manifest, Sample, Tensor, package_digest, sha256
from daris_package.manifest_parse import parse_manifest

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Package:
    """A package in memory; `files` has the manifest first."""

    manifest: Manifest
    files: dict[str, bytes]

    @property
    def digest(self) -> str:
        return package_digest(self.files[MANIFEST_FILE])


def check_name(name: str) -> None:
    """Raises PackageError where Kubernetes would not take the name."""
    if not _NAME.fullmatch(name):
        raise PackageError(
            f"name '{name}' is no DNS label; use lower-case letters, digits and '-', 63 at most (--name)"
        )


def sample_elements(inputs: Sequence[Tensor], name: str, arguments: Sequence[str]) -> dict[str, np.ndarray]:
    """One batch element of each input: from a file of --sample, else a pattern that the name decides."""
    given = samples.parse_sample_arguments(list(arguments), list(inputs))
    return {
        tensor.name: samples.load_sample(given[tensor.name], tensor)
        if tensor.name in given
        else samples.pattern(tensor, f"{name}/{tensor.name}")
        for tensor in inputs
    }


def sample_files(element: Mapping[str, np.ndarray]) -> dict[Sample, bytes]:
    """The manifest's entries for the samples, with their files' content."""
    files = {}
    for index, (name, value) in enumerate(element.items()):
        content = value.tobytes()
        files[Sample(name, f"samples/{index:02}.bin", sha256(content), len(content))] = content
    return files


def assembled(manifest: Manifest, files: Mapping[str, bytes]) -> Package:
    """The package; guards the tool against itself: what it writes must pass what it checks."""
    content = manifest.to_bytes()
    problems = join_problems(parse_manifest(content))
    if problems:
        raise PackageError(problems)
    return Package(manifest, {MANIFEST_FILE: content, **files})
