"""Reads a package from a folder or a tar alike: a listing of plain files, and their bytes.

Neither reader ever follows a link or leaves the package: what is not a plain file is a problem.
"""

import os
import stat
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self

from daris_package.errors import PackageError
from daris_package.manifest_parse import is_safe_path


@dataclass(frozen=True, slots=True)
class Listing:
    """Plain files by path with their sizes, and a sentence for everything else that was found."""

    files: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


class Source(Protocol):
    """A package's files. `read` takes only paths that `listing` holds."""

    def listing(self) -> Listing: ...
    def read(self, path: str) -> bytes: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *exception: object) -> None: ...


def open_source(path: Path) -> Source:
    """The package at a path: a folder, or a tar of a folder's content."""
    if path.is_dir():
        return FolderSource(path)
    if path.is_file() and path.suffix == ".tar":
        return TarSource(path)
    if path.is_file():
        raise PackageError(f"{path}: is no folder, and its name does not end in .tar")
    raise PackageError(f"{path}: no such folder or tar")


class FolderSource:
    """A package as a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def listing(self) -> Listing:
        found = Listing()
        self._walk(self.root, found)
        return found

    def _walk(self, folder: Path, found: Listing) -> None:
        with os.scandir(folder) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
        for entry in ordered:
            name = Path(entry.path).relative_to(self.root).as_posix()
            if entry.is_symlink():
                found.problems.append(f"{name}: is a symbolic link; a package holds plain files only")
            elif entry.is_dir(follow_symlinks=False):
                self._walk(Path(entry.path), found)
            elif entry.is_file(follow_symlinks=False):
                found.files[name] = entry.stat(follow_symlinks=False).st_size
            else:
                found.problems.append(f"{name}: is a special file; a package holds plain files only")

    def read(self, path: str) -> bytes:
        # O_NOFOLLOW: a file that was replaced by a link since it was listed is refused, not followed.
        descriptor = os.open(self.root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise PackageError(f"{path}: is not a plain file")
            return file.read()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        return None


class TarSource:
    """A package as an uncompressed tar."""

    def __init__(self, path: Path) -> None:
        try:
            self.tar = tarfile.open(path, mode="r:")  # noqa: SIM115 (closed by __exit__)
        except tarfile.TarError as error:
            raise PackageError(f"{path}: not an uncompressed tar: {error}") from error
        self.members: dict[str, tarfile.TarInfo] = {}

    def listing(self) -> Listing:
        found = Listing()
        try:
            members = self.tar.getmembers()
        except (tarfile.TarError, EOFError) as error:
            raise PackageError(f"the tar is damaged: {error}") from error
        for member in members:
            self._add(member, found)
        return found

    def _add(self, member: tarfile.TarInfo, found: Listing) -> None:
        name = member.name.removeprefix("./")
        if member.isdir() and name in ("", "."):
            return
        if not is_safe_path(name):
            found.problems.append(f"{member.name}: leaves the package, or is not a plain relative path")
        elif member.isdir():
            return
        elif member.issym() or member.islnk():
            found.problems.append(f"{name}: is a link; a package holds plain files only")
        elif not member.isreg():
            found.problems.append(f"{name}: is a special file; a package holds plain files only")
        elif name in self.members:
            found.problems.append(f"{name}: is in the tar twice")
        else:
            self.members[name] = member
            found.files[name] = member.size

    def read(self, path: str) -> bytes:
        file = self.tar.extractfile(self.members[path])
        if file is None:
            raise PackageError(f"{path}: is not a plain file")
        try:
            return file.read()
        except (tarfile.TarError, EOFError) as error:
            raise PackageError(f"{path}: the tar is damaged: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.tar.close()
