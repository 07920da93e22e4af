"""Decides which node belongs to which stage, or says why the named tensors do not separate the model.

Pure: it reads a graph and answers with names and indices.
"""

import difflib
from dataclasses import dataclass

from daris_package.errors import PackageError
from daris_package.graph import Graph

Borders = list[list[str]]


@dataclass(frozen=True, slots=True)
class StagePart:
    """One stage of a graph: its nodes in order, and the tensors it exchanges with other stages."""

    name: str
    nodes: tuple[int, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def parse_borders(arguments: list[str]) -> Borders:
    """`["a,b+c", "d"]` → `[["a"], ["b", "c"], ["d"]]`: commas part borders, `+` joins one border's tensors."""
    borders = [border.split("+") for argument in arguments for border in argument.split(",")]
    if any(not name for border in borders for name in border):
        raise PackageError("--split has an empty tensor name; write --split first,second or --split first+skip")
    return borders


def split(graph: Graph, borders: Borders) -> list[StagePart]:
    """The stages between the borders, in order; raises PackageError where they separate nothing."""
    _check_names(graph, borders)
    node_sets = _assign(graph, borders)
    _check_leaks(graph, borders, node_sets)
    return [_part(graph, borders, node_sets, k) for k in range(len(node_sets))]


def _check_names(graph: Graph, borders: Borders) -> None:
    computed = graph.computed()
    seen: set[str] = set()
    for name in (name for border in borders for name in border):
        if name in seen:
            raise PackageError(f"--split names '{name}' twice")
        seen.add(name)
        if name in graph.inputs:
            raise PackageError(f"'{name}' is a model input; split at a tensor that the model computes")
        if name not in computed and (name in graph.weights or name in graph.maker):
            raise PackageError(f"'{name}' is a constant; split at a tensor that depends on the model's inputs")
        if name not in computed:
            near = difflib.get_close_matches(name, computed, n=3, cutoff=0.0)
            raise PackageError(f"the model has no tensor '{name}'; the nearest are {_quoted(near)}")
    for name in graph.outputs:
        if name not in computed:
            raise PackageError(f"model output '{name}' depends on no model input; leave it out of the model")


def _assign(graph: Graph, borders: Borders) -> list[set[int]]:
    """Stage k gets what its border needs and no earlier stage has made already."""
    taken: set[int] = set(graph.constants)
    node_sets = []
    for k, border in enumerate([*borders, graph.outputs]):
        nodes = graph.ancestors(border) - taken
        if not nodes and k == len(borders):
            raise PackageError(f"nothing is left to compute after the last split at {_quoted(borders[-1])}")
        if not nodes:
            raise PackageError(
                f"the split at {_quoted(border)} makes an empty stage: {_quoted(borders[k - 1])} already needs it; "
                "name the splits in the order of computation, or join them with '+'"
            )
        taken |= nodes
        node_sets.append(nodes)
    return node_sets


def _check_leaks(graph: Graph, borders: Borders, node_sets: list[set[int]]) -> None:
    crossing = {name for border in borders for name in border} | set(graph.outputs)
    stage_of = {index: k for k, nodes in enumerate(node_sets) for index in nodes}
    read_later: set[str] = set()
    for k, nodes in enumerate(node_sets):
        for name in sorted({name for index in nodes for name in graph.reads[index]}):
            made_in = stage_of.get(graph.maker.get(name, -1), k)
            if made_in == k:
                continue
            if name not in crossing:
                better = "+".join([*borders[made_in], name])
                raise PackageError(
                    f"the split does not separate the model: stage-{k} reads '{name}', which stage-{made_in} "
                    f"makes and no split names; write '{better}' in place of '{'+'.join(borders[made_in])}'"
                )
            read_later.add(name)
    for name in (name for border in borders for name in border):
        if name not in read_later:
            raise PackageError(f"no later stage reads '{name}'; leave it out of --split")


def _part(graph: Graph, borders: Borders, node_sets: list[set[int]], k: int) -> StagePart:
    own = node_sets[k]
    read = {name for index in own for name in graph.reads[index]}
    constant = graph.ancestors(read) & graph.constants
    crossing = [name for border in borders for name in border]
    made = [name for name, index in graph.maker.items() if index in own]
    inputs = [n for n in [*graph.inputs, *crossing] if n in read and n not in made]
    outputs = [n for n in made if n in graph.outputs or n in crossing]
    foreign = [n for n in graph.outputs if n in read and n not in made and n not in inputs]
    return StagePart(f"stage-{k}", tuple(sorted(own | constant)), (*inputs, *foreign), tuple(outputs))


def _quoted(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
