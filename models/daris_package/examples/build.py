"""Builds the example packages into a folder, and leaves alone what is up to date.

Layout: `<name>/` is a package, `<name>.onnx` beside it the whole model, `examples.json` what made them.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import daris_package
from daris_package.build import Plan, build
from daris_package.errors import PackageError
from daris_package.examples.models import EXAMPLES, ExampleModel
from daris_package.manifest import sha256
from daris_package.stage_model import to_bytes
from daris_package.verify import verify
from daris_package.write import write_file, write_folder

STAMP_FILE = "examples.json"


@dataclass(frozen=True, slots=True)
class BuiltExample:
    """An example in the output folder; `outcome` is `built` or `up to date`."""

    name: str
    digest: str
    outcome: str


def build_examples(output: Path, examples: Sequence[ExampleModel] = EXAMPLES) -> Iterator[BuiltExample]:
    """Builds what is missing, damaged or made by another version of this tool."""
    tool = tool_fingerprint()
    stamp = _read_stamp(output / STAMP_FILE)
    known = stamp["examples"] if stamp.get("tool") == tool else {}
    made: dict[str, dict[str, str]] = {}
    for example in examples:
        entry, outcome = known.get(example.name), "up to date"
        if entry is None or not _intact(output, example.name, entry):
            entry, outcome = _build(output, example), "built"
        made[example.name] = entry
        yield BuiltExample(example.name, entry["digest"], outcome)
    if made != known:
        content = json.dumps({"tool": tool, "examples": made}, indent=2) + "\n"
        write_file(content.encode(), output / STAMP_FILE)


def tool_fingerprint() -> str:
    """Changes with whatever can change the bytes: this tool's version and source, and onnx."""
    source = hashlib.sha256()
    root = Path(daris_package.__file__).parent
    for file in sorted(root.rglob("*.py")):
        source.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return f"{daris_package.__version__} onnx-{version('onnx')} source-{source.hexdigest()[:16]}"


def _build(output: Path, example: ExampleModel) -> dict[str, str]:
    model = example.make(example.name)
    package = build(model, Plan(example.name, example.borders, example.batches), report=lambda _: None)
    whole = to_bytes(model, example.name)
    write_file(whole, output / f"{example.name}.onnx")
    write_folder(package.files, output / example.name)
    return {"digest": package.digest, "model": sha256(whole)}


def _intact(output: Path, name: str, entry: dict[str, str]) -> bool:
    try:
        digest = verify(output / name).digest
        whole = sha256((output / f"{name}.onnx").read_bytes())
    except (PackageError, OSError):
        return False
    return {"digest": digest, "model": whole} == entry


def _read_stamp(file: Path) -> dict:
    """The stamp of an earlier run; an unreadable one counts as none."""
    try:
        stamp = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    well_formed = isinstance(stamp, dict) and isinstance(stamp.get("examples"), dict)
    return stamp if well_formed else {}
