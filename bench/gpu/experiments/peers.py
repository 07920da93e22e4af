"""ResNet18, batch 1: lanes of one process against what people would run instead: processes of plain PyTorch, and
processes that replay the very same graphs, sharing the GPU by time slices or by MPS."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from . import mps
from .bench import COPIED, RESIDENT, Kind, median, run_beds, start
from .gate import Gate, GateError, end_all, joined
from .overhead import saturated
from .plan import a_class, bare, bed, streams
from .setting import Setting

MEMORY_SHARE = 0.04  # of a process: more than one lane needs, and room for all
ROUNDS = 3
WINDOW_S = 0.6
PATIENCE_S = 60
CONNECTIONS = {"CUDA_DEVICE_MAX_CONNECTIONS": "8"}  # CUDA's own default; MPS has so many for all clients together
EAGER_MODES = ("eager", "graph", "graph+copies")


class Sharing(NamedTuple):
    """How processes come to share the GPU: by time slices, under MPS, or one alone; and the environment for it."""

    word: str
    environment: dict[str, str]


Start = Callable[[int, dict[str, str]], subprocess.Popen]


@contextmanager
def together(count: int, start_one: Start, environment: dict[str, str]) -> Iterator[Gate]:
    """That many processes, each with a core of its own while there are enough."""
    processes: list[subprocess.Popen] = []
    try:
        for index in range(count):
            processes.append(start_one(index, environment))
        yield Gate(processes)
    finally:
        end_all(processes)


def eager_process(index: int, environment: dict[str, str]) -> subprocess.Popen:
    modes = [mode for mode in EAGER_MODES for _ in range(ROUNDS)]
    worker = Path(__file__).with_name("eager_worker.py")
    return subprocess.Popen(
        ["taskset", "-c", str(index % os.cpu_count()), sys.executable, worker, *modes],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip


def bench_process(setting: Setting, kind: Kind, folder: str, package: str = "resnet18") -> Start:
    """One lane that replays a package's stages."""
    runs = [bare(setting.seconds(WINDOW_S), gate=True, samples=True)] * ROUNDS
    kind = kind._replace(memory_share=MEMORY_SHARE)
    lane = bed(streams(1), [a_class(setting.package(package), 1, 1)], runs)

    def start_one(index: int, environment: dict[str, str]) -> subprocess.Popen:
        core = index % os.cpu_count()
        path = Path(folder, f"plan-{index}.json")
        return start(
            setting, [lane], kind, path,
            core=core, stdin=subprocess.PIPE, env={**environment, **CONNECTIONS},
        )  # fmt: skip

    return start_one


def rounds_of(setting: Setting, gate: Gate, rounds: int) -> dict:
    """The middle round of several."""
    each = [
        joined(gate.open(setting.seconds(WINDOW_S), min(PATIENCE_S, max(setting.left(), 1)))) for _ in range(rounds)
    ]
    rate = median([one["jobsPerS"] for one in each])
    return {"rounds": [one["jobsPerS"] for one in each], **next(one for one in each if one["jobsPerS"] == rate)}


def tell(rows: list[dict], row: dict) -> None:
    rows.append(row)
    print("  " + " ".join(f"{key}={value}" for key, value in row.items()), flush=True)


def eager_rows(setting: Setting, sharing: Sharing, count: int) -> list[dict]:
    rows: list[dict] = []
    names = {"sharing": sharing.word, "processes": count}
    try:
        with together(count, eager_process, sharing.environment) as gate:
            for mode in EAGER_MODES:
                kind, _, copies = mode.partition("+")
                tell(rows, {**names, "code": kind, "copies": bool(copies), **rounds_of(setting, gate, ROUNDS)})
    except (GateError, OSError) as error:
        tell(rows, {**names, "code": "eager", "error": str(error)})
    return rows


def compiled_rows(
    setting: Setting, sharing: Sharing, count: int, kinds: Sequence[Kind], package: str = "resnet18"
) -> list[dict]:
    rows: list[dict] = []
    for kind in kinds:
        names = {"sharing": sharing.word, "processes": count, "code": "compiled", "copies": kind.copies}
        with tempfile.TemporaryDirectory() as folder:
            try:
                with together(count, bench_process(setting, kind, folder, package), sharing.environment) as gate:
                    tell(rows, {**names, **rounds_of(setting, gate, ROUNDS)})
            except (GateError, OSError) as error:
                tell(rows, {**names, "error": str(error)})
    return rows


def eager(setting: Setting, sharing: Sharing, count: int) -> list[dict]:
    """Only where there is PyTorch's GPU to run it on."""
    return eager_rows(setting, sharing, count) if setting.engine == "torch" else []


def under_mps(setting: Setting) -> list[dict]:
    """Eager processes are the fastest at twelve; the compiled ones are tried at each number."""
    if not mps.available():
        return [{"sharing": "mps", "error": f"no {mps.CONTROL} on this machine"}]
    rows: list[dict] = []
    with mps.daemon() as environment:
        sharing = Sharing("mps", environment)
        rows += compiled_rows(setting, sharing, 12, (RESIDENT, COPIED))
        rows += eager(setting, sharing, 12)
        rows += compiled_rows(setting, sharing, 8, (RESIDENT,))
        rows += compiled_rows(setting, sharing, 4, (RESIDENT,))
    return rows


def by_time_slices(setting: Setting) -> list[dict]:
    sharing = Sharing("time", dict(os.environ))
    rows = compiled_rows(setting, sharing, 8, (RESIDENT, COPIED))
    rows += eager(setting, sharing, 8)
    return rows + compiled_rows(setting, sharing, 4, (RESIDENT,))


def run(setting: Setting) -> dict:
    lanes = [saturated(setting, streams(8), "resnet18")]
    return {
        "resident": run_beds(setting, lanes),
        "copied": run_beds(setting, lanes, COPIED),
        "processes": [
            *under_mps(setting),
            *by_time_slices(setting),
            *eager(setting, Sharing("alone", dict(os.environ)), 1),
        ],
    }
