"""Datatypes of the Open Inference Protocol, with their ONNX and numpy counterparts.

Only these seven cross a stage border or the wire; inside a stage any ONNX type may occur.
"""

import numpy as np
from onnx import TensorProto

from daris_package.errors import PackageError

_TYPES: dict[str, tuple[int, np.dtype]] = {
    "FP32": (TensorProto.FLOAT, np.dtype("<f4")),
    "FP16": (TensorProto.FLOAT16, np.dtype("<f2")),
    "INT64": (TensorProto.INT64, np.dtype("<i8")),
    "INT32": (TensorProto.INT32, np.dtype("<i4")),
    "INT8": (TensorProto.INT8, np.dtype("i1")),
    "UINT8": (TensorProto.UINT8, np.dtype("u1")),
    "BOOL": (TensorProto.BOOL, np.dtype("?")),
}
_BY_ONNX = {onnx_type: word for word, (onnx_type, _) in _TYPES.items()}

DATATYPES = tuple(_TYPES)


def from_onnx(onnx_type: int, tensor: str) -> str:
    """The protocol's word for an ONNX element type; `tensor` is named where there is none."""
    if onnx_type not in _BY_ONNX:
        found = TensorProto.DataType.Name(onnx_type)
        raise PackageError(
            f"tensor '{tensor}' has element type {found}, which cannot cross a stage border; "
            f"cast it to one of {', '.join(DATATYPES)}, or split elsewhere"
        )
    return _BY_ONNX[onnx_type]


def to_onnx(word: str) -> int:
    """The ONNX element type of a protocol word."""
    return _TYPES[word][0]


def to_numpy(word: str) -> np.dtype:
    """The little-endian numpy type of a protocol word."""
    return _TYPES[word][1]
