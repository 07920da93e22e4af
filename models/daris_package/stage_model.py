"""Writes one stage of a model as an ONNX model of its own."""

from onnx import ModelProto, ValueInfoProto, helper

from daris_package import datatypes
from daris_package.errors import PackageError
from daris_package.graph import Graph
from daris_package.manifest import Tensor
from daris_package.split import StagePart


def stage_model(whole: ModelProto, part: StagePart, tensors: dict[str, Tensor], batch: int) -> ModelProto:
    """The nodes of `part` with their weights; `tensors` describes what crosses its borders."""
    stage = ModelProto()
    stage.ir_version = whole.ir_version
    stage.producer_name = "daris-package"
    stage.opset_import.extend(whole.opset_import)
    stage.functions.extend(whole.functions)
    graph = stage.graph
    graph.name = part.name
    graph.node.extend(whole.graph.node[index] for index in part.nodes)
    for node in graph.node:
        # Exporters leave source paths of their own machine here.
        node.ClearField("doc_string")
        node.ClearField("metadata_props")
    read = {name for reads in Graph(graph).reads for name in reads}
    graph.initializer.extend(w for w in whole.graph.initializer if w.name in read)
    graph.sparse_initializer.extend(w for w in whole.graph.sparse_initializer if w.values.name in read)
    graph.input.extend(_value(tensors[name], batch) for name in part.inputs)
    graph.output.extend(_value(tensors[name], batch) for name in part.outputs)
    return stage


def _value(tensor: Tensor, batch: int) -> ValueInfoProto:
    return helper.make_tensor_value_info(tensor.name, datatypes.to_onnx(tensor.datatype), tensor.batched(batch))


def to_bytes(model: ModelProto, name: str) -> bytes:
    """The model's bytes, the same for the same model; refuses what one file cannot hold."""
    try:
        return model.SerializeToString(deterministic=True)
    except ValueError as error:
        raise PackageError(f"{name} is over 2 GiB, more than one ONNX file holds; split it further") from error
