"""Measures how long each node of a traced module takes on the device that the package is for."""

import time
from collections.abc import Callable
from contextlib import nullcontext

import torch
from torch import fx

from daris_package.pytorch.alone import alone
from daris_package.pytorch.retarget import retargeted
from daris_package.pytorch.traced import Traced

_REPETITIONS = 10

# Keeps a GPU busy (about half a millisecond) while the repetitions are queued: their launches are not measured.
_HEAD_START_CYCLES = 1_000_000


class _Stopwatch(fx.Interpreter):
    """Runs a graph node by node; `microseconds` has the time of each by name."""

    def __init__(self, module: fx.GraphModule, measure: Callable[[Callable[[], object]], float]) -> None:
        super().__init__(module)
        self.measure = measure
        self.microseconds: dict[str, float] = {}

    def run_node(self, n: fx.Node) -> object:
        result = super().run_node(n)
        if n.op == "call_function":
            args, kwargs = self.fetch_args_kwargs_from_env(n)
            self.microseconds[n.name] = self.measure(lambda: self.call_function(n.target, args, kwargs))
        return result


def node_times(
    traced: Traced, inputs: tuple[torch.Tensor, ...], precision: str, device: str, layout: str
) -> list[float]:
    """Microseconds of each of `traced.nodes`. `inputs` have the package's datatypes."""
    module = retargeted(traced.module, precision, device, layout)
    watch = _Stopwatch(module, _on_gpu if device == "cuda" else _on_cpu)
    with torch.no_grad(), alone() if device == "cuda" else nullcontext():
        watch.run(*(value.to(device) for value in inputs), enable_io_processing=False)
    return [watch.microseconds[node.name] for node in traced.nodes]


def _on_gpu(call: Callable[[], object]) -> float:
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    torch.cuda._sleep(_HEAD_START_CYCLES)
    start.record()
    for _ in range(_REPETITIONS):
        call()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) * 1000 / _REPETITIONS


def _on_cpu(call: Callable[[], object]) -> float:
    def once() -> int:
        start = time.perf_counter_ns()
        call()
        return time.perf_counter_ns() - start

    return min(once() for _ in range(3)) / 1000
