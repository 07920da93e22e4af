"""Outputs of every job under full load against those of its slot alone, bit by bit; and two slots of products."""

import os
import re
import subprocess

from .bench import COPIED, run_beds
from .plan import Division, a_class, bare, bed, green, high, load, streams
from .setting import Setting

GEMM_TEST = "GpuEngineTest.TwoGemmSlotsOfOneContextDoNotTouchEachOther"


def loaded(setting: Setting, division: Division, model: str) -> dict:
    runs = [
        bare(setting.seconds(0.5)),
        load([high(tasks=division.lanes * 4, timesBare=2)], setting.seconds(2), compare=True),
    ]
    name = f"{model} {division.name}"
    return bed(division, [a_class(setting.package(model), 1)], runs, name=name)


def gemm_slots(setting: Setting) -> dict:
    """The GPU test that runs two slots of one context 10,000 times at once."""
    program = setting.bundle / "torch_engine_gpu_test"
    if not program.exists():
        return {"passed": False, "reason": "the bundle has no torch_engine_gpu_test"}
    ran = subprocess.run(
        [program, f"--gtest_filter={GEMM_TEST}", "--gtest_color=no"],
        env={**os.environ, "DARIS_GPU_PACKAGES": str(setting.packages)},
        capture_output=True,
        text=True,
        timeout=max(setting.left(), 1),
        check=False,
    )
    passed = re.search(r"\[  PASSED  \] 1 test", ran.stdout) is not None
    return {"passed": passed, "test": GEMM_TEST, "said": ran.stdout.strip().splitlines()[-3:]}


def run(setting: Setting) -> dict:
    divisions = (streams(8), green(4, 2, 2))
    beds = [loaded(setting, division, model) for model in ("resnet18", "resnet50") for division in divisions]
    runs = run_beds(setting, beds, COPIED)
    return {"runs": runs, "gemm": gemm_slots(setting) if setting.engine == "torch" else None}
