"""The batch sizes of a package: those of single jobs, and those of as many jobs as may go through it together."""

from argparse import ArgumentTypeError
from collections.abc import Sequence

from daris_package.errors import PackageError

MAX_BATCH = 1024
MAX_JOBS = 256  # that the scheduler lets go together
MAX_CAPACITIES = 16


def parse_batches(text: str) -> tuple[int, ...]:
    """`1,8,32`: sizes, each once."""
    return _sizes(text, MAX_BATCH, "1,2,4")


def parse_capacities(text: str) -> tuple[int, ...]:
    """`1,2,4,8`: how many jobs may go together; 1 is one of them, for a job goes alone where none other is there."""
    jobs = _sizes(text, MAX_JOBS, "1,2,4,8")
    if len(jobs) > MAX_CAPACITIES:
        raise ArgumentTypeError(f"'{text}': {len(jobs)} capacities, but at most {MAX_CAPACITIES} are used")
    if 1 not in jobs:
        raise ArgumentTypeError(f"'{text}': 1 is missing; a job goes alone where none other is there")
    return jobs


def joined_batches(batches: Sequence[int], capacities: Sequence[int]) -> tuple[int, ...]:
    """The batches in their order, then the other products of a batch and a capacity, ascending."""
    products = sorted(batch * jobs for batch in batches for jobs in capacities)
    if products[-1] > MAX_BATCH:
        raise PackageError(
            f"--capacities: {max(capacities)} jobs of batch {max(batches)} are a batch of {products[-1]}, more than "
            f"{MAX_BATCH}; leave out the largest capacities"
        )
    return tuple(dict.fromkeys([*batches, *products]))


def _sizes(text: str, most: int, example: str) -> tuple[int, ...]:
    words = text.split(",")
    if not all(word.isascii() and word.isdigit() and 0 < int(word) <= most for word in words):
        raise ArgumentTypeError(f"'{text}': expected sizes from 1 to {most} such as {example}")
    if len({int(word) for word in words}) != len(words):
        raise ArgumentTypeError(f"'{text}': a size occurs twice")
    return tuple(int(word) for word in words)
