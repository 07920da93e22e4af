"""Compares a staged package with the whole eager module, tensor by tensor, before anything is written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from daris_package.errors import PackageError
from daris_package.manifest import Stage

Tensors = dict[str, torch.Tensor]
Compute = Callable[..., Sequence[torch.Tensor]]


@dataclass(frozen=True, slots=True)
class Whole:
    """The eager module, FP32 on the device of the package; `inputs` and `outputs` name its flat tensors."""

    module: nn.Module
    device: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def compute(self, inputs: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """All outputs, in order."""
        with torch.no_grad():
            answered = self.module(*(value.to(self.device) for value in map(_as_float32, inputs)))
        return tuple(torch.utils._pytree.tree_leaves(answered))


def run_stages(stages: Sequence[Stage], compute: Sequence[Compute], inputs: Tensors) -> Tensors:
    """Every tensor that enters, crosses or leaves, the stages run one after another."""
    tensors = dict(inputs)
    with torch.no_grad():
        for stage, run in zip(stages, compute, strict=True):
            answered = run(*(tensors[name] for name in stage.inputs))
            tensors |= dict(zip(stage.outputs, answered, strict=True))
    return tensors


def stage_difference(stages: Sequence[Stage], got: Tensors, expected: Tensors, batch: int, accepted: float) -> float:
    """The largest difference of any tensor; raises PackageError naming the first stage that goes astray."""
    worst = 0.0
    for stage in stages:
        for name in stage.outputs:
            found = distance(got[name], expected[name], name)
            if found > accepted:
                raise PackageError(
                    f"at batch {batch} {stage.name} writes '{name}' with a difference of {found:.2e} from the eager "
                    f"module, more than {accepted:.0e}; use --dtype fp32, or --tolerance if that much is harmless"
                )
            worst = max(worst, found)
    return worst


def whole_difference(
    whole: Whole, inputs: Sequence[torch.Tensor], got: Tensors, accepted: float, kind: str = "compiled"
) -> float:
    """The largest difference of any output from the module run on each batch element alone.

    `got` is what the stages of this `kind` answered; raises PackageError beyond `accepted`.
    """
    batch = inputs[0].shape[0]
    worst = 0.0
    for k in range(batch):
        expected = whole.compute([value[k : k + 1] for value in inputs])
        for name, value in zip(whole.outputs, expected, strict=True):
            found = distance(got[name][k : k + 1], value, name)
            if found > accepted:
                raise PackageError(
                    f"at batch {batch} output '{name}' of the {kind} stages differs from the whole module's by "
                    f"{found:.2e}, more than {accepted:.0e}, on batch element {k}: the module mixes the elements of a "
                    "batch, is not deterministic, or needs a larger --tolerance; try --batches 1"
                )
            worst = max(worst, found)
    return worst


def distance(got: torch.Tensor, expected: torch.Tensor, name: str) -> float:
    """The largest difference, relative to the largest expected value."""
    if got.shape != expected.shape:
        raise PackageError(
            f"tensor '{name}' has shape {list(got.shape)} in stages and {list(expected.shape)} in the whole module"
        )
    got, expected = got.double(), expected.double()
    if not bool(torch.isfinite(expected).all()):
        raise PackageError(f"tensor '{name}' of the whole module is not finite on the sample; give one with --sample")
    if not expected.numel():
        return 0.0
    scale = expected.abs().max().item() or 1.0
    found = (got - expected).abs().max().item() / scale
    return found if np.isfinite(found) else float("inf")


def _as_float32(value: torch.Tensor) -> torch.Tensor:
    return value.float() if value.is_floating_point() else value
