"""The modules that can be packaged: named models, or a function in a user's file."""

import difflib
import importlib.util
from collections.abc import Callable
from pathlib import Path

from torch import nn

from daris_package.errors import PackageError
from daris_package.pytorch.available import required
from daris_package.pytorch.unet import UNet

# torchvision's name and arguments. Inception keeps its auxiliary head, so that torchvision's weight files fit.
_TORCHVISION: dict[str, tuple[str, dict[str, bool]]] = {
    "resnet18": ("resnet18", {}),
    "resnet50": ("resnet50", {}),
    "resnet152": ("resnet152", {}),
    "inceptionv3": ("inception_v3", {"aux_logits": True, "init_weights": False}),
    "vgg19": ("vgg19", {}),
    "densenet201": ("densenet201", {}),
}
NAMES = (*_TORCHVISION, "unet")


def is_named(model: str) -> bool:
    """Whether `model` is a name of this list rather than FILE.py:FACTORY."""
    return ":" not in model


def make(model: str) -> nn.Module:
    """The module, with the weights that its constructor gives it."""
    if not is_named(model):
        return _from_file(model)
    if model == "unet":
        return UNet()
    if model not in _TORCHVISION:
        near = ", ".join(difflib.get_close_matches(model, NAMES, n=3, cutoff=0.0))
        raise PackageError(f"no model '{model}'; the nearest are {near}; a module of your own is FILE.py:FACTORY")
    function, arguments = _TORCHVISION[model]
    models = required("torchvision.models", f"the model '{model}'")
    return getattr(models, function)(weights=None, **arguments)


def _from_file(model: str) -> nn.Module:
    path, _, name = model.rpartition(":")
    factory = _factory(Path(path), name)
    try:
        module = factory()
    except Exception as error:
        raise PackageError(f"{model}: the factory raised {type(error).__name__}: {error}") from error
    if not isinstance(module, nn.Module):
        raise PackageError(f"{model}: the factory answered a {type(module).__name__}; expected a torch.nn.Module")
    return module


def _factory(file: Path, name: str) -> Callable[[], object]:
    if not file.is_file():
        raise PackageError(f"{file}: no such file; write FILE.py:FACTORY")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise PackageError(f"{file}: is no Python file; its name must end in .py")
    code = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(code)
    except Exception as error:
        raise PackageError(f"{file}: cannot be imported: {type(error).__name__}: {error}") from error
    factory = getattr(code, name, None)
    if not callable(factory):
        raise PackageError(f"{file}: has no function '{name}'")
    return factory
