"""Answers questions about an ONNX graph: who makes a tensor, what a node reads, what depends on what.

Nodes are spoken of by their index in `graph.node`, which ONNX keeps in the order of computation.
"""

from collections.abc import Iterable, Iterator

from onnx import AttributeProto, GraphProto, NodeProto


class Graph:
    """An index over a graph that is not changed while it is used."""

    def __init__(self, proto: GraphProto) -> None:
        self.proto = proto
        self.weights = {w.name for w in proto.initializer} | {w.values.name for w in proto.sparse_initializer}
        self.inputs = [v.name for v in proto.input if v.name not in self.weights]
        self.outputs = [v.name for v in proto.output]
        self.reads = [frozenset(_reads(node)) for node in proto.node]
        self.maker = {name: i for i, node in enumerate(proto.node) for name in node.output if name}
        self.constants = self._constant_nodes()

    def _constant_nodes(self) -> frozenset[int]:
        """Nodes that depend on no model input; each stage that reads one gets its own copy."""
        constants: set[int] = set()
        for index, reads in enumerate(self.reads):
            if all(name in self.weights or self.maker.get(name) in constants for name in reads):
                constants.add(index)
        return frozenset(constants)

    def computed(self) -> list[str]:
        """The tensors that depend on a model input: where a model can be split."""
        return [name for name, index in self.maker.items() if index not in self.constants]

    def ancestors(self, tensors: Iterable[str]) -> set[int]:
        """The nodes needed to make these tensors, constants included."""
        found: set[int] = set()
        open_tensors = list(tensors)
        while open_tensors:
            index = self.maker.get(open_tensors.pop())
            if index is not None and index not in found:
                found.add(index)
                open_tensors.extend(self.reads[index])
        return found


def _reads(node: NodeProto) -> Iterator[str]:
    """What a node reads, also through the bodies of If, Loop and Scan."""
    yield from (name for name in node.input if name)
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            yield from _captured(attribute.g)
        elif attribute.type == AttributeProto.GRAPHS:
            for body in attribute.graphs:
                yield from _captured(body)


def _captured(body: GraphProto) -> Iterator[str]:
    """Tensors of the surrounding graph that a body reads."""
    own = {v.name for v in body.input} | {w.name for w in body.initializer}
    own |= {name for node in body.node for name in node.output}
    read = {name for node in body.node for name in _reads(node)} | {v.name for v in body.output}
    yield from sorted(read - own)
