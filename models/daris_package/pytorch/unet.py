"""A plain U-Net for segmentation: four halvings, skip connections, transposed convolutions on the way up."""

import torch
from torch import nn


class DoubleConvolution(nn.Sequential):
    """Two 3×3 convolutions, each normalised and rectified; keeps height and width."""

    def __init__(self, inputs: int, outputs: int) -> None:
        layers: list[nn.Module] = []
        for channels in (inputs, outputs):
            layers += [nn.Conv2d(channels, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
        super().__init__(*layers)


class Up(nn.Module):
    """Doubles height and width, joins the skip connection of that size, and convolves."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.widen = nn.ConvTranspose2d(inputs, outputs, 2, stride=2)
        self.convolve = DoubleConvolution(2 * outputs, outputs)

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        return self.convolve(torch.cat([skip, self.widen(x)], dim=1))


class UNet(nn.Module):
    """[N, 3, H, W] → [N, classes, H, W] logits; H and W must be multiples of 16."""

    def __init__(self, width: int = 32, classes: int = 2) -> None:
        super().__init__()
        widths = [width << level for level in range(5)]
        self.pool = nn.MaxPool2d(2)
        self.enter = DoubleConvolution(3, widths[0])
        self.down1, self.down2, self.down3, self.down4 = (
            DoubleConvolution(widths[level], widths[level + 1]) for level in range(4)
        )
        self.up4, self.up3, self.up2, self.up1 = (Up(widths[level + 1], widths[level]) for level in reversed(range(4)))
        self.classify = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skip0 = self.enter(x)
        skip1 = self.down1(self.pool(skip0))
        skip2 = self.down2(self.pool(skip1))
        skip3 = self.down3(self.pool(skip2))
        x = self.up4(self.down4(self.pool(skip3)), skip3)
        return self.classify(self.up1(self.up2(self.up3(x, skip2), skip1), skip0))
