"""Times on a GPU are taken one at a time, whatever else is packaged on the machine: beside others the compiler would
choose kernels by chance (measured on an H200: 53 µs instead of 24 for one and the same)."""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from torch._inductor.runtime.benchmarking import benchmarker


@contextmanager
def alone() -> Iterator[None]:
    """While it is entered, no other process of this user is inside; waits for its turn."""
    path = Path(tempfile.gettempdir(), f"daris-package-{os.getuid()}.lock")
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def compare_kernels_alone() -> None:
    """Makes the compiler of this process take its times so."""
    benchmarker.benchmark_gpu = _alone(benchmarker.benchmark_gpu)


def _alone(measure: Callable[..., object]) -> Callable[..., object]:
    def measured(*args: object, **kwargs: object) -> object:
        with alone():
            return measure(*args, **kwargs)

    return measured
