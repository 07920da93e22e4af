"""Strict reading of `model.json`: unknown, missing and ill-typed fields are each named.

Nothing here touches a file; whether the parts fit together is joins.py, whether files match is verify.py.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from daris_package.datatypes import DATATYPES
from daris_package.errors import PackageError
from daris_package.manifest import BATCH, FORMAT_VERSION, Artifact, Manifest, Sample, Stage, Tensor

MAX_MANIFEST_BYTES = 1 << 20
MAX_STAGES = 64
MAX_FILES = 4096
MAX_PACKAGE_BYTES = 16 << 30

_SHA256 = re.compile(r"[0-9a-f]{64}")

# A check answers what the value should have been, or None where it is right.
Check = Callable[[Any], str | None]


def _text(value: Any) -> str | None:  # noqa: ANN401
    return None if isinstance(value, str) and value else "a non-empty string"


def _count(value: Any) -> str | None:  # noqa: ANN401
    return None if type(value) is int and value > 0 else "an integer above 0"


def _size(value: Any) -> str | None:  # noqa: ANN401
    return None if type(value) is int and value >= 0 else "an integer of at least 0"


def _digest(value: Any) -> str | None:  # noqa: ANN401
    return None if isinstance(value, str) and _SHA256.fullmatch(value) else "64 lower-case hex digits"


def _datatype(value: Any) -> str | None:  # noqa: ANN401
    return None if value in DATATYPES else f"one of {', '.join(DATATYPES)}"


def _shape(value: Any) -> str | None:  # noqa: ANN401
    right = (
        isinstance(value, list)
        and len(value) > 0
        and all(type(dim) is int for dim in value)
        and value[0] == BATCH
        and all(dim > 0 for dim in value[1:])
    )
    return None if right else "[-1, …]: the batch dimension first, every other one above 0"


def _names(value: Any) -> str | None:  # noqa: ANN401
    right = isinstance(value, list) and value and all(isinstance(n, str) and n for n in value)
    return None if right else "a list with at least one tensor name"


def _list(value: Any) -> str | None:  # noqa: ANN401
    return None if isinstance(value, list) else "a list"


def _filled_list(value: Any) -> str | None:  # noqa: ANN401
    return None if isinstance(value, list) and value else "a list with at least one entry"


def safe_path(value: Any) -> str | None:  # noqa: ANN401
    """Whether a value is a path that stays below the package: relative, no `..`, one spelling each."""
    right = isinstance(value, str) and value and "\\" not in value and "\0" not in value
    right = right and all(part not in ("", ".", "..") for part in value.split("/"))
    return None if right else "a path below the package, without '..', '.', '\\' or a leading '/'"


def _version(value: Any) -> str | None:  # noqa: ANN401
    return None if type(value) is int and value == FORMAT_VERSION else f"{FORMAT_VERSION}"


_TOP: dict[str, Check] = {
    "formatVersion": _version,
    "name": _text,
    "inputs": _filled_list,
    "outputs": _filled_list,
    "tensors": _list,
    "stages": _filled_list,
    "samples": _list,
    "artifacts": _filled_list,
}
_TENSOR: dict[str, Check] = {"name": _text, "datatype": _datatype, "shape": _shape}
_STAGE: dict[str, Check] = {"name": _text, "inputs": _names, "outputs": _names}
_FILE: dict[str, Check] = {"file": safe_path, "sha256": _digest, "bytes": _size}
_SAMPLE: dict[str, Check] = {"input": _text, **_FILE}
_ARTIFACT: dict[str, Check] = {"engine": _text, "stage": _text, "batch": _count, "arch": _text, **_FILE}

_ENTRIES: dict[str, tuple[dict[str, Check], Callable[..., Any]]] = {
    "inputs": (_TENSOR, Tensor),
    "outputs": (_TENSOR, Tensor),
    "tensors": (_TENSOR, Tensor),
    "stages": (_STAGE, Stage),
    "samples": (_SAMPLE, Sample),
    "artifacts": (_ARTIFACT, Artifact),
}


def parse_manifest(content: bytes) -> Manifest:
    """The manifest in these bytes; raises PackageError naming every field that is wrong."""
    if len(content) > MAX_MANIFEST_BYTES:
        raise PackageError(f"model.json: {len(content)} bytes; at most {MAX_MANIFEST_BYTES} are accepted")
    top = _load(content)
    problems = _check(top, _TOP, "model.json")
    if problems:
        raise PackageError(problems)
    problems = [
        problem
        for field, (checks, _) in _ENTRIES.items()
        for index, entry in enumerate(top[field])
        for problem in _check(entry, checks, f"model.json: {field}[{index}]")
    ]
    problems += _over_limits(top)
    if problems:
        raise PackageError(problems)
    lists = {field: tuple(_build(entry, make) for entry in top[field]) for field, (_, make) in _ENTRIES.items()}
    return Manifest(name=top["name"], **lists)


def _load(content: bytes) -> Any:  # noqa: ANN401
    try:
        return json.loads(content, object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise PackageError(f"model.json: not valid JSON: {error}") from error


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"field '{twice}' occurs twice in one object")
    return dict(pairs)


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is not a JSON value")


def _check(value: Any, checks: dict[str, Check], where: str) -> list[str]:  # noqa: ANN401
    if not isinstance(value, dict):
        return [f"{where}: expected an object with {', '.join(checks)}"]
    problems = [f"{where}: unknown field '{name}'" for name in value if name not in checks]
    problems += [f"{where}: field '{name}' is missing" for name in checks if name not in value]
    for name, check in checks.items():
        expected = check(value[name]) if name in value else None
        if expected is not None:
            problems.append(f"{where}: field '{name}' is {_shown(value[name])}; expected {expected}")
    return problems


def _shown(value: Any) -> str:  # noqa: ANN401
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _over_limits(top: dict[str, Any]) -> list[str]:
    problems = []
    files = len(top["samples"]) + len(top["artifacts"])
    if len(top["stages"]) > MAX_STAGES:
        problems.append(f"model.json: {len(top['stages'])} stages; at most {MAX_STAGES} are accepted")
    if files > MAX_FILES:
        problems.append(f"model.json: {files} files; at most {MAX_FILES} are accepted")
    return problems


def _build(entry: dict[str, Any], make: Callable[..., Any]) -> Any:  # noqa: ANN401
    return make(**{name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()})
