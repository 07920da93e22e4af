"""Gives a module its weights: from a file, or random ones that keep the values of deep networks in range."""

from pathlib import Path

import torch
from torch import nn

from daris_package.errors import PackageError
from daris_package.pytorch import catalogue
from daris_package.pytorch.plan import TorchPlan

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def make_module(plan: TorchPlan, element: tuple[torch.Tensor, ...]) -> nn.Module:
    """The module to package, in evaluation, FP32 on the CPU, its weights rounded to the package's precision.

    `element` has one batch of inputs, on which the statistics of random weights are taken.
    """
    torch.manual_seed(plan.seed)
    module = catalogue.make(plan.model).eval().float().requires_grad_(requires_grad=False)
    if plan.weights is not None:
        _load(module, plan.weights)
    elif catalogue.is_named(plan.model):
        _take_statistics(module.to(plan.device), tuple(value.to(plan.device) for value in element))
    module = module.cpu()
    return module.half().float() if plan.precision == "FP16" else module


def _load(module: nn.Module, file: Path) -> None:
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
        module.load_state_dict(state)
    except FileNotFoundError as error:
        raise PackageError(f"--weights {file}: no such file") from error
    except Exception as error:  # the unpickler raises whatever the bytes make it do
        reason = " ".join(str(error).split())[:300]
        raise PackageError(f"--weights {file}: is no state dict of this module: {reason}") from error


def _take_statistics(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
    """Sets what batch normalisation knows of its inputs.

    Random weights double the variance in each residual block; without statistics that fit them the values of a
    deep network leave the range of FP16.
    """
    norms = [part for part in module.modules() if isinstance(part, _NORMS)]
    if not norms:
        return
    for norm in norms:
        norm.momentum = None
        norm.reset_running_stats()
        norm.train()
    with torch.no_grad():
        module(*inputs)
    module.eval()
