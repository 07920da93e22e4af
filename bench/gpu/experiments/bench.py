"""Runs plans by gpu-bench. A bed that ends the process is told of as an error, and the beds after it are still run."""

import json
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from .setting import Setting

Say = Callable[[str], None]


def run_beds(
    setting: Setting, beds: Sequence[dict], copies: bool = False, fine: bool = False, say: Say = print
) -> list[dict]:
    """One line of gpu-bench for each run, in order; a line with `error` for a bed that failed, and one with
    `notRun` for each that the time was too short for."""
    left = list(beds)
    lines: list[dict] = []
    while left and setting.left() > 0:
        begun = len(lines)
        ended, last = _run_once(setting, left, copies, fine, lines, say)
        if ended:
            return lines
        seen = [line["bed"] for line in lines[begun:] if "bed" in line]
        at = _bed_in_progress(left, seen)
        if setting.left() > 0:
            lines.append({"bed": left[at]["name"], "error": f"gpu-bench ended: {last}"})
            say(f"  {left[at]['name']}: {lines[-1]['error']}")
            at += 1
        left = left[at:]
    lines += [{"bed": each["name"], "notRun": "the time was over"} for each in left]
    return lines


def _bed_in_progress(beds: Sequence[dict], seen: Sequence[str]) -> int:
    """The first bed that has not said all it had to."""
    for index, each in enumerate(beds):
        if seen.count(each["name"]) < max(len(each["runs"]), 1):
            return index
    return len(beds) - 1


def _run_once(
    setting: Setting, beds: Sequence[dict], copies: bool, fine: bool, lines: list[dict], say: Say
) -> tuple[bool, str]:
    """Whether the plan came to its end, and what was said last where it did not."""
    with tempfile.TemporaryDirectory() as folder:
        words = Path(folder, "stderr")
        with words.open("w") as stderr:
            process = start(setting, beds, copies, fine, Path(folder, "plan.json"), stderr=stderr)
            timer = threading.Timer(max(setting.left(), 0.1), process.kill)
            timer.start()
            ended = False
            for line in documents(process):
                ended = ended or "end" in line
                if "bed" in line:
                    lines.append(line)
                    say(f"  {words_of(line)}")
            process.wait()
            timer.cancel()
        said = words.read_text().strip().splitlines()
        return ended, (said[-1][:300] if said else f"status {process.returncode}")


def start(
    setting: Setting, beds: Sequence[dict], copies: bool, fine: bool, path: Path, **more: object
) -> subprocess.Popen:
    """gpu-bench over these beds; its documents come on stdout."""
    plan = {
        "engine": {"kind": setting.engine, "copies": copies, "fine": fine},
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
