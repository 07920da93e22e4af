"""Weights that batch sizes share: what goes in comes out, in its layout, and equal bytes lie there once."""

import json

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (models/requirements-torch.txt)")

from daris_package.errors import PackageError  # noqa: E402
from daris_package.pytorch.shared_weights import SharedWeights, indexed  # noqa: E402

WEIGHTS = {
    "conv.weight": torch.rand(8, 3, 3, 3).half().to(memory_format=torch.channels_last),
    "scale": torch.tensor(0.5),
    "steps": torch.arange(10)[::2],
    "row": torch.rand(1, 4).expand(3, 4),
    "none": torch.empty(0, 4),
    "mask": torch.tensor([True, False]),
}


def test_each_weight_comes_back_with_its_layout():
    shared = SharedWeights()
    index = shared.add(WEIGHTS)
    found = indexed(index, shared.content(), "cpu")
    assert found.keys() == WEIGHTS.keys()
    for name, value in WEIGHTS.items():
        assert found[name].stride() == value.stride()
        assert torch.equal(found[name], value), name


def test_equal_bytes_lie_there_once_whatever_their_names():
    shared = SharedWeights()
    first = shared.add(WEIGHTS)
    size = len(shared.content())
    assert shared.add(dict(reversed(WEIGHTS.items()))) == first
    shared.add({"tied.weight": WEIGHTS["conv.weight"].clone(memory_format=torch.preserve_format)})
    assert len(shared.content()) == size
    shared.add({"other": torch.rand(4)})
    assert len(shared.content()) > size


def test_weights_begin_where_a_gpu_likes_them_to():
    shared = SharedWeights()
    assert all(place[4] % 256 == 0 for place in json.loads(shared.add(WEIGHTS)))


def test_a_stage_without_weights_has_an_empty_file():
    shared = SharedWeights()
    assert indexed(shared.add({}), shared.content(), "cpu") == {}
    assert shared.content() == b""


def test_what_cannot_lie_in_a_file_is_told():
    shared = SharedWeights()
    with pytest.raises(PackageError, match="sparse"):
        shared.add({"w": torch.eye(3).to_sparse()})
