"""One process of ResNet18 in plain PyTorch: eager, or its eager kernels in a CUDA graph; a job after the other. Says
when it is ready for each of the modes named, and counts in the window that stdin names.

  python3 eager_worker.py MODE...     MODE: eager, graph, eager+copies or graph+copies, as often as wanted"""

import json
import sys
from collections.abc import Callable

import torch
import torchvision
from gate import steady_us

SHAPE = (1, 3, 224, 224)
WARM_UP = 10


class Jobs:
    """The network with its buffers; page-locked ones for jobs with copies."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        model = torchvision.models.resnet18(weights=None).eval().half().cuda()
        self._model = model.to(memory_format=torch.channels_last)
        self._stream = torch.cuda.Stream()
        self._host_in = torch.rand(SHAPE).half().to(memory_format=torch.channels_last).pin_memory()
        self._input = self._host_in.cuda()
        self._host_out = torch.empty((1, 1000), dtype=torch.half, pin_memory=True)

    def eager(self, copies: bool) -> Callable[[], None]:
        def job() -> None:
            with torch.cuda.stream(self._stream):
                self._forward(copies)
            self._stream.synchronize()

        return job

    def graph(self, copies: bool) -> Callable[[], None]:
        warm = self.eager(copies)
        for _ in range(WARM_UP):
            warm()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self._stream):
            self._forward(copies)

        def job() -> None:
            with torch.cuda.stream(self._stream):
                graph.replay()
            self._stream.synchronize()

        return job

    def _forward(self, copies: bool) -> None:
        if copies:
            self._input.copy_(self._host_in, non_blocking=True)
        output = self._model(self._input)
        if copies:
            self._host_out.copy_(output, non_blocking=True)


def count(job: Callable[[], None], begin: int, end: int) -> dict:
    """Jobs that ended in the window."""
    samples = []
    started = steady_us()
    while started < end:
        job()
        ended = steady_us()
        if begin <= ended < end:
            samples.append(ended - started)
        started = ended
    return {"jobsPerS": len(samples) * 1e6 / (end - begin), "samplesUs": samples}


def main(modes: list[str]) -> None:
    torch.set_num_threads(1)
    torch.backends.cudnn.benchmark = True
    with torch.inference_mode():
        jobs = Jobs()
        made: dict[str, Callable[[], None]] = {}
        for mode in modes:
            kind, _, copies = mode.partition("+")
            if mode not in made:
                made[mode] = getattr(jobs, kind)(bool(copies))
                for _ in range(WARM_UP):
                    made[mode]()
            print(json.dumps({"ready": mode}), flush=True)
            window = sys.stdin.readline().split()
            if len(window) != 2:
                return
            print(json.dumps({"mode": mode, "figures": count(made[mode], *map(int, window))}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
