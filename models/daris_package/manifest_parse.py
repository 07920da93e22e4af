"""Strict reading of `model.json`: unknown, missing and ill-typed fields are each named.

Nothing here touches a file; whether the parts fit together is joins.py, whether files match is verify.py.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from daris_package.datatypes import DATATYPES, to_numpy
from daris_package.errors import PackageError
from daris_package.manifest import (
    BATCH,
    FORMAT_VERSION,
    MANIFEST_FILE,
    Artifact,
    Build,
    Manifest,
    Sample,
    Stage,
    Tensor,
    Weights,
)

MAX_MANIFEST_BYTES = 1 << 20
MAX_STAGES = 64
MAX_FILES = 4096
MAX_PACKAGE_BYTES = 16 << 30
MAX_TENSORS = 1024
MAX_DIMENSIONS = 16
MAX_ELEMENT_BYTES = 1 << 30
MAX_BATCH = 4096
MAX_BUILDS = 64
MIN_TOLERANCE = 1e-12
MAX_NAME = 256
MAX_PATH = 1024

_SHA256 = re.compile(r"[0-9a-f]{64}")

# A check answers what the value should have been, or None where it is right.
Check = Callable[[Any], str | None]


def _has_control(text: str) -> bool:
    return any(ord(c) < 0x20 or ord(c) == 0x7F for c in text)


def _is_name(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, str) and 0 < len(value.encode()) <= MAX_NAME and not _has_control(value)


def _name(value: Any) -> str | None:  # noqa: ANN401
    return None if _is_name(value) else f"a name of 1 to {MAX_NAME} bytes without control characters"


def _batch(value: Any) -> str | None:  # noqa: ANN401
    return None if type(value) is int and 0 < value <= MAX_BATCH else f"an integer from 1 to {MAX_BATCH}"


def _size(value: Any) -> str | None:  # noqa: ANN401
    right = type(value) is int and 0 <= value <= MAX_PACKAGE_BYTES
    return None if right else f"an integer from 0 to {MAX_PACKAGE_BYTES}"


def _digest(value: Any) -> str | None:  # noqa: ANN401
    return None if isinstance(value, str) and _SHA256.fullmatch(value) else "64 lower-case hex digits"


def _datatype(value: Any) -> str | None:  # noqa: ANN401
    return None if value in DATATYPES else f"one of {', '.join(DATATYPES)}"


def _shape(value: Any) -> str | None:  # noqa: ANN401
    right = (
        isinstance(value, list)
        and 0 < len(value) <= MAX_DIMENSIONS
        and all(type(dim) is int for dim in value)
        and value[0] == BATCH
        and all(dim > 0 for dim in value[1:])
    )
    return None if right else "[-1, …]: the batch dimension first, every other one above 0"


def _names(value: Any) -> str | None:  # noqa: ANN401
    right = isinstance(value, list) and 0 < len(value) <= MAX_TENSORS and all(map(_is_name, value))
    return None if right else f"a list of 1 to {MAX_TENSORS} tensor names"


def _word(*words: str) -> Check:
    return lambda value: None if value in words else f"one of {', '.join(words)}"


def _boolean(value: Any) -> str | None:  # noqa: ANN401
    return None if isinstance(value, bool) else "true or false"


def _tolerance(value: Any) -> str | None:  # noqa: ANN401
    right = type(value) in (int, float) and MIN_TOLERANCE <= value <= 1
    return None if right else f"a number from {MIN_TOLERANCE:g} to 1"


def _list(least: int, most: int) -> Check:
    def check(value: Any) -> str | None:  # noqa: ANN401
        right = isinstance(value, list) and least <= len(value) <= most
        return None if right else f"a list of {least} to {most} entries"

    return check


def is_safe_path(path: str) -> bool:
    """Whether a path stays below the package: relative, no `..`, one spelling each."""
    plain = len(path.encode()) <= MAX_PATH and "\\" not in path and not _has_control(path)
    return plain and all(part not in ("", ".", "..") for part in path.split("/"))


def _file(value: Any) -> str | None:  # noqa: ANN401
    right = isinstance(value, str) and value != MANIFEST_FILE and is_safe_path(value)
    return None if right else "a path below the package, without '..', '.', '\\' or a leading '/'"


def _version(value: Any) -> str | None:  # noqa: ANN401
    return None if type(value) is int and value == FORMAT_VERSION else f"{FORMAT_VERSION}"


_TOP: dict[str, Check] = {
    "formatVersion": _version,
    "name": _name,
    "inputs": _list(1, MAX_TENSORS),
    "outputs": _list(1, MAX_TENSORS),
    "tensors": _list(0, MAX_TENSORS),
    "stages": _list(1, MAX_STAGES),
    "samples": _list(0, MAX_FILES),
    "artifacts": _list(1, MAX_FILES),
}
_OPTIONAL: dict[str, Check] = {"builds": _list(1, MAX_BUILDS), "weights": _list(1, MAX_FILES)}
_TENSOR: dict[str, Check] = {"name": _name, "datatype": _datatype, "shape": _shape}
_STAGE: dict[str, Check] = {"name": _name, "inputs": _names, "outputs": _names}
_FILE: dict[str, Check] = {"file": _file, "sha256": _digest, "bytes": _size}
_SAMPLE: dict[str, Check] = {"input": _name, **_FILE}
_ARTIFACT: dict[str, Check] = {"engine": _name, "stage": _name, "batch": _batch, "arch": _name, **_FILE}
_WEIGHTS: dict[str, Check] = {"engine": _name, "stage": _name, "arch": _name, **_FILE}
_BUILD: dict[str, Check] = {
    **dict.fromkeys(("engine", "arch", "version", "cuda"), _name),
    "precision": _word("FP16", "FP32"),
    "tf32": _boolean,
    "layout": _word("contiguous", "channels_last"),
    "tolerance": _tolerance,
}

_ENTRIES: dict[str, tuple[dict[str, Check], Callable[..., Any]]] = {
    "inputs": (_TENSOR, Tensor),
    "outputs": (_TENSOR, Tensor),
    "tensors": (_TENSOR, Tensor),
    "stages": (_STAGE, Stage),
    "samples": (_SAMPLE, Sample),
    "artifacts": (_ARTIFACT, Artifact),
    "builds": (_BUILD, Build),
    "weights": (_WEIGHTS, Weights),
}


def parse_manifest(content: bytes) -> Manifest:
    """The manifest in these bytes; raises PackageError naming every field that is wrong."""
    if len(content) > MAX_MANIFEST_BYTES:
        raise PackageError(f"model.json: {len(content)} bytes; at most {MAX_MANIFEST_BYTES} are accepted")
    top = _load(content)
    problems = _check(top, _TOP, "model.json", _OPTIONAL)
    if problems:
        raise PackageError(problems)
    problems = [
        problem
        for field, (checks, _) in _ENTRIES.items()
        for index, entry in enumerate(top.get(field, []))
        for problem in _check(entry, checks, f"model.json: {field}[{index}]")
    ]
    problems = problems or _too_large(top)
    if problems:
        raise PackageError(problems)
    lists = {field: tuple(_build(entry, make) for entry in top.get(field, [])) for field, (_, make) in _ENTRIES.items()}
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


def _check(
    value: Any,  # noqa: ANN401
    required: dict[str, Check],
    where: str,
    optional: Mapping[str, Check] = MappingProxyType({}),
) -> list[str]:
    checks = {**required, **optional}
    if not isinstance(value, dict):
        return [f"{where}: expected an object with {', '.join(required)}"]
    problems = [f"{where}: unknown field '{name}'" for name in value if name not in checks]
    problems += [f"{where}: field '{name}' is missing" for name in required if name not in value]
    for name, check in checks.items():
        expected = check(value[name]) if name in value else None
        if expected is not None:
            problems.append(f"{where}: field '{name}' is {_shown(value[name])}; expected {expected}")
    return problems


def _shown(value: Any) -> str:  # noqa: ANN401
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _too_large(top: dict[str, Any]) -> list[str]:
    problems = [
        f"model.json: tensor '{tensor['name']}' has over {MAX_ELEMENT_BYTES} bytes an element"
        for tensor in (*top["inputs"], *top["outputs"], *top["tensors"])
        if math.prod(tensor["shape"][1:]) * to_numpy(tensor["datatype"]).itemsize > MAX_ELEMENT_BYTES
    ]
    files = (*top["samples"], *top["artifacts"], *top.get("weights", []))
    total = sum({file["file"]: file["bytes"] for file in files}.values())
    if total > MAX_PACKAGE_BYTES:
        problems.append(f"model.json names {total} bytes; at most {MAX_PACKAGE_BYTES} are accepted")
    return problems


def _build(entry: dict[str, Any], make: Callable[..., Any]) -> Any:  # noqa: ANN401
    return make(**{name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()})
