"""Decides between which nodes of a traced module the stages end."""

import difflib
import math

from torch import fx

from daris_package.errors import PackageError
from daris_package.pytorch.balance import Cut, balanced
from daris_package.pytorch.traced import Traced, is_tensor

# A stage chosen by time starts with one of these, so that what a compiler joins to the operator before it
# (normalisation, activation, addition) stays with that operator.
_STARTS = {
    *("conv1d", "conv2d", "conv3d", "convolution", "conv_transpose2d", "linear", "addmm", "mm", "bmm", "matmul"),
    *("max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "scaled_dot_product_attention", "embedding", "cat"),
}


def border(traced: Traced, position: int) -> list[fx.Node]:
    """What the nodes before `position` make and those from there on read, in the order of computation."""
    later = set(traced.nodes[position:])
    return [node for node in traced.nodes[:position] if any(user in later for user in node.users)]


def named_cuts(traced: Traced, split: tuple[str, ...]) -> list[int]:
    """The positions after the named submodules or nodes."""
    ends = {node.name: position + 1 for position, node in enumerate(traced.nodes)} | traced.modules
    positions: list[int] = []
    for name in split:
        if name not in ends:
            near = ", ".join(f"'{n}'" for n in difflib.get_close_matches(name, ends, n=3, cutoff=0.0))
            raise PackageError(f"--split {name}: the module has no part of that name; the nearest are {near}")
        position = ends[name]
        if position == len(traced.nodes):
            raise PackageError(f"--split {name}: nothing is left to compute after it")
        if positions and position <= positions[-1]:
            raise PackageError(
                f"--split {name}: it does not end after '{split[len(positions) - 1]}'; "
                "name the parts in the order of computation, each once"
            )
        _check_crossing(traced, position, name)
        positions.append(position)
    return positions


def _check_crossing(traced: Traced, position: int, name: str) -> None:
    for node in border(traced, position):
        if not is_tensor(node):
            raise PackageError(f"--split {name}: '{node.name}', which is no tensor, would cross the border")
        if not _has_batch(node, traced.batch):
            shape = list(node.meta["val"].shape)
            raise PackageError(
                f"--split {name}: tensor '{node.name}' of shape {shape} would cross the border at batch "
                f"{traced.batch}: its first dimension is no batch; split elsewhere"
            )


def timed_cuts(traced: Traced, times: list[float], stages: int) -> list[int]:
    """Positions that make `stages` stages of about equal time; `times` has one for each node."""
    return balanced(times, candidates(traced), stages)


def candidates(traced: Traced) -> list[Cut]:
    """Where a stage may start: at a costly operator, with tensors alone crossing."""
    cuts = []
    for position in range(1, len(traced.nodes)):
        if _operator(traced.nodes[position]) not in _STARTS:
            continue
        crossing = border(traced, position)
        if all(is_tensor(node) and _has_batch(node, traced.batch) for node in crossing):
            cuts.append(Cut(position, sum(_bytes(node) for node in crossing)))
    return cuts


def positions_of(traced: Traced, starts: list[str]) -> list[int]:
    """The positions of these nodes in the graph of another batch size."""
    position = {node.name: index for index, node in enumerate(traced.nodes)}
    missing = [name for name in starts if name not in position]
    if missing:
        raise PackageError(
            f"at batch {traced.batch} the module computes otherwise: it has no '{missing[0]}'; "
            "package each batch on its own, or name the places with --split"
        )
    return [position[name] for name in starts]


def _operator(node: fx.Node) -> str:
    return str(node.target).removeprefix("aten.").partition(".")[0]


def _has_batch(node: fx.Node, batch: int) -> bool:
    shape = node.meta["val"].shape
    return len(shape) > 0 and shape[0] == batch


def _bytes(node: fx.Node) -> int:
    value = node.meta["val"]
    return math.prod(value.shape) * value.element_size()
