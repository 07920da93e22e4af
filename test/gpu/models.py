"""Modules that the GPU tests package beside real networks."""

import torch
from torch import nn


def gemm() -> nn.Module:
    """Products that go to cuBLAS, whose workspaces two slots must not share."""
    torch.manual_seed(1)
    layers = [layer for _ in range(6) for layer in (nn.Linear(1024, 1024), nn.ReLU())]
    return nn.Sequential(*layers)


class Table(nn.Module):
    """Looks up rows; an index beyond the table is a fault of the device."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.arange(64 * 8, dtype=torch.float32).reshape(64, 8))

    def forward(self, index: torch.Tensor) -> torch.Tensor:
        return self.rows[index]


def table() -> nn.Module:
    return Table()
