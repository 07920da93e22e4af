"""Turns a stage's FP32 CPU module into one of another precision, device and layout in memory."""

import copy
from collections.abc import Callable

import torch
from torch import fx

from daris_package.manifest import Tensor
from daris_package.pytorch.stages import TYPES, StagedModule


def retargeted(module: fx.GraphModule, precision: str, device: str, layout: str) -> fx.GraphModule:
    """A copy that computes in `precision` on `device`, as module.half() and module.to() would."""
    dtype = TYPES[precision]
    moved = copy.deepcopy(module).to(device, dtype)
    if layout == "channels_last":
        moved = moved.to(memory_format=torch.channels_last)

    def change(value: object) -> object:
        if value is torch.float32:
            return dtype
        return torch.device(device) if isinstance(value, torch.device) else value

    for node in moved.graph.nodes:
        node.args = _mapped(node.args, change)
        node.kwargs = _mapped(node.kwargs, change)
        if _makes_float32(node):
            node.kwargs = {**node.kwargs, "dtype": dtype}
    moved.recompile()
    return moved


def _makes_float32(node: fx.Node) -> bool:
    """Whether a node makes a tensor from numbers alone, in the datatype that is torch's default."""
    value = node.meta.get("val")
    is_factory = node.op == "call_function" and not node.all_input_nodes
    return is_factory and isinstance(value, torch.Tensor) and value.dtype == torch.float32


def _mapped(value: object, change: Callable[[object], object]) -> object:
    if isinstance(value, dict):
        return {key: _mapped(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_mapped(item, change) for item in value)
    return change(value)


def with_layout(module: fx.GraphModule, formats: list[torch.memory_format]) -> fx.GraphModule:
    """Makes each output lie in memory as its format says; costs nothing where it does already."""
    graph = module.graph
    last = graph.output_node()
    (outputs,) = last.args
    with graph.inserting_before(last):
        last.args = (
            tuple(
                graph.call_function(torch.ops.aten.contiguous.default, (output,), {"memory_format": memory_format})
                for output, memory_format in zip(outputs, formats, strict=True)
            ),
        )
    module.recompile()
    return module


def memory_format(staged: StagedModule, tensor: Tensor, layout: str) -> torch.memory_format:
    """How a tensor lies in memory: row-major, but for images that only cross borders of such a package."""
    crosses = tensor.name not in (*staged.inputs, *staged.outputs)
    innermost = layout == "channels_last" and crosses and len(tensor.shape) == 4
    return torch.channels_last if innermost else torch.contiguous_format


def compute_module(staged: StagedModule, index: int, precision: str, device: str, layout: str) -> fx.GraphModule:
    """The stage as the torch engine's compiler gets it."""
    moved = retargeted(staged.modules[index], precision, device, layout)
    tensors = [staged.tensors[name] for name in staged.stages[index].outputs]
    return with_layout(moved, [memory_format(staged, tensor, layout) for tensor in tensors])


def blanks(staged: StagedModule, index: int, device: str, layout: str) -> tuple[torch.Tensor, ...]:
    """Zeros with the shape, datatype and layout of the stage's inputs."""
    tensors = [staged.tensors[name] for name in staged.stages[index].inputs]
    return tuple(
        torch.zeros(t.batched(staged.batch), dtype=TYPES[t.datatype], device=device).contiguous(
            memory_format=memory_format(staged, t, layout)
        )
        for t in tensors
    )
