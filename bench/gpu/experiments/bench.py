"""Runs plans by gpu-bench. A bed that ends the process is told of as an error, and the beds after it are still run."""

import json
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from .setting import Setting


class Kind(NamedTuple):
    """Of the torch engine: whether inputs and outputs cross the bus, and SMs are dealt in groups of 2.

    `memory_share` is of what is free on the GPU, `pinned_gib` what inputs and outputs take of the host.
    """

    copies: bool = False
    fine: bool = False
    memory_share: float = 0.9
    pinned_gib: int = 1


RESIDENT = Kind()
COPIED = Kind(copies=True)
FINE = Kind(fine=True)


def run_beds(setting: Setting, beds: Sequence[dict], kind: Kind = RESIDENT) -> list[dict]:
    """One line of gpu-bench for each run, in order; a line with `error` for a bed that failed, and one with
    `notRun` for each that the time was too short for."""
    left = list(beds)
    lines: list[dict] = []
    while left and setting.left() > 0:
        said, fault = _run_once(setting, left, kind)
        lines += said
        if fault is None:
            return lines
        done = [each for each in left if _is_done(each, said)]
        left = [each for each in left if each not in done]
        if setting.left() > 0:
            lost = left.pop(0)
            lines.append({"bed": lost["name"], "error": f"gpu-bench ended: {fault}"})
            print(f"  {words_of(lines[-1])}")
    return lines + [{"bed": each["name"], "notRun": "the time was over"} for each in left]


def _is_done(bed: dict, said: Sequence[dict]) -> bool:
    own = [line for line in said if line["bed"] == bed["name"]]
    return len(own) == len(bed["runs"]) or any("error" in line for line in own)


def _run_once(setting: Setting, beds: Sequence[dict], kind: Kind) -> tuple[list[dict], str | None]:
    """What was said of the beds, and the last words where the plan did not come to its end."""
    lines = []
    ended = False
    with tempfile.TemporaryDirectory() as folder:
        words = Path(folder, "stderr")
        with words.open("w") as stderr:
            process = start(setting, beds, kind, Path(folder, "plan.json"), stderr=stderr)
            timer = threading.Timer(max(setting.left(), 0.1), process.kill)
            timer.start()
            for line in documents(process):
                ended = ended or "end" in line
                if "bed" in line:
                    lines.append(line)
                    print(f"  {words_of(line)}")
            process.wait()
            timer.cancel()
        said = words.read_text().strip().splitlines()
    fault = said[-1][:300] if said else f"status {process.returncode}"
    return lines, None if ended else fault


def start(setting: Setting, beds: Sequence[dict], kind: Kind, path: Path, **more: object) -> subprocess.Popen:
    """gpu-bench over these beds; its documents come on stdout."""
    plan = {
        "engine": {
            "kind": setting.engine,
            "copies": kind.copies,
            "fine": kind.fine,
            "memoryShare": kind.memory_share,
            "pinnedGiB": kind.pinned_gib,
        },
        "core": more.pop("core", setting.core),
        "beds": list(beds),
    }
    path.write_text(json.dumps(plan))
    return subprocess.Popen([setting.program, path], stdout=subprocess.PIPE, text=True, **more)


def documents(process: subprocess.Popen) -> Iterator[dict]:
    for line in process.stdout:
        if line.endswith("\n"):  # else the process was ended in the middle of it
            yield json.loads(line)


def words_of(line: dict) -> str:
    """A line for people who watch."""
    if "error" in line:
        return f"{line['bed']}: {line['error']}"
    figures = line["figures"]
    where = f"{line['bed']} {line['run']} ({line['preparedS']:.1f} s to prepare)"
    if "windows" not in figures:
        return f"{where}: {figures['jobsPerS']:.0f} jobs/s, {spread_words(figures['jobUs'])}"
    return f"{where}: " + "; ".join(window_words(window) for window in figures["windows"])


def window_words(window: dict) -> str:
    high, low = window["high"], window["low"]
    return (
        f"{window['name']} {window['jobsPerS']:.0f} jobs/s, HP {spread_words(high['responseUs'])}, "
        f"missed {high['missed']}, skipped {high['skipped']}; LP {spread_words(low['responseUs'])}, "
        f"missed {low['missRate']:.4f}, on time {low['onTimeRate']:.2f}"
    )


def spread_words(us: dict | None) -> str:
    return "none" if us is None else f"p50 {us['p50']} p99 {us['p99']} max {us['max']} us"


def figures_of(lines: Sequence[dict], bed: str, run: str) -> list[dict]:
    """Figures of the runs of that name in that bed."""
    return [line["figures"] for line in lines if line["bed"] == bed and line.get("run") == run]


def median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def median_rate(lines: Sequence[dict], bed: str, run: str, key: str = "jobsPerS") -> float | None:
    """The middle of the rates of a bare loop; None where it was not run."""
    rates = [figures[key] for figures in figures_of(lines, bed, run)]
    return median(rates) if rates else None
