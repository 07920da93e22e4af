"""Splitting: which node and tensor goes to which stage, and every refusal with its words."""

import pytest
from conftest import make_model, small_model
from onnx import TensorProto, helper

from daris_package.errors import PackageError
from daris_package.graph import Graph
from daris_package.shapes import with_batch
from daris_package.split import parse_borders, split


def graph() -> Graph:
    return Graph(small_model().graph)


def test_stages_take_what_their_border_needs():
    parts = split(graph(), [["b"], ["c"]])
    assert [(p.name, p.nodes, p.inputs, p.outputs) for p in parts] == [
        ("stage-0", (0, 1), ("image",), ("b",)),
        ("stage-1", (2,), ("b",), ("c",)),
        ("stage-2", (3, 4, 5, 6), ("b", "c"), ("scores",)),
    ]


def test_one_border_of_two_tensors():
    parts = split(branching(), [["left", "right"]])
    assert parts[0].outputs == ("left", "right")
    assert parts[1].inputs == ("left", "right")


def test_a_later_stage_may_read_the_model_input():
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Add", ["a", "x"], ["y"]),
    ]
    parts = split(Graph(make_model(nodes, [value("x")], [value("y")]).graph), [["a"]])
    assert parts[1].inputs == ("x", "a")


def test_an_early_output_leaves_from_its_own_stage():
    nodes = [
        helper.make_node("Relu", ["x"], ["early"]),
        helper.make_node("Relu", ["early"], ["a"]),
        helper.make_node("Neg", ["a"], ["y"]),
    ]
    parts = split(Graph(make_model(nodes, [value("x")], [value("early"), value("y")]).graph), [["a"]])
    assert [p.outputs for p in parts] == [("early", "a"), ("y",)]


def test_constants_are_copied_to_each_stage_that_reads_them():
    nodes = [
        helper.make_node("Constant", [], ["two"], value_float=2.0),
        helper.make_node("Neg", ["two"], ["minus"]),
        helper.make_node("Mul", ["x", "minus"], ["a"]),
        helper.make_node("Mul", ["a", "minus"], ["y"]),
    ]
    parts = split(Graph(make_model(nodes, [value("x")], [value("y")]).graph), [["a"]])
    assert [p.nodes for p in parts] == [(0, 1, 2), (0, 1, 3)]


def test_a_tensor_captured_by_a_branch_counts_as_read():
    branch = helper.make_graph([helper.make_node("Relu", ["a"], ["r"])], "branch", [], [value("r")])
    nodes = [
        helper.make_node("Neg", ["x"], ["a"]),
        helper.make_node("Abs", ["a"], ["b"]),
        helper.make_node("If", ["flag"], ["y"], then_branch=branch, else_branch=branch),
        helper.make_node("Add", ["y", "b"], ["z"]),
    ]
    flag = helper.make_tensor_value_info("flag", TensorProto.BOOL, [1])
    with pytest.raises(PackageError, match="stage-1 reads 'a', which stage-0 makes and no split names"):
        split(Graph(make_model(nodes, [value("x"), flag], [value("z")]).graph), [["b"]])


def value(name: str):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 4])


def branching() -> Graph:
    nodes = [
        helper.make_node("Relu", ["x"], ["left"]),
        helper.make_node("Neg", ["x"], ["right"]),
        helper.make_node("Add", ["left", "right"], ["y"]),
        helper.make_node("Abs", ["left"], ["dead"]),
    ]
    return Graph(make_model(nodes, [value("x")], [value("y")]).graph)


REFUSED = {
    "unknown tensor": ([["sun"]], r"no tensor 'sun'; the nearest are 'sum'"),
    "model input": ([["image"]], r"'image' is a model input; split at a tensor that the model computes"),
    "weight": ([["w1"]], r"'w1' is a constant"),
    "twice": ([["b"], ["b"]], r"--split names 'b' twice"),
    "leak": (
        [["c"]],
        r"does not separate the model: stage-1 reads 'b', which stage-0 makes and no split names; "
        r"write 'c\+b' in place of 'c'",
    ),
    "wrong order": ([["d"], ["sum"]], r"the split at 'sum' makes an empty stage: 'd' already needs it"),
    "after the end": ([["scores"]], r"nothing is left to compute after the last split at 'scores'"),
    "read by nobody": ([["b", "a"], ["d"]], r"no later stage reads 'a'; leave it out of --split"),
}


@pytest.mark.parametrize(("borders", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(borders, message):
    with pytest.raises(PackageError, match=message):
        split(graph(), borders)


def test_an_output_that_follows_no_input_is_refused():
    nodes = [helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Neg", ["a"], ["y"])]
    nodes.append(helper.make_node("Constant", [], ["fixed"], value_floats=[1.0]))
    model = make_model(nodes, [value("x")], [value("y"), value("fixed")])
    with pytest.raises(PackageError, match="output 'fixed' depends on no model input"):
        split(Graph(model.graph), [["a"]])


def test_border_arguments():
    assert parse_borders(["a,b+c", "d"]) == [["a"], ["b", "c"], ["d"]]
    with pytest.raises(PackageError, match="empty tensor name"):
        parse_borders(["a,,b"])


def test_a_dynamic_dimension_is_named():
    with pytest.raises(PackageError, match=r"tensor 'image' has a dynamic dimension 2 \('height'\)"):
        with_batch(small_model(height="height"), 1)


def test_an_unsupported_datatype_is_named():
    with pytest.raises(PackageError, match="tensor 'image' has element type DOUBLE, which cannot cross a stage border"):
        with_batch(small_model(dtype=TensorProto.DOUBLE), 1)
