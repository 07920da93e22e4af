"""Turns an ONNX or PyTorch model into a staged DARIS model package, and checks such packages.

The format is that of docs/models.md; the runtime's loader is its other implementation.
"""

__version__ = "0.1.0"
