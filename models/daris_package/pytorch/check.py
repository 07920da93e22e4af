"""Runs the compiled stages of one batch size and compares every tensor that they hand over."""

from collections.abc import Mapping

import numpy as np
import torch

from daris_package import compare
from daris_package.errors import PackageError
from daris_package.pytorch.compiled_run import CompiledStage, run_compiled
from daris_package.pytorch.difference import Tensors, Whole, run_stages, stage_difference, whole_difference
from daris_package.pytorch.plan import TorchPlan
from daris_package.pytorch.retarget import memory_format, retargeted
from daris_package.pytorch.stages import StagedModule


class Checker:
    """Knows what the stages of one batch size should compute."""

    def __init__(self, whole: Whole, staged: StagedModule, plan: TorchPlan) -> None:
        self.whole = whole
        self.staged = staged
        self.plan = plan

    def check(self, compiled: Mapping[str, CompiledStage], element: Mapping[str, np.ndarray]) -> float:
        """The largest difference; raises PackageError beyond the tolerance or where a tensor lies otherwise."""
        device, stages, accepted = self.plan.device, self.staged.stages, self.plan.accepted
        inputs = {
            name: torch.from_numpy(compare.elements(value, self.staged.batch)).to(device)
            for name, value in element.items()
        }
        eager = [retargeted(module, "FP32", device, "contiguous") for module in self.staged.modules]
        expected = run_stages(stages, eager, {n: v.float() if v.is_floating_point() else v for n, v in inputs.items()})
        got = run_compiled(stages, [compiled[stage.name] for stage in stages], inputs, self.plan.tf32)
        self._check_layouts(got)
        worst = stage_difference(stages, got, expected, self.staged.batch, accepted)
        values = [inputs[name] for name in self.staged.inputs]
        return max(worst, whole_difference(self.whole, values, got, accepted))

    def _check_layouts(self, got: Tensors) -> None:
        for name, tensor in self.staged.tensors.items():
            wanted = memory_format(self.staged, tensor, self.plan.layout)
            if not got[name].is_contiguous(memory_format=wanted):
                raise PackageError(
                    f"at batch {self.staged.batch} tensor '{name}' has strides {got[name].stride()} instead of those "
                    f"of {str(wanted).removeprefix('torch.')}: the compiler changed its layout; split elsewhere"
                )
