"""A small builder of CNNs in ONNX whose bytes are the same on every machine.

Weights come from SHAKE-256 of their own name by exact float32 arithmetic: no BLAS, no libm, no generator
whose stream could change. Their bounds keep the second moment of activations (He, for ReLU), so outputs
stay finite and follow the input.
"""

import hashlib
import math
from dataclasses import dataclass

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

IR_VERSION = 8
OPSET = 17

Chw = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Filter:
    """A convolution's size. `gain` over fan-in is its weights' squared bound: 6 keeps the moment through a ReLU."""

    channels: int
    kernel: int = 1
    stride: int = 1
    gain: float = 3.0


class Network:
    """A model under construction. Methods add an operator and return the name of its output tensor."""

    def __init__(self, name: str, image: Chw) -> None:
        self.name = name
        self.image = image
        self.chw: dict[str, Chw] = {}
        self.nodes: list[NodeProto] = []
        self.weights: list[TensorProto] = []

    def normalized_input(self) -> str:
        """The input `image`, values in [0, 1), brought to mean 0 and variance 1."""
        self.chw["image"] = self.image
        self._constant("image/mean", np.full((1, 1, 1, 1), 0.5, np.float32))
        self._constant("image/scale", np.full((1, 1, 1, 1), 3.5, np.float32))
        self._node("Sub", ["image", "image/mean"], "image/centered", self.image)
        return self._node("Mul", ["image/centered", "image/scale"], "image/normalized", self.image)

    def conv(self, source: str, name: str, channels: int, stride: int = 1) -> str:
        """3×3 convolution and ReLU; the output keeps the size at stride 1 and halves it at 2."""
        convolved = self.linear_conv(source, f"{name}/conv", Filter(channels, kernel=3, stride=stride, gain=6.0))
        return self.relu(convolved, name)

    def linear_conv(self, source: str, name: str, filters: Filter) -> str:
        """Convolution alone, padded so that stride alone decides the output's size."""
        depth, height, width = self.chw[source]
        channels, kernel, stride = filters.channels, filters.kernel, filters.stride
        weight = self._weight(f"{name}/weight", (channels, depth, kernel, kernel), filters.gain)
        bias = self._weight(f"{name}/bias", (channels,), 0.01 * channels)
        size = (channels, -(-height // stride), -(-width // stride))
        before, after = (kernel - 1) // 2, kernel // 2
        return self._node(
            "Conv",
            [source, weight, bias],
            name,
            size,
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[before, before, after, after],
        )

    def residual(self, source: str, name: str) -> str:
        """Two convolutions added to their input, then ReLU; the size stays."""
        channels = self.chw[source][0]
        inner = self.conv(source, f"{name}/inner", channels)
        outer = self.linear_conv(inner, f"{name}/outer", Filter(channels, kernel=3, gain=1.5))
        added = self._node("Add", [source, outer], f"{name}/sum", self.chw[source])
        return self.relu(added, name)

    def upsample(self, source: str, name: str, channels: int) -> str:
        """Transposed 2×2 convolution at stride 2: twice the size."""
        depth, height, width = self.chw[source]
        weight = self._weight(f"{name}/weight", (depth, channels, 2, 2), 3.0, fan_in=depth)
        size = (channels, 2 * height, 2 * width)
        return self._node("ConvTranspose", [source, weight], name, size, kernel_shape=[2, 2], strides=[2, 2])

    def concat(self, sources: list[str], name: str) -> str:
        """Channels of several tensors of one size, one after another."""
        _, height, width = self.chw[sources[0]]
        channels = sum(self.chw[source][0] for source in sources)
        return self._node("Concat", sources, name, (channels, height, width), axis=1)

    def relu(self, source: str, name: str) -> str:
        return self._node("Relu", [source], name, self.chw[source])

    def sigmoid(self, source: str, name: str) -> str:
        return self._node("Sigmoid", [source], name, self.chw[source])

    def dense(self, source: str, name: str, features: int) -> str:
        """All values of one element into `features` linear ones."""
        count = math.prod(self.chw[source])
        flat = self._node("Flatten", [source], f"{name}/flat", (count, 1, 1), axis=1)
        weight = self._weight(f"{name}/weight", (count, features), 3.0, fan_in=count)
        bias = self._weight(f"{name}/bias", (features,), 0.01 * features)
        return self._node("Gemm", [flat, weight, bias], name, (features, 1, 1))

    def model(self, outputs: dict[str, tuple[int, ...]]) -> ModelProto:
        """The finished model; `outputs` gives the shape of one element of each output tensor."""
        graph = helper.make_graph(
            self.nodes,
            self.name,
            [_value("image", self.image)],
            [_value(name, shape) for name, shape in outputs.items()],
            self.weights,
        )
        return helper.make_model(
            graph,
            ir_version=IR_VERSION,
            opset_imports=[helper.make_opsetid("", OPSET)],
            producer_name="daris-package",
        )

    def _node(self, operator: str, inputs: list[str], output: str, chw: Chw, **attributes: object) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        self.chw[output] = chw
        return output

    def _constant(self, name: str, value: np.ndarray) -> None:
        self.weights.append(numpy_helper.from_array(value, name))

    def _weight(self, name: str, shape: tuple[int, ...], gain: float, fan_in: int | None = None) -> str:
        bound = math.sqrt(gain / (fan_in or math.prod(shape[1:]) or 1))
        if len(shape) == 1:
            bound = math.sqrt(gain / shape[0])
        self._constant(name, uniform(f"{self.name}/{name}", shape, bound))
        return name


def uniform(seed: str, shape: tuple[int, ...], bound: float) -> np.ndarray:
    """float32 values in [-bound, bound), the same bits everywhere for the same seed.

    24 bits of the hash stream are exact in float32, and so is their centring; the one rounding is that of
    the multiplication, which IEEE 754 fixes.
    """
    count = math.prod(shape)
    bits = np.frombuffer(hashlib.shake_256(seed.encode()).digest(4 * count), "<u4") >> 8
    centred = (bits.astype(np.float32) - np.float32(1 << 23)) / np.float32(1 << 23)
    return (centred * np.float32(bound)).astype("<f4").reshape(shape)


def _value(name: str, shape: tuple[int, ...]) -> object:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])
