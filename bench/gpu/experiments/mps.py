"""A daemon of NVIDIA's MPS of our own, for as long as a block lasts."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CONTROL = "nvidia-cuda-mps-control"


def available() -> bool:
    return shutil.which(CONTROL) is not None


@contextmanager
def daemon() -> Iterator[dict[str, str]]:
    """The environment that makes processes its clients. The daemon's folder is private; clocks and the GPU's compute
    mode stay as they are."""
    with tempfile.TemporaryDirectory(prefix="daris-mps-", ignore_cleanup_errors=True) as folder:
        pipes, logs = Path(folder, "pipe"), Path(folder, "log")
        pipes.mkdir()
        logs.mkdir()
        environment = {**os.environ, "CUDA_MPS_PIPE_DIRECTORY": str(pipes), "CUDA_MPS_LOG_DIRECTORY": str(logs)}
        subprocess.run([CONTROL, "-d"], env=environment, check=True, timeout=30)
        try:
            yield environment
        finally:
            subprocess.run([CONTROL], input="quit\n", env=environment, text=True, timeout=60, check=False)
