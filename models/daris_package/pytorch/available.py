"""Loads this folder's builder where PyTorch is installed, and says what to install where it is not."""

import importlib
from types import ModuleType

from daris_package.errors import PackageError


def required(module: str, purpose: str) -> ModuleType:
    """An optional module; raises PackageError naming what wants it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise PackageError(
            f"{purpose} needs {module}, which cannot be imported ({error}); "
            "install it with: pip install -r models/requirements-torch.txt"
        ) from error


def torch_builder() -> ModuleType:
    """`daris_package.pytorch.build`, once torch is known to be there."""
    required("torch", "daris-package torch")
    return importlib.import_module("daris_package.pytorch.build")
