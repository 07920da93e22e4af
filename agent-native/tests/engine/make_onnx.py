"""Writes the ONNX files of the engine's tests into the folder given: small, seeded, a second at most.

chain-<i>-b<n>: four stages of a CNN at batch n; the last reads the first's output too. whole-b<n>: the same in one.
chain-0-open: the first stage with an open batch dimension. external: weights in another file.
fragile: adds `x` up along the dimension that its input `axis` names, and fails while it runs where there is none.
patient: computes on `x` as often as its input `rounds` says, so that a test chooses how long a job takes.
open-inside: reshapes `x` by its input `axis`, so that a shape inside depends on data.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = [helper.make_opsetid("", 17)]
FLOAT = TensorProto.FLOAT
CHANNELS = 8
SIDE = 16
# What crosses the borders of the chain: name, shape without batch.
BORDERS = {
    "image": (3, SIDE, SIDE),
    "stage-0/out": (CHANNELS, SIDE, SIDE),
    "stage-1/out": (CHANNELS, SIDE, SIDE),
    "stage-2/out": (CHANNELS, SIDE, SIDE),
    "scores": (10,),
}


def value(name: str, batch: int | str, elem_type: int = FLOAT, shape: tuple[int, ...] | None = None):
    return helper.make_tensor_value_info(name, elem_type, [batch, *(BORDERS[name] if shape is None else shape)])


def save(folder: Path, name: str, nodes, inputs, outputs, weights) -> None:
    graph = helper.make_graph(nodes, name, inputs, outputs, [numpy_helper.from_array(w, n) for n, w in weights.items()])
    model = helper.make_model(graph, opset_imports=OPSET, ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, folder / f"{name}.onnx")


def conv(rng: np.random.Generator, index: int, source: str, target: str):
    """Convolution and ReLU; the weights are by name, so that whole and stages share them."""
    channels = BORDERS[source][0]
    weights = {f"w{index}": (rng.standard_normal((CHANNELS, channels, 3, 3)) * 0.2).astype(np.float32)}
    nodes = [
        helper.make_node("Conv", [source, f"w{index}"], [f"conv{index}"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", [f"conv{index}"], [target]),
    ]
    return nodes, weights


def head(rng: np.random.Generator):
    weights = {"wh": (rng.standard_normal((CHANNELS, 10)) * 0.2).astype(np.float32)}
    nodes = [
        helper.make_node("Add", ["stage-2/out", "stage-0/out"], ["sum"]),
        helper.make_node("ReduceMean", ["sum"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["mean", "wh"], ["scores"]),
    ]
    return nodes, weights


def write_chain(folder: Path) -> None:
    rng = np.random.default_rng(7)
    names = list(BORDERS)
    stages = [conv(rng, i, names[i], names[i + 1]) for i in range(3)] + [head(rng)]
    reads = [[names[0]], [names[1]], [names[2]], [names[3], names[1]]]
    for batch in (1, 2, 4):
        for i, (nodes, weights) in enumerate(stages):
            inputs = [value(name, batch) for name in reads[i]]
            save(folder, f"chain-{i}-b{batch}", nodes, inputs, [value(names[i + 1], batch)], weights)
        nodes = [node for stage, _ in stages for node in stage]
        weights = {name: array for _, each in stages for name, array in each.items()}
        save(folder, f"whole-b{batch}", nodes, [value("image", batch)], [value("scores", batch)], weights)
    nodes, weights = stages[0]
    save(folder, "chain-0-open", nodes, [value("image", "N")], [value("stage-0/out", "N")], weights)


def write_open_inside(folder: Path) -> None:
    nodes = [
        helper.make_node("Reshape", ["axis", "flat"], ["sizes1d"]),
        helper.make_node("Reshape", ["x", "sizes1d"], ["middle"]),
        # Keeps the two reshapes from being made one, which would stand any sizes.
        helper.make_node("Transpose", ["middle"], ["turned"], perm=[1, 0]),
        helper.make_node("Reshape", ["turned", "back"], ["y0"]),
        helper.make_node("Relu", ["y0"], ["y"]),
    ]
    weights = {"flat": np.array([2], dtype=np.int64), "back": np.array([1, 4], dtype=np.int64)}
    inputs = [value("x", 1, FLOAT, (4,)), value("axis", 1, TensorProto.INT64, (2,))]
    save(folder, "open-inside", nodes, inputs, [value("y", 1, FLOAT, (4,))], weights)


def write_fragile(folder: Path) -> None:
    nodes = [
        helper.make_node("Gather", ["axis", "first"], ["axis1"], axis=1),
        helper.make_node("Reshape", ["axis1", "scalar"], ["axis0"]),
        helper.make_node("CumSum", ["x", "axis0"], ["y"]),
    ]
    weights = {"first": np.array([0], dtype=np.int64), "scalar": np.array([], dtype=np.int64)}
    inputs = [value("x", 1, FLOAT, (4,)), value("axis", 1, TensorProto.INT64, (2,))]
    save(folder, "fragile", nodes, inputs, [value("y", 1, FLOAT, (4,))], weights)


def write_patient(folder: Path) -> None:
    carried = helper.make_tensor_value_info("before", FLOAT, [1, 4])
    body = helper.make_graph(
        [helper.make_node("Identity", ["going"], ["goes_on"]), helper.make_node("Sin", ["before"], ["after"])],
        "round",
        [
            helper.make_tensor_value_info("round", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            carried,
        ],
        [
            helper.make_tensor_value_info("goes_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("after", FLOAT, [1, 4]),
        ],
    )
    nodes = [
        helper.make_node("Reshape", ["rounds", "scalar"], ["trips"]),
        helper.make_node("Loop", ["trips", "", "x"], ["y"], body=body),
    ]
    weights = {"scalar": np.array([], dtype=np.int64)}
    inputs = [value("x", 1, FLOAT, (4,)), value("rounds", 1, TensorProto.INT64, (1,))]
    save(folder, "patient", nodes, inputs, [value("y", 1, FLOAT, (4,))], weights)


def write_external(folder: Path) -> None:
    model = onnx.load(folder / "chain-0-b1.onnx")
    onnx.save_model(
        model, folder / "external.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0
    )


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    (target / "weights.bin").unlink(missing_ok=True)
    write_chain(target)
    write_fragile(target)
    write_patient(target)
    write_open_inside(target)
    write_external(target)
