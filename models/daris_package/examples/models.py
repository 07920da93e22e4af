"""The architectures of the examples, with the tensors at which they are split.

The names say what such a network would be used for; with random weights they compute nothing of the kind.
Sizes are chosen so that the stages of a model take about the same time on one core.
"""

from collections.abc import Callable
from dataclasses import dataclass

from onnx import ModelProto

from daris_package.examples.network import Filter, Network
from daris_package.split import Borders


@dataclass(frozen=True, slots=True)
class ExampleModel:
    """A network and its stages."""

    name: str
    make: Callable[[str], ModelProto]
    borders: Borders
    batches: tuple[int, ...] = (1, 2, 4)


def edge_classifier(name: str) -> ModelProto:
    """A residual classifier: image 3×160×160 → 10 scores."""
    net = Network(name, (3, 160, 160))
    x = net.residual(net.conv(net.normalized_input(), "stem", 16, stride=2), "layer1")
    x = net.residual(net.conv(x, "down2", 32, stride=2), "layer2")
    x = net.residual(net.conv(x, "down3", 64, stride=2), "layer3")
    x = net.residual(net.conv(x, "down4", 96, stride=2), "layer4")
    net.dense(x, "scores", 10)
    return net.model({"scores": (10,)})


def lane_detector(name: str) -> ModelProto:
    """An encoder and decoder with skip connections: image 3×144×232 → two masks of 72×116."""
    net = Network(name, (3, 144, 232))
    fine = net.residual(net.conv(net.normalized_input(), "stem", 16, stride=2), "encoder1")
    middle = net.conv(fine, "down2", 32, stride=2)
    middle = net.residual(net.residual(middle, "encoder2a"), "encoder2")
    coarse = net.residual(net.conv(middle, "down3", 64, stride=2), "encoder3")
    up = net.concat([net.upsample(coarse, "up2", 32), middle], "joined2")
    up = net.conv(up, "decoder2", 32)
    up = net.concat([net.upsample(up, "up1", 16), fine], "joined1")
    up = net.conv(up, "decoder1", 16)
    net.sigmoid(net.linear_conv(up, "mask", Filter(2)), "lanes")
    return net.model({"lanes": (2, 72, 116)})


def person_detector(name: str) -> ModelProto:
    """A one-shot detector: image 3×240×240 → boxes and confidences of 2 anchors in 30×30 cells."""
    net = Network(name, (3, 240, 240))
    x = net.residual(net.conv(net.normalized_input(), "stem", 16, stride=2), "layer1")
    x = net.conv(x, "down2", 32, stride=2)
    x = net.residual(net.residual(x, "layer2a"), "layer2")
    x = net.conv(x, "down3", 64, stride=2)
    x = net.residual(net.residual(x, "layer3a"), "layer3")
    x = net.conv(net.residual(x, "layer4"), "neck", 64)
    x = net.conv(x, "head", 64)
    net.linear_conv(x, "boxes", Filter(8))
    net.sigmoid(net.linear_conv(x, "logits", Filter(2)), "confidences")
    return net.model({"boxes": (8, 30, 30), "confidences": (2, 30, 30)})


def channel_estimator(name: str) -> ModelProto:
    """A perceptron whose weights (51 MB) fit no cache: 256 values of a radio channel → 64 estimates.

    A job alone spends its time on reading them, so eight that go together take little longer than one.
    """
    net = Network(name, (256, 1, 1))
    x = net.relu(net.dense(net.normalized_input(), "dense1", 2048), "hidden1")
    x = net.relu(net.dense(x, "dense2", 2048), "hidden2")
    x = net.relu(net.dense(x, "dense3", 2048), "hidden3")
    x = net.relu(net.dense(x, "dense4", 2048), "hidden4")
    net.dense(x, "estimates", 64)
    return net.model({"estimates": (64, 1, 1)})


EXAMPLES = (
    ExampleModel("edge-classifier", edge_classifier, [["layer1"], ["layer2"], ["layer3"]]),
    ExampleModel("lane-detector", lane_detector, [["encoder1"], ["encoder2"], ["decoder2"]]),
    ExampleModel("person-detector", person_detector, [["layer1"], ["layer2"], ["layer3"]]),
)

# Built only where asked for, since its batch sizes are files of 51 MB each.
LARGE_EXAMPLES = (
    ExampleModel("channel-estimator", channel_estimator, [["hidden2"], ["hidden3"]], batches=(1, 2, 4, 8)),
)
