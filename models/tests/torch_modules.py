"""Modules that the tests package; also read as a user's file, FILE.py:FACTORY."""

import torch
from torch import nn


class Skipping(nn.Module):
    """Three parts in a row, the last of which also reads the first's output; rectifies in place."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True))
        self.second = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(inplace=True))
        self.third = nn.Conv2d(16, 8, 3, padding=1)
        self.head = nn.Linear(8, 5)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        first = self.first(image)
        joined = torch.cat([first, self.second(first)], 1)
        return self.head(self.third(joined).mean((2, 3)))


class TwiceRead(nn.Module):
    """A convolution that the sum reads beside the batch normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        values = self.convolution(image)
        return self.norm(values) + values


class Mixing(nn.Module):
    """Subtracts the mean over the batch, so that its elements influence each other."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.second = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = self.first(x)
        return self.second(first - first.mean(0, keepdim=True))


class Counting(nn.Module):
    """Counts its calls in a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(4, 4)
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls.add_(1)
        return self.dense(x) + self.calls


class Flattening(nn.Module):
    """Joins batch and rows between its parts."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Flatten(0, 1)
        self.second = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.first(x)).unflatten(0, (-1, 3))


class Twice(nn.Module):
    """Answers one tensor twice."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        y = x + 1
        return y, y


class Constant(nn.Module):
    """Adds a range of numbers, and multiplies by a list of them, between its parts."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.second = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second((self.first(x) + torch.arange(4.0)) * torch.tensor([1.0, 2.0, 3.0, 4.0]))


def skipping() -> nn.Module:
    torch.manual_seed(1)
    return Skipping()


def failing() -> nn.Module:
    raise ValueError("no such checkpoint")


def number() -> int:
    return 5


def twice_read() -> nn.Module:
    torch.manual_seed(1)
    return TwiceRead()
