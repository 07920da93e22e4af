"""--capacities: every batch size that jobs of the package may have together is made, and compared like any other."""

import pytest
from conftest import small_model

from daris_package.batches import joined_batches
from daris_package.cli import main
from daris_package.errors import PackageError
from daris_package.verify import verify


def test_batches_stay_first_and_products_follow_ascending():
    assert joined_batches((1,), (1,)) == (1,)
    assert joined_batches((8, 1), (4, 1, 2)) == (8, 1, 2, 4, 16, 32)


def test_a_size_that_is_two_products_is_made_once():
    assert joined_batches((1, 2), (1, 2, 4)) == (1, 2, 4, 8)


def test_a_product_that_no_package_may_have_is_refused():
    with pytest.raises(PackageError, match=r"256 jobs of batch 8 are a batch of 2048, more than 1024"):
        joined_batches((1, 8), (1, 256))


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "small.onnx"
    path.write_bytes(small_model().SerializeToString())
    return path


def test_an_onnx_package_has_all_products(model, tmp_path, capsys):
    target = tmp_path / "small"
    arguments = ["onnx", str(model), "--split", "b,c", "--batches", "1,3", "--capacities", "1,2,4", "-o", str(target)]
    assert main(arguments) == 0
    assert {artifact.batch for artifact in verify(target).manifest.artifacts} == {1, 2, 3, 4, 6, 12}
    assert "batch 12: staged and whole outputs differ by" in capsys.readouterr().out


def test_too_large_a_product_writes_nothing(model, tmp_path, capsys):
    target = tmp_path / "small"
    arguments = ["onnx", str(model), "--split", "b,c", "--batches", "8", "--capacities", "1,256", "-o", str(target)]
    assert main(arguments) == 1
    assert "leave out the largest capacities" in capsys.readouterr().err
    assert not target.exists()
