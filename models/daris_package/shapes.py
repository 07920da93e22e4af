"""Gives a model a fixed batch size and finds the datatype and shape of the tensors at its borders."""

import onnx
from onnx import ModelProto, ValueInfoProto

from daris_package import datatypes
from daris_package.errors import PackageError
from daris_package.graph import Graph
from daris_package.manifest import BATCH, Tensor


def with_batch(model: ModelProto, batch: int) -> ModelProto:
    """A copy of the model with the first dimension of every input set to `batch` and all shapes inferred."""
    fixed = ModelProto()
    fixed.CopyFrom(model)
    del fixed.graph.value_info[:]
    weights = Graph(fixed.graph).weights
    for value in fixed.graph.input:
        if value.name not in weights:
            _set_batch(value, batch)
            describe({value.name: value}, value.name, batch)
    for value in fixed.graph.output:
        value.type.tensor_type.ClearField("shape")
    try:
        return onnx.shape_inference.infer_shapes(fixed, check_type=True, strict_mode=True, data_prop=True)
    except (onnx.shape_inference.InferenceError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise PackageError(f"the model's shapes do not work out at batch {batch}: {reason}") from error


def _set_batch(value: ValueInfoProto, batch: int) -> None:
    if not value.type.HasField("tensor_type") or not value.type.tensor_type.shape.dim:
        raise PackageError(f"input '{value.name}' has no batch dimension; export it with the batch first")
    value.type.tensor_type.shape.dim[0].dim_value = batch


def value_infos(model: ModelProto) -> dict[str, ValueInfoProto]:
    """What is known of every tensor of a model, by name."""
    graph = model.graph
    return {value.name: value for value in (*graph.value_info, *graph.input, *graph.output)}


def describe(infos: dict[str, ValueInfoProto], name: str, batch: int) -> Tensor:
    """The tensor of that name in a model of `batch`; refuses what a package cannot carry."""
    info = infos.get(name)
    if info is None or not info.type.HasField("tensor_type"):
        raise PackageError(f"the type of tensor '{name}' is not known or not a tensor; split elsewhere")
    datatype = datatypes.from_onnx(info.type.tensor_type.elem_type, name)
    if not info.type.tensor_type.HasField("shape"):
        raise PackageError(f"the shape of tensor '{name}' depends on data; split elsewhere")
    dims = info.type.tensor_type.shape.dim
    for index, dim in enumerate(dims):
        if dim.dim_value < 1:
            raise PackageError(
                f"tensor '{name}' has a dynamic dimension {index} ('{dim.dim_param or '?'}'); only the first, "
                "the batch, may be: export the model with fixed sizes "
                "(onnx.tools.update_model_dims sets them in an existing file)"
            )
    if not dims or dims[0].dim_value != batch:
        found = [dim.dim_value for dim in dims]
        raise PackageError(
            f"tensor '{name}' has shape {found} where the inputs have batch {batch}: its first dimension is no "
            "batch; export the model with a dynamic batch dimension, or split elsewhere"
        )
    return Tensor(name, datatype, (BATCH, *(dim.dim_value for dim in dims[1:])))
