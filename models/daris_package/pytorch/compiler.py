"""Compiles stages with AOTInductor, one `.pt2` each, in worker processes of their own."""

import json
import os
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import torch
from torch._inductor.package import package_aoti
from torch.export.pt2_archive._package_weights import Weights

from daris_package.errors import PackageError
from daris_package.pytorch.alone import compare_kernels_alone
from daris_package.pytorch.shared_weights import KEY


@dataclass(frozen=True, slots=True)
class Job:
    """One stage at one batch size: a saved program to read, and what to note in its `.pt2`."""

    stage: str
    batch: int
    program: Path
    metadata: dict[str, str]


@dataclass(frozen=True, slots=True)
class Compiled:
    """What the compiler made of a job: files that belong into its `.pt2`, and a saved dict of its weights."""

    job: Job
    files: list[str]
    weights: Path


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


def compile_all(jobs: Iterable[Job], workers: int, tf32: bool) -> Iterator[Compiled]:
    """Starts each job as it comes and answers each as it is done; `workers` processes share the cores."""
    threads = max(1, (os.cpu_count() or 1) // workers)
    # A fork would share a started CUDA, which does not work in the child.
    with ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, (threads, tf32)) as pool:
        running: dict[Future[Compiled], Job] = {}
        try:
            for job in jobs:
                running[pool.submit(_compile, job)] = job
            for done in as_completed(running):
                yield _result(done, running[done])
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _result(done: Future[Compiled], job: Job) -> Compiled:
    try:
        return done.result()
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
    compare_kernels_alone()
    torch._inductor.config.compile_threads = threads
    torch.set_num_threads(threads)
    use_tf32(tf32)


def _compile(job: Job) -> Compiled:
    program = torch.export.load(job.program)
    args, kwargs = program.example_inputs
    made = torch._inductor.aot_compile(
        program.module(check_guards=False),
        args,
        kwargs,
        options={
            "aot_inductor.package": True,
            # A stage's weights are the same at every batch size: they are kept once, beside its artifacts.
            "aot_inductor.package_constants_in_so": False,
            "aot_inductor.package_constants_on_disk_format": "pickle_weights",
            "aot_inductor.metadata": job.metadata,
        },
    )
    weights = job.program.with_suffix(".weights")
    torch.save(
        {name: value for part in made if isinstance(part, Weights) for name, (value, _) in part.items()}, weights
    )
    job.program.unlink()
    return Compiled(job, [part for part in made if not isinstance(part, Weights)], weights)


def write_pt2(compiled: Compiled, index: str, target: Path) -> None:
    """Packs a stage's files, its metadata telling where its weights lie in the file that it shares."""
    for file in map(Path, compiled.files):
        if file.name.endswith("_metadata.json"):
            file.write_text(json.dumps({**json.loads(file.read_text()), KEY: index}))
    package_aoti(str(target), {"model": compiled.files})
