"""Cuts a traced module into stages: modules of their own, and the manifest's words for what they exchange."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import fx

from daris_package.errors import PackageError
from daris_package.manifest import BATCH, Stage, Tensor
from daris_package.pytorch.cuts import border
from daris_package.pytorch.traced import Traced

_DATATYPES = {
    torch.float32: "FP32",
    torch.float16: "FP16",
    torch.int64: "INT64",
    torch.int32: "INT32",
    torch.int8: "INT8",
    torch.uint8: "UINT8",
    torch.bool: "BOOL",
}
TYPES = {word: dtype for dtype, word in _DATATYPES.items()}


@dataclass(frozen=True, slots=True)
class StagedModule:
    """The stages of a module at one batch size; `modules` compute in FP32 on the CPU, flat tensors in and out.

    `tensors` has everything that enters, leaves or crosses, with the package's datatypes.
    """

    batch: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    tensors: dict[str, Tensor]
    stages: tuple[Stage, ...]
    modules: tuple[fx.GraphModule, ...]

    @property
    def borders(self) -> tuple[Tensor, ...]:
        """The tensors that only cross stage borders."""
        return tuple(t for t in self.tensors.values() if t.name not in (*self.inputs, *self.outputs))


def cut(traced: Traced, positions: list[int], names: Sequence[str], precision: str) -> StagedModule:
    """The stages between these positions; `names`, if any, are for what a stage hands over alone."""
    words = _tensor_names(traced, positions, names)
    bounds = [0, *positions, len(traced.nodes)]
    stages, modules = [], []
    for k, (start, end) in enumerate(pairwise(bounds)):
        own = traced.nodes[start:end]
        reads = [n for n in words if n not in own and any(user in own for user in n.users)]
        writes = [n for n in own if n in words]
        stages.append(Stage(f"stage-{k:02}", tuple(words[n] for n in reads), tuple(words[n] for n in writes)))
        if not reads or not writes:
            raise PackageError(f"{stages[-1].name} would read or hand over nothing; split elsewhere")
        modules.append(_stage_module(traced, own, reads, writes))
    tensors = {name: _tensor(node, name, traced.batch, precision) for node, name in words.items()}
    return StagedModule(
        traced.batch,
        tuple(words[node] for node in traced.inputs),
        tuple(words[node] for node in traced.outputs),
        tensors,
        tuple(stages),
        tuple(modules),
    )


def _tensor_names(traced: Traced, positions: list[int], names: Sequence[str]) -> dict[fx.Node, str]:
    """Names of all that enters, crosses or leaves, in the order of computation."""
    crossing = {node for position in positions for node in border(traced, position)}
    several = len(traced.outputs) > 1
    given = {node: f"output{index}" if several else "output" for index, node in enumerate(traced.outputs)}
    for position, name in zip(positions, names, strict=False):
        given.setdefault(traced.nodes[position - 1], name)
    kept = [*traced.inputs, *(n for n in traced.nodes if n in crossing or n in traced.outputs)]
    words = {node: given.get(node, node.name) for node in kept}
    if len(set(words.values())) != len(words):
        twice = sorted(name for name in words.values() if list(words.values()).count(name) > 1)[0]
        raise PackageError(f"two tensors would be called '{twice}'; rename the module's argument or part")
    return words


def _stage_module(
    traced: Traced, own: Sequence[fx.Node], reads: list[fx.Node], writes: list[fx.Node]
) -> fx.GraphModule:
    graph = fx.Graph()
    copies: dict[fx.Node, fx.Node] = {}
    for node in reads:
        copies[node] = graph.placeholder(node.name)

    def copy(node: fx.Node) -> fx.Node:
        # Weights, and what is computed from weights alone, go to every stage that reads them.
        if node not in copies:
            for read in node.all_input_nodes:
                copy(read)
            copies[node] = graph.node_copy(node, copies.__getitem__)
        return copies[node]

    for node in own:
        copy(node)
    graph.output(tuple(copies[node] for node in writes))
    return fx.GraphModule(traced.module, graph)


def _tensor(node: fx.Node, name: str, batch: int, precision: str) -> Tensor:
    value = node.meta["val"]
    if not value.dim() or value.shape[0] != batch:
        raise PackageError(
            f"tensor '{name}' has shape {list(value.shape)} where the inputs have batch {batch}: "
            "its first dimension is no batch; split elsewhere"
        )
    if value.dtype not in _DATATYPES:
        raise PackageError(f"tensor '{name}' has type {value.dtype}, which cannot cross a stage border; cast it")
    datatype = precision if value.dtype.is_floating_point else _DATATYPES[value.dtype]
    return Tensor(name, datatype, (BATCH, *value.shape[1:]))
