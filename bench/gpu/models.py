"""A small network that shares the GPU with others in the experiments."""

import torch
import torchvision
from torch import nn


def squeezenet() -> nn.Module:
    """SqueezeNet 1.1 with weights of its own initialization; no normalization, so its values stay in range."""
    torch.manual_seed(0)
    return torchvision.models.squeezenet1_1(weights=None)
