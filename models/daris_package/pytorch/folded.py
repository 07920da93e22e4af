"""Folds batch normalisation into the convolution before it: one pass over the values less, and no vectors to read."""

import operator
from collections.abc import Sequence

import torch
from torch import fx
from torch.nn.utils.fusion import fuse_conv_bn_weights

_ATEN = torch.ops.aten
_NORM = _ATEN._native_batch_norm_legit_no_training.default
_CONVOLUTIONS = {
    overload
    for convolution in (_ATEN.conv1d, _ATEN.conv2d, _ATEN.conv3d)
    for overload in (convolution.default, convolution.padding)
}


def fold_batch_norms(module: fx.GraphModule) -> None:
    """Changes a traced module in place: a convolution whose values only a batch normalisation reads computes what
    that would, and ends the submodules of both. It computes the same up to rounding."""
    for norm in module.graph.find_nodes(op="call_function", target=_NORM):
        convolution = norm.args[0]
        if _folds(convolution, norm):
            _give_weights(module, convolution, norm)
            for item in list(norm.users):
                item.replace_all_uses_with(convolution)
                module.graph.erase_node(item)
            module.graph.erase_node(norm)
    module.graph.eliminate_dead_code()
    module.recompile()


def _folds(convolution: object, norm: fx.Node) -> bool:
    return (
        isinstance(convolution, fx.Node)
        and convolution.target in _CONVOLUTIONS
        and list(convolution.users) == [norm]
        and all(item.target is operator.getitem and item.args[1] == 0 for item in norm.users)
        and all(value is None or value.op == "get_attr" for value in (*_weights(convolution), *norm.args[1:5]))
    )


def _weights(convolution: fx.Node) -> tuple[fx.Node, fx.Node | None]:
    _, weight, *rest = convolution.args
    return weight, rest[0] if rest else None


def _give_weights(module: fx.GraphModule, convolution: fx.Node, norm: fx.Node) -> None:
    weight, bias = (_value(module, node) for node in _weights(convolution))
    scale, shift, mean, variance = (_value(module, node) for node in norm.args[1:5])
    with torch.no_grad():
        folded = fuse_conv_bn_weights(weight, bias, mean, variance, norm.args[6], scale, shift)
    names = [f"{convolution.name}_folded_{kind}" for kind in ("weight", "bias")]
    with module.graph.inserting_before(convolution):
        nodes = [_parameter(module, name, value) for name, value in zip(names, folded, strict=True)]
    convolution.args = (convolution.args[0], *nodes, *convolution.args[3:])
    # A split after either submodule comes behind this node.
    convolution.meta["nn_module_stack"] = {**_stack(convolution), **_stack(norm)}


def _parameter(module: fx.GraphModule, name: str, value: torch.Tensor) -> fx.Node:
    module.register_parameter(name, torch.nn.Parameter(value.detach(), requires_grad=False))
    return module.graph.get_attr(name)


def _value(module: fx.GraphModule, node: fx.Node | None) -> torch.Tensor | None:
    return None if node is None else operator.attrgetter(node.target)(module)


def _stack(node: fx.Node) -> dict[str, Sequence[object]]:
    return node.meta.get("nn_module_stack") or {}
