"""Where to cut a sequence of nodes into stages of about equal time. Pure: numbers in, positions out."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from daris_package.errors import PackageError

# Among cuts whose longest stage is within 5 % of the shortest possible, the one that moves the least is taken.
SLACK = 1.05


@dataclass(frozen=True, slots=True)
class Cut:
    """A place where a stage may end: before node `position`, with `border_bytes` to hand over."""

    position: int
    border_bytes: int


def balanced(times: Sequence[float], cuts: Sequence[Cut], stages: int) -> list[int]:
    """The positions of `stages - 1` cuts, ascending. `cuts` ascend and lie inside the sequence."""
    if stages - 1 > len(cuts):
        raise PackageError(
            f"the model can be cut at {len(cuts)} places only; use --stages {len(cuts) + 1} or fewer, "
            "or name the places with --split"
        )
    sums = [0.0, *accumulate(times)]
    ends = [*cuts, Cut(len(times), 0)]
    limit = _shortest_longest(sums, ends, stages) * SLACK
    return _least_moved(sums, ends, stages, limit)


def _shortest_longest(sums: list[float], ends: list[Cut], stages: int) -> float:
    """The time of the longest stage in the best of all divisions: row k has it for the first k + 1 stages."""
    row = [sums[end.position] for end in ends]
    for k in range(1, stages):
        row = [
            min(
                (max(row[j], sums[end.position] - sums[ends[j].position]) for j in range(k - 1, i)),
                default=float("inf"),
            )
            for i, end in enumerate(ends)
        ]
    return row[-1]


def _least_moved(sums: list[float], ends: list[Cut], stages: int, limit: float) -> list[int]:
    """The division with the fewest border bytes whose stages all take at most `limit`."""
    best = [(float(end.border_bytes), [end.position]) if sums[end.position] <= limit else None for end in ends]
    for _ in range(1, stages):
        following = []
        for i, end in enumerate(ends):
            reachable = [
                before
                for j, before in enumerate(best[:i])
                if before is not None and sums[end.position] - sums[ends[j].position] <= limit
            ]
            moved, positions = min(reachable, key=lambda entry: entry[0], default=(0.0, []))
            following.append((moved + end.border_bytes, [*positions, end.position]) if positions else None)
        best = following
    last = best[-1]
    assert last is not None, "the limit is that of a division that exists"
    return last[1][:-1]
