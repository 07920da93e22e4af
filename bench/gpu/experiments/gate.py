"""Several processes that each say when they are ready and then all count in one window of the machine's clock."""

import json
import selectors
import subprocess
import time
from collections.abc import Sequence

AHEAD_S = 0.4  # from the word to the window: warm-up, and time for the word to reach everyone


def steady_us() -> int:
    """The clock of C++'s steady_clock, which all processes of a machine share."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


class GateError(RuntimeError):
    """A process ended, or said nothing in time."""


class Gate:
    """Processes whose stdout has JSON lines, `{"ready": ...}` among them, and whose stdin takes `FROM TO`."""

    def __init__(self, processes: Sequence[subprocess.Popen]) -> None:
        self._processes = processes

    def open(self, seconds: float, patience_s: float) -> list[dict]:
        """Waits for all to be ready, lets them run, and answers what each said of the window."""
        for process in self._processes:
            self._await(process, "ready", patience_s)
        begin = steady_us() + int(AHEAD_S * 1e6)
        for process in self._processes:
            process.stdin.write(f"{begin} {begin + int(seconds * 1e6)}\n")
            process.stdin.flush()
        return [self._await(process, "figures", patience_s) for process in self._processes]

    @staticmethod
    def _await(process: subprocess.Popen, key: str, patience_s: float) -> dict:
        until = time.monotonic() + patience_s
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while selector.select(max(until - time.monotonic(), 0)):
                line = process.stdout.readline()
                if not line:
                    raise GateError(f"a process ended with status {process.wait()}")
                document = json.loads(line)
                if "error" in document:
                    raise GateError(document["error"])
                if key in document:
                    return document
        raise GateError(f"a process was not {key} within {patience_s:.0f} s")


def end_all(processes: Sequence[subprocess.Popen]) -> None:
    """By closing their input; who does not end then is ended."""
    for process in processes:
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
    rank = lambda share: samples[max(-(-len(samples) * share // 1000), 1) - 1]
    spread = {"count": len(samples), "p50": rank(500), "p99": rank(990), "max": samples[-1]} if samples else None
    return {"jobsPerS": round(sum(one["figures"]["jobsPerS"] for one in each)), "jobUs": spread}
