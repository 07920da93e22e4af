"""Compiles stages with AOTInductor, one `.pt2` each, in worker processes of their own."""

import os
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import torch

from daris_package.errors import PackageError


@dataclass(frozen=True, slots=True)
class Job:
    """One stage at one batch size: a saved program to read, a `.pt2` to write, and what to note in it."""

    stage: str
    batch: int
    program: Path
    target: Path
    metadata: dict[str, str]


def arch_of(device: str) -> str:
    """The manifest's word for the chip that compiles, and that alone can run the result."""
    if device == "cpu":
        return f"cpu-{os.uname().machine}"
    if not torch.cuda.is_available():
        raise PackageError("--device cuda: no GPU is visible; run this on a machine with the GPU that shall serve")
    major, minor = torch.cuda.get_device_capability()
    return f"sm_{major}{minor}"


def cuda_version() -> str:
    """The CUDA version that torch was built with, `none` without."""
    return torch.version.cuda or "none"


def use_tf32(allowed: bool) -> None:
    """Sets for this process whether FP32 products may be rounded to TF32."""
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed


def default_workers(jobs: int) -> int:
    """As many processes as there is work or cores for; each needs a few GiB of memory."""
    return max(1, min(jobs, os.cpu_count() or 1))


def compile_all(jobs: Iterable[Job], workers: int, tf32: bool) -> Iterator[Job]:
    """Starts each job as it comes and answers each as it is done; `workers` processes share the cores."""
    threads = max(1, (os.cpu_count() or 1) // workers)
    # A fork would share a started CUDA, which does not work in the child.
    with ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, (threads, tf32)) as pool:
        running: dict[Future[None], Job] = {}
        try:
            for job in jobs:
                running[pool.submit(_compile, job)] = job
            for done in as_completed(running):
                _check(done, running[done])
                yield running[done]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _check(done: Future[None], job: Job) -> None:
    try:
        done.result()
    except BrokenProcessPool as error:
        raise PackageError(
            f"a compiler process ended while {job.stage} at batch {job.batch} was under way, perhaps for want of "
            "memory; use fewer --workers"
        ) from error
    except Exception as error:
        reason = str(error).strip().partition("\n")[0][:300]
        raise PackageError(
            f"{job.stage} does not compile at batch {job.batch}: {type(error).__name__}: {reason}"
        ) from error


def _start_worker(threads: int, tf32: bool) -> None:
    warnings.simplefilter("ignore")
    torch._inductor.config.compile_threads = threads
    torch.set_num_threads(threads)
    use_tf32(tf32)


def _compile(job: Job) -> None:
    program = torch.export.load(job.program)
    job.program.unlink()
    torch._inductor.aoti_compile_and_package(
        program,
        package_path=str(job.target),
        inductor_configs={"aot_inductor.metadata": job.metadata},
    )
