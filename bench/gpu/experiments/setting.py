"""Where an experiment runs and what it may take, and how its result is written."""

import argparse
import json
import os
import platform
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Setting:
    """`scale` shortens every window, for trying things out; `mps` adds the modes MPS and MPSStreams to task sets;
    `deadline` is an instant of the monotonic clock."""

    bundle: Path
    packages: Path
    out: Path
    engine: str
    core: int
    scale: float
    mps: bool
    deadline: float

    @property
    def program(self) -> Path:
        return self.bundle / "gpu-bench"

    def package(self, name: str) -> str:
        return str(self.packages / name)

    def seconds(self, wanted: float) -> float:
        return round(wanted * self.scale, 3)

    def left(self) -> float:
        return self.deadline - time.monotonic()


def from_arguments(options: argparse.Namespace) -> Setting:
    return Setting(
        bundle=options.bundle.resolve(),
        packages=options.packages.resolve(),
        out=options.out.resolve(),
        engine=options.engine,
        core=options.core,
        scale=options.scale,
        mps=options.mps,
        deadline=time.monotonic() + options.limit,
    )


def machine() -> dict:
    """The machine in the words that bench/result.ts uses, with GPU and driver where there is one."""
    cores = Path("/proc/cpuinfo").read_text().splitlines()
    processors = [line.split(": ")[1].strip() for line in cores if line.startswith("model name")]
    memory = Path("/proc/meminfo").read_text().splitlines()
    memory_kib = int(next(line for line in memory if line.startswith("MemTotal")).split()[1])
    found = {
        "processor": processors[0] if processors else "unknown",
        "cores": os.cpu_count(),
        "memoryGiB": round(memory_kib / 2**20),
        "kernel": platform.release().split("-")[0],
    }
    gpu = query_gpu("name", "driver_version")
    return {**found, "gpu": gpu[0], "driver": gpu[1]} if gpu else found


def query_gpu(*fields: str) -> list[str] | None:
    """nvidia-smi's answer for the first GPU; None where there is none."""
    command = ["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.splitlines()[0].split(", ")


def write_result(setting: Setting, name: str, figures: dict, took: float) -> None:
    commit = setting.bundle / "commit"
    document = {
        "experiment": name,
        "machine": machine(),
        "commit": commit.read_text().strip() if commit.exists() else "unknown",
        "engine": setting.engine,
        "tookSeconds": round(took, 1),
        **figures,
    }
    path = setting.out / f"{name}.json"
    path.write_text(json.dumps(document, indent=1) + "\n")
    print(f"{path.name} written after {took:.0f} s", flush=True)
