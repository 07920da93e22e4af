"""Several processes that each say when they are ready and then all count in one window of the machine's clock."""

import json
import queue
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

AHEAD_S = 0.4  # from the word to the window: warm-up, and time for the word to reach everyone


def steady_us() -> int:
    """The clock of C++'s steady_clock, which all processes of a machine share."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


class GateError(RuntimeError):
    """A process ended, or said nothing in time."""


class _Member:
    """A process with what it has said; a thread reads it, so that nobody waits in vain for what is buffered."""

    def __init__(self, process: subprocess.Popen) -> None:
        self.process = process
        self._said: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self._said.put(line)
        self._said.put(None)

    def await_key(self, key: str, until: float) -> dict:
        """The next document that has this key."""
        while True:
            try:
                line = self._said.get(timeout=max(until - time.monotonic(), 0.001))
            except queue.Empty:
                raise GateError(f"a process did not say '{key}' in time") from None
            if line is None:
                raise GateError(f"a process ended with status {self.process.wait()}")
            document = json.loads(line)
            if "error" in document:
                raise GateError(document["error"])
            if key in document:
                return document


class Gate:
    """Processes whose stdout has JSON lines, `{"ready": ...}` among them, and whose stdin takes `FROM TO`."""

    def __init__(self, processes: Sequence[subprocess.Popen]) -> None:
        self._members = [_Member(process) for process in processes]

    def open(self, seconds: float, patience_s: float) -> list[dict]:
        """Waits for all to be ready, lets them run, and answers what each said of the window."""
        until = time.monotonic() + patience_s
        for member in self._members:
            member.await_key("ready", until)
        begin = steady_us() + int(AHEAD_S * 1e6)
        for member in self._members:
            member.process.stdin.write(f"{begin} {begin + int(seconds * 1e6)}\n")
            member.process.stdin.flush()
        until = time.monotonic() + seconds + patience_s
        return [member.await_key("figures", until) for member in self._members]


def end_all(processes: Sequence[subprocess.Popen]) -> None:
    """By closing their input; who does not end then is ended."""
    for process in processes:
        with suppress(OSError):  # it has ended already
            process.stdin.close()
    for process in processes:
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def joined(each: Sequence[dict]) -> dict:
    """What all did together: rates add up, times are those of all jobs."""
    samples = sorted(us for one in each for us in one["figures"]["samplesUs"])
    spread = {"p50": _rank(samples, 500), "p99": _rank(samples, 990), "max": samples[-1]} if samples else None
    return {"jobsPerS": round(sum(one["figures"]["jobsPerS"] for one in each)), "jobUs": spread}


def _rank(ordered: Sequence[int], thousandths: int) -> int:
    """Nearest rank."""
    return ordered[max(-(-len(ordered) * thousandths // 1000), 1) - 1]
