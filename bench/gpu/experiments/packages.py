"""All packages of the experiments, compiled on this machine in parallel, those that are needed first at first."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from .sets import SETS
from .setting import Setting

AT_ONCE = 4
WORKERS = 5


class Wanted(NamedTuple):
    name: str
    arguments: tuple[str, ...]


# Deep networks with random weights: FP16 against FP32, relative to the largest value of each tensor.
TOLERANCE = "0.2"


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


def run(setting: Setting) -> dict:
    setting.packages.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return {"packages": list(pool.map(lambda each: build(setting, each), wanted()))}
