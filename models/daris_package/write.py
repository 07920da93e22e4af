"""Writes a package as a folder or a tar, whole or not at all: into a temporary name, then renamed."""

import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

from daris_package.errors import PackageError
from daris_package.manifest import MANIFEST_FILE

Files = Mapping[str, bytes]


def write_folder(files: Files, target: Path) -> None:
    """The package as a folder; replaces an older package, and nothing else."""
    if target.is_symlink() or (target.exists() and not _replaceable(target)):
        raise PackageError(f"{target} exists and is no package; choose another --output or remove it")
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        for name, content in files.items():
            _write_synced(staging / "new" / name, content)
        if target.exists():
            target.rename(staging / "old")
        (staging / "new").rename(target)
        _sync_folder(target.parent)
    finally:
        shutil.rmtree(staging)


def _replaceable(target: Path) -> bool:
    return target.is_dir() and ((target / MANIFEST_FILE).is_file() or not any(target.iterdir()))


def write_file(content: bytes, target: Path) -> None:
    """One file, replaced in one step."""
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        _write_synced(staging / "new", content)
        (staging / "new").replace(target)
        _sync_folder(target.parent)
    finally:
        shutil.rmtree(staging)


def write_tar(files: Files, target: Path) -> None:
    """The package as a tar whose bytes depend on the files alone: no times, owners or order of a disk."""
    if target.is_dir():
        raise PackageError(f"{target} is a folder; choose another --output")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            member.mode = 0o644
            tar.addfile(member, io.BytesIO(content))
    write_file(buffer.getvalue(), target)


def _write_synced(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
