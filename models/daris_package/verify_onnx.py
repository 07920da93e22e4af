"""Checks an ONNX artifact against the stage that it stands for, without giving it to an engine."""

from collections.abc import Iterable, Iterator, Sequence

import onnx
from google.protobuf.message import DecodeError, Message
from onnx import TensorProto, ValueInfoProto

from daris_package import datatypes
from daris_package.manifest import MANIFEST_FILE, Artifact, Manifest


def onnx_problems(manifest: Manifest, artifact: Artifact, content: bytes) -> list[str]:
    """One sentence for each way in which an ONNX artifact is not what the manifest says of it."""
    try:
        model = onnx.load_model_from_string(content)
        external = [
            f"{artifact.file}: tensor '{name}' lies in an external file; embed it" for name in _external_tensors(model)
        ]
        if external:
            return external
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError, ValueError) as error:
        first_line = str(error).strip().partition("\n")[0]
        return [f"{artifact.file}: not a complete ONNX model: {first_line}"]
    stage = next((s for s in manifest.stages if s.name == artifact.stage), None)
    if stage is None:
        return []
    problems: list[str] = []
    weights = {initializer.name for initializer in model.graph.initializer}
    found = {
        "input": {v.name: _signature(v) for v in model.graph.input if v.name not in weights},
        "output": {v.name: _signature(v) for v in model.graph.output},
    }
    for kind, names in (("input", stage.inputs), ("output", stage.outputs)):
        problems += _compare(manifest, artifact, kind, names, found[kind])
    return problems


def _signature(value: ValueInfoProto) -> tuple[int, tuple[int, ...]]:
    tensor = value.type.tensor_type
    return tensor.elem_type, tuple(dim.dim_value for dim in tensor.shape.dim)


def _compare(
    manifest: Manifest,
    artifact: Artifact,
    kind: str,
    names: tuple[str, ...],
    found: dict[str, tuple[int, tuple[int, ...]]],
) -> list[str]:
    declared = {t.name: t for t in (*manifest.inputs, *manifest.outputs, *manifest.tensors)}
    problems = [
        f"{artifact.file}: its {kind} '{name}' is no {kind} of stage '{artifact.stage}'"
        for name in found
        if name not in names
    ]
    for name in names:
        tensor = declared.get(name)
        if tensor is None:
            continue
        expected = (datatypes.to_onnx(tensor.datatype), tensor.batched(artifact.batch))
        if name not in found:
            problems.append(f"{artifact.file}: it has no {kind} '{name}'")
        elif found[name] != expected:
            problems.append(
                f"{artifact.file}: {kind} '{name}' is {_words(*found[name])}, {MANIFEST_FILE} says {_words(*expected)}"
            )
    return problems


def _words(onnx_type: int, shape: tuple[int, ...]) -> str:
    return f"{TensorProto.DataType.Name(onnx_type)}{list(shape)}"


def _external_tensors(message: Message) -> Iterator[str]:
    """Tensors anywhere in a model whose values lie in another file: an engine would open it, wherever it is."""
    for _, value in message.ListFields():
        for part in _messages(value):
            if isinstance(part, TensorProto) and (part.external_data or part.data_location == TensorProto.EXTERNAL):
                yield part.name
            yield from _external_tensors(part)


def _messages(value: object) -> Iterable[Message]:
    """The messages in a protobuf field, be it single or repeated."""
    if isinstance(value, Message):
        return [value]
    return value if isinstance(value, Sequence) and value and isinstance(value[0], Message) else []
