"""Traces a module into a flat, functional graph of ATen operators, the form that is cut into stages."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import fx, nn

from daris_package.errors import PackageError
from daris_package.pytorch.folded import fold_batch_norms


@dataclass(frozen=True, slots=True)
class Traced:
    """A module's graph at one batch size, FP32 on the CPU.

    `nodes` are those that depend on an input, in the order of computation; `inputs` and `outputs` are in the
    module's order; `modules` has for each submodule the position after its last node.
    """

    module: fx.GraphModule
    batch: int
    inputs: tuple[fx.Node, ...]
    nodes: tuple[fx.Node, ...]
    outputs: tuple[fx.Node, ...]
    modules: dict[str, int]


def trace(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> Traced:
    """The graph of `module` for inputs of these shapes; the first dimension of the first is the batch."""
    try:
        with torch.no_grad():
            program = torch.export.export(module, inputs, strict=False).run_decompositions({})
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        raise PackageError(f"the module cannot be exported: {type(error).__name__}: {reason}") from error
    changed = sorted(program.graph_signature.buffers_to_mutate.values())
    if changed or program.graph_signature.user_inputs_to_mutate:
        what = f"its buffer '{changed[0]}'" if changed else "its input"
        raise PackageError(f"the module changes {what} while it computes; a stage must leave no trace")
    graph_module = program.module(check_guards=False)
    fold_batch_norms(graph_module)
    _view_any_layout(graph_module.graph)
    nodes = _items_first(_computing(graph_module.graph))
    placeholders = tuple(node for node in graph_module.graph.nodes if node.op == "placeholder")
    return Traced(
        graph_module,
        inputs[0].shape[0],
        placeholders,
        nodes,
        _outputs(graph_module.graph, nodes),
        _module_ends(nodes),
    )


def is_tensor(node: fx.Node) -> bool:
    """Whether a node makes one tensor, rather than a tuple or a number."""
    return isinstance(node.meta.get("val"), torch.Tensor)


def _view_any_layout(graph: fx.Graph) -> None:
    """A view was traced on row-major values; with the channels innermost it has to copy."""
    for node in graph.nodes:
        if node.target == torch.ops.aten.view.default:
            node.target = torch.ops.aten.reshape.default


def _computing(graph: fx.Graph) -> list[fx.Node]:
    needed = _ancestors(graph.output_node())
    depending: dict[fx.Node, None] = {}
    for node in graph.nodes:
        reads_input = any(n.op == "placeholder" or n in depending for n in node.all_input_nodes)
        if node.op == "call_function" and reads_input and node in needed:
            depending[node] = None
    return list(depending)


def _ancestors(last: fx.Node) -> set[fx.Node]:
    found, left = set(), [last]
    while left:
        node = left.pop()
        if node not in found:
            found.add(node)
            left.extend(node.all_input_nodes)
    return found


def _items_first(nodes: Iterable[fx.Node]) -> tuple[fx.Node, ...]:
    """Puts what is taken out of a tuple right behind the tuple, so that only tensors cross a border."""
    ordered: list[fx.Node] = []
    kept = list(nodes)
    taken = {node for node in kept if node.target.__name__ == "getitem"}
    for node in kept:
        if node not in taken:
            ordered.append(node)
            ordered.extend(user for user in node.users if user in taken)
    return tuple(ordered)


def _outputs(graph: fx.Graph, nodes: tuple[fx.Node, ...]) -> tuple[fx.Node, ...]:
    (answered,) = graph.output_node().args
    outputs = tuple(answered) if isinstance(answered, list | tuple) else (answered,)
    for index, output in enumerate(outputs):
        if not isinstance(output, fx.Node) or output not in nodes or not is_tensor(output):
            raise PackageError(f"output {index} of the module is no tensor that it computes from its inputs")
    if len(set(outputs)) != len(outputs):
        raise PackageError("the module answers the same tensor twice; answer it once")
    return outputs


def _module_ends(nodes: tuple[fx.Node, ...]) -> dict[str, int]:
    ends: dict[str, int] = {}
    for position, node in enumerate(nodes):
        for path, _ in (node.meta.get("nn_module_stack") or {}).values():
            if path:
                ends[path] = position + 1
    return ends
