"""The weights that a stage's artifacts of all batch sizes share: one file, and in each `.pt2` where its own lie in it.

An engine puts the file onto its device once, and binds every batch size to it.
"""

import json
from collections.abc import Mapping

import torch

from daris_package.errors import PackageError

KEY = "daris_weights"
"""Where a `.pt2`'s metadata keeps its index: `[name, datatype, shape, strides, offset]` of each of its weights."""

_ALIGNMENT = 256  # of tensors in a GPU's memory

Values = Mapping[str, torch.Tensor]


class SharedWeights:
    """Gathers the weights of one stage; equal bytes are kept once."""

    def __init__(self) -> None:
        self._content = bytearray()
        self._offsets: dict[bytes, int] = {}

    def add(self, values: Values) -> str:
        """The index of these weights, each of which is in the content from now on; raises PackageError."""
        for name, value in values.items():
            if value.layout != torch.strided:
                raise PackageError(f"weight '{name}' is {value.layout}, sparse weights are not compiled; make it dense")
        index = [
            [name, _word(value.dtype), list(value.shape), list(value.stride()), self._offset(_raw(value))]
            for name, value in sorted(values.items())
        ]
        return json.dumps(index, separators=(",", ":"))

    def content(self) -> bytes:
        """What the file holds."""
        return bytes(self._content)

    def _offset(self, raw: bytes) -> int:
        if raw not in self._offsets:
            self._content += bytes(-len(self._content) % _ALIGNMENT)
            self._offsets[raw] = len(self._content)
            self._content += raw
        return self._offsets[raw]


def indexed(index: str, content: bytes, device: str) -> dict[str, torch.Tensor]:
    """The weights that an index names, on the device, each in a storage of its own: torch copies whole storages."""
    whole = torch.frombuffer(bytearray(content or b"\0"), dtype=torch.uint8).to(device)
    values = {}
    for name, word, shape, strides, offset in json.loads(index):
        dtype = getattr(torch, word)
        flat = whole[offset : offset + _span(shape, strides) * dtype.itemsize].view(dtype)
        values[name] = flat.clone().as_strided(shape, strides)
    return values


def _word(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _raw(value: torch.Tensor) -> bytes:
    """All that lies between the first and the last element: compiled code reads weights by their strides."""
    flat = value.detach().as_strided((_span(value.shape, value.stride()),), (1,))
    return flat.cpu().view(torch.uint8).numpy().tobytes()


def _span(shape: tuple[int, ...] | list[int], strides: tuple[int, ...] | list[int]) -> int:
    if 0 in shape:
        return 0
    return 1 + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
