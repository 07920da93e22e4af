"""All packages of the experiments, compiled on this machine in parallel, those that are needed first at first."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from .sets import SETS
from .setting import Setting

WORKERS = 5
CORES_A_PACKAGE = 4  # of five workers one waits for the GPU or for files


class Wanted(NamedTuple):
    name: str
    arguments: tuple[str, ...]


# Deep networks with random weights: FP16 against FP32, relative to the largest value of each tensor.
# Which differences come out depends on the kernels that the compiler has measured to be the fastest.
TOLERANCE = "0.5"

CAPACITIES = (1, 2, 4, 8, 16, 32, 64, 128)
# By model: up to where it is about as fast as with the batch of its roof.
JOINED = {"resnet18": CAPACITIES, "resnet50": CAPACITIES, "inceptionv3": CAPACITIES, "unet": (1, 2, 4, 8, 16)}


def wanted() -> list[Wanted]:
    gemm = Wanted("gemm", ("test/gpu/models.py:gemm", "--stages", "2", "--batches", "8", "--input", "1024"))
    staged = [
        Wanted(each.model, (each.model, "--stages", "4", "--batches", f"1,{each.batch}")) for each in SETS.values()
    ]
    whole = [
        Wanted(
            f"{each.model}-whole",
            (each.model, "--stages", "1", "--batches", ",".join(map(str, sorted({*each.roof, *extra})))),
        )
        for each, extra in ((each, (1,) if each.model == "resnet18" else ()) for each in SETS.values())
    ]
    return [*(one for pair in zip(staged, whole, strict=True) for one in pair), gemm]


def wanted_joined() -> list[Wanted]:
    """Stages for jobs that go together, what they are held against, and a task of another model for each."""
    staged = [
        Wanted(
            f"{model}-joined",
            (model, "--stages", "4", "--batches", "1", "--capacities", ",".join(map(str, capacities))),
        )
        for model, capacities in JOINED.items()
    ]
    whole = [each for each in wanted() if each.name.endswith("-whole")]
    quick = Wanted("squeezenet-whole", ("bench/gpu/models.py:squeezenet", "--stages", "1", "--batches", "1"))
    return [*staged[:2], *whole[:1], quick, *whole[1:], *staged[2:]]


def build(setting: Setting, package: Wanted) -> dict:
    begun = time.monotonic()
    target = setting.packages / package.name
    if (target / "model.json").exists():
        return {"package": package.name, "there": True}
    log = setting.out / f"package-{package.name}.log"
    command = [
        sys.executable, "-m", "daris_package", "torch", *package.arguments, "--name", package.name,
        "--onnx-batches", "none", "--tolerance", TOLERANCE, "--workers", str(WORKERS), "-o", str(target),
    ]  # fmt: skip
    with log.open("w") as said:
        try:
            ran = subprocess.run(
                command, stdout=said, stderr=subprocess.STDOUT, timeout=max(setting.left(), 1), check=False
            )
            status = ran.returncode
        except subprocess.TimeoutExpired:
            status = None
    row = {"package": package.name, "tookS": round(time.monotonic() - begun, 1), "status": status}
    last = (log.read_text().strip().splitlines() or [""])[-1][:200]
    print(f"  {package.name}: {row['tookS']} s, {'done' if status == 0 else 'FAILED'}; {last}")
    return row


def run(setting: Setting, packages: Sequence[Wanted] | None = None) -> dict:
    setting.packages.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(max((os.cpu_count() or 1) // CORES_A_PACKAGE, 1)) as pool:
        return {"packages": list(pool.map(lambda each: build(setting, each), packages or wanted()))}


def run_joined(setting: Setting) -> dict:
    return run(setting, wanted_joined())
