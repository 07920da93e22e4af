"""Models and packages that the tests split, break and check."""

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from daris_package.build import Plan, build
from daris_package.cli import main
from daris_package.package import Package
from daris_package.write import write_folder


def small_model(batch: int | str = "batch", height: int | str = 8, dtype: int = TensorProto.FLOAT) -> ModelProto:
    """image → conv a → relu b → conv c → c + b → relu d → dense scores: b is read on both sides of c."""
    rng = np.random.default_rng(1)
    weights = [
        numpy_helper.from_array(rng.uniform(-0.5, 0.5, (4, 3, 3, 3)).astype(np.float32), "w1"),
        numpy_helper.from_array(rng.uniform(-0.5, 0.5, (4, 4, 3, 3)).astype(np.float32), "w2"),
        numpy_helper.from_array(rng.uniform(-0.5, 0.5, (256, 5)).astype(np.float32), "w3"),
    ]
    pads = {"pads": [1, 1, 1, 1]}
    nodes = [
        helper.make_node("Conv", ["image", "w1"], ["a"], **pads),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "w2"], ["c"], **pads),
        helper.make_node("Add", ["c", "b"], ["sum"]),
        helper.make_node("Relu", ["sum"], ["d"]),
        helper.make_node("Flatten", ["d"], ["flat"], axis=1),
        helper.make_node("MatMul", ["flat", "w3"], ["scores"]),
    ]
    return make_model(
        nodes,
        [helper.make_tensor_value_info("image", dtype, [batch, 3, height, 8])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [batch, 5])],
        weights,
    )


def make_model(nodes, inputs, outputs, weights=()) -> ModelProto:
    graph = helper.make_graph(nodes, "test", inputs, outputs, list(weights))
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def build_small(borders, **plan) -> Package:
    return build(small_model(), Plan("small", borders, **plan), report=lambda _: None)


@pytest.fixture(scope="session")
def small_package() -> Package:
    """A package of three stages at batches 1 and 2; the last stage reads from both others."""
    return build_small(borders=[["b"], ["c"]], batches=(1, 2))


@pytest.fixture
def package_folder(small_package: Package, tmp_path: Path) -> Path:
    """A fresh copy of the small package on disk, for a test to damage."""
    write_folder(small_package.files, tmp_path / "small")
    return tmp_path / "small"


@pytest.fixture
def small_onnx(tmp_path: Path) -> Path:
    file = tmp_path / "small.onnx"
    onnx.save(small_model(), file)
    return file


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example packages, built once."""
    output = tmp_path_factory.mktemp("examples")
    assert main(["examples", "--output", str(output), "--digests"]) == 0
    return output


@pytest.fixture
def examples_copy(examples: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(examples, tmp_path / "examples"))
