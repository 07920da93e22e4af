"""Four models mixed at 150 % for five minutes, with the memory of process and GPU every ten seconds."""

import tempfile
import threading
import time
from pathlib import Path

from .bench import RESIDENT, documents, start, words_of
from .plan import a_class, bare, bed, green, load, one_to_two
from .sets import SETS
from .setting import Setting, query_gpu

SECONDS = 300
OFFERED = 1.5
SAMPLE_S = 10
DIVISION = green(4, 2, 2)


def resident_mib(pid: int) -> float | None:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    return round(int(status.split("VmRSS:")[1].split()[0]) / 1024, 1) if "VmRSS:" in status else None


def sample_memory(pid: int, ended: threading.Event, samples: list[dict], every: float) -> None:
    begun = time.monotonic()
    while not ended.wait(every):
        used = query_gpu("memory.used")
        samples.append(
            {
                "atS": round(time.monotonic() - begun, 1),
                "hostMiB": resident_mib(pid),
                "gpuMiB": float(used[0]) if used else None,
            }
        )


def the_bed(setting: Setting) -> dict:
    classes = [a_class(setting.package(model), 1) for model in SETS]
    share = OFFERED / len(SETS)
    groups = [
        group
        for index, each in enumerate(SETS.values())
        for group in one_to_two({"timesBare": share}, each.period_us, index)
    ]
    loops = [bare(setting.seconds(0.6), name=f"bare {model}", **{"class": i}) for i, model in enumerate(SETS)]
    return bed(DIVISION, classes, [*loops, load(groups, setting.seconds(SECONDS), name="mixed")])


def run(setting: Setting) -> dict:
    lines: list[dict] = []
    samples: list[dict] = []
    ended = threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        process = start(setting, [the_bed(setting)], RESIDENT, Path(folder, "plan.json"))
        every = max(setting.seconds(SAMPLE_S), 0.2)
        watcher = threading.Thread(target=sample_memory, args=(process.pid, ended, samples, every))
        watcher.start()
        timer = threading.Timer(max(setting.left(), 0.1), process.kill)
        timer.start()
        serving_from = None
        for line in documents(process):
            if "bed" not in line:
                continue
            lines.append(line)
            print(f"  {words_of(line)}", flush=True)
            if len(lines) == len(SETS):
                serving_from = len(samples)
        process.wait()
        timer.cancel()
        ended.set()
        watcher.join()
    return {"runs": lines, "memory": samples[serving_from or 0 :], "everyS": every}
