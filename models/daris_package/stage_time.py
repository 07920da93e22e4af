"""How long a stage lasts on engine `sim`, which computes nothing: the artifact's content, written and checked."""

import json
import math
import re
from dataclasses import dataclass
from typing import Any

from daris_package.errors import PackageError

ENGINE = "sim"
DISTRIBUTIONS = ("uniform", "lognormal")
LONGEST_US = 60e6
MAX_BYTES = 4096
MAX_SEED = 2**64 - 1

_FIELDS = ("formatVersion", "meanUs", "deviationUs", "distribution", "seed")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s)")
_US = {"us": 1.0, "ms": 1e3, "s": 1e6}


@dataclass(frozen=True, slots=True)
class StageTime:
    """A stage's time in microseconds; a deviation of 0: it always lasts its mean."""

    mean_us: float
    deviation_us: float = 0
    distribution: str = "uniform"
    seed: int = 0

    def to_bytes(self) -> bytes:
        """The artifact: the same time always gives the same bytes."""
        values = (1, self.mean_us, self.deviation_us, self.distribution, self.seed)
        return (json.dumps(dict(zip(_FIELDS, values, strict=True)), indent=2) + "\n").encode()


def parse_duration(text: str) -> float:
    """Microseconds of `400us`, `1.5ms` or `2s`; raises PackageError."""
    match = _DURATION.fullmatch(text)
    microseconds = float(match[1]) * _US[match[2]] if match else math.nan
    if not 1 <= microseconds <= LONGEST_US:
        raise PackageError(f"'{text}': expected the time of a stage from 1us to 60s, such as 400us or 1.5ms")
    return microseconds


def stage_time_problems(file: str, content: bytes) -> list[str]:
    """One sentence for each way in which an artifact is not what engine `sim` accepts."""
    if len(content) > MAX_BYTES:
        return [f"{file}: {len(content)} bytes; at most {MAX_BYTES} are accepted"]
    try:
        fields = json.loads(content, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        return [f"{file}: not valid JSON: {error}"]
    if not isinstance(fields, dict) or sorted(fields) != sorted(_FIELDS):
        return [f"{file}: expected an object with exactly {', '.join(_FIELDS)}"]
    expected = {
        "formatVersion": (_is_integer(fields["formatVersion"], 1, 1), "1"),
        "meanUs": (_is_number(fields["meanUs"], 1, LONGEST_US), "a number from 1 to 60000000"),
        "distribution": (fields["distribution"] in DISTRIBUTIONS, " or ".join(DISTRIBUTIONS)),
        "seed": (_is_integer(fields["seed"], 0, MAX_SEED), f"an integer from 0 to {MAX_SEED}"),
    }
    wrong = [
        f"{file}: {name} is {fields[name]!r}; expected {words}"
        for name, (is_right, words) in expected.items()
        if not is_right
    ]
    return wrong or _deviation_problems(file, fields)


def _deviation_problems(file: str, fields: dict[str, Any]) -> list[str]:
    most = fields["meanUs"] / math.sqrt(3) if fields["distribution"] == "uniform" else fields["meanUs"]
    if _is_number(fields["deviationUs"], 0, most):
        return []
    return [f"{file}: deviationUs is {fields['deviationUs']!r}; expected a number from 0 to {most:g}"]


def _is_integer(value: object, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def _is_number(value: object, least: float, most: float) -> bool:
    return type(value) in (int, float) and least <= value <= most


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a field occurs twice")
    return fields
