"""Checks a compiled PyTorch artifact without loading it: torch's loader would run what it finds."""

import io
import zipfile

from daris_package.manifest import Artifact
from daris_package.manifest_parse import is_safe_path

_FOLDER = "data/aotinductor/model/"


def pt2_problems(artifact: Artifact, content: bytes) -> list[str]:
    """One sentence for each reason not to hand this file to torch's loader."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile as error:
        return [f"{artifact.file}: not a complete .pt2 archive: {error}"]
    problems = [f"{artifact.file}: its entry '{name}' leaves the archive" for name in names if not is_safe_path(name)]
    libraries = [name for name in names if name.endswith(".so")]
    # torch's loader calls a compiler with commands from the archive where it finds sources alone.
    if not any(_FOLDER in name for name in libraries):
        problems.append(f"{artifact.file}: it has no compiled code of a model named 'model'; compile it again")
    return problems
