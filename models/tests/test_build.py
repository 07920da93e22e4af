"""Building: staged and whole outputs are equal in OpenVINO, bytes are reproducible, refusals write nothing."""

import json
import tarfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from conftest import build_small, make_model, small_model
from onnx import TensorProto, helper, numpy_helper

from daris_package import compare
from daris_package.build import Plan, build
from daris_package.cli import main
from daris_package.engine import Engine, StagedEngine
from daris_package.errors import PackageError
from daris_package.manifest import package_digest
from daris_package.split import StagePart
from daris_package.verify import verify


def test_staged_outputs_equal_the_whole_models(small_package):
    manifest, files = small_package.manifest, small_package.files
    whole = Engine(small_model().SerializeToString(), "whole", ["scores"])
    parts = [StagePart(s.name, (), s.inputs, s.outputs) for s in manifest.stages]
    rng = np.random.default_rng(3)
    for batch in (1, 2):
        contents = [files[a.file] for a in manifest.artifacts if a.batch == batch]
        engines = [Engine(c, s.name, s.outputs) for c, s in zip(contents, manifest.stages, strict=True)]
        image = rng.standard_normal((batch, 3, 8, 8)).astype(np.float32)
        got = StagedEngine(parts, engines).run({"image": image})["scores"]
        expected = whole.run({"image": image})["scores"]
        assert got.shape == (batch, 5)
        np.testing.assert_allclose(got, expected, atol=1e-5)


def test_the_manifest_describes_the_model(small_package):
    manifest = json.loads(small_package.files["model.json"])
    assert manifest["formatVersion"] == 1
    assert manifest["inputs"] == [{"name": "image", "datatype": "FP32", "shape": [-1, 3, 8, 8]}]
    assert manifest["outputs"] == [{"name": "scores", "datatype": "FP32", "shape": [-1, 5]}]
    assert [t["name"] for t in manifest["tensors"]] == ["b", "c"]
    assert manifest["stages"][2] == {"name": "stage-2", "inputs": ["b", "c"], "outputs": ["scores"]}
    assert manifest["samples"][0]["bytes"] == 4 * 3 * 8 * 8
    assert manifest["artifacts"][3]["file"] == "openvino/batch-2/00-stage-0.onnx"
    assert small_package.digest == package_digest(small_package.files["model.json"])


def test_two_builds_are_byte_identical(small_package):
    assert build_small(borders=[["b"], ["c"]], batches=(1, 2)).files == small_package.files


def test_a_model_with_a_fixed_batch_is_given_others():
    package = build(small_model(batch=1), Plan("small", [["d"]], batches=(1, 3)), report=lambda _: None)
    assert {a.batch for a in package.manifest.artifacts} == {1, 3}


def test_a_model_that_mixes_its_batch_is_refused():
    value = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 4]) for name in "xy"}
    nodes = [
        helper.make_node("Neg", ["x"], ["a"]),
        helper.make_node("CumSum", ["a", "axis"], ["y"]),
    ]
    axis = numpy_helper.from_array(np.array(0, np.int64), "axis")
    model = make_model(nodes, [value["x"]], [value["y"]], [axis])
    with pytest.raises(PackageError, match=r"at batch 2 the staged outputs differ .* mixes the elements of a batch"):
        build(model, Plan("mixing", [["a"]], batches=(1, 2)), report=lambda _: None)


def test_a_batch_fixed_inside_the_model_is_refused():
    value = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in "xy"}
    shape = numpy_helper.from_array(np.array([1, 4], np.int64), "shape")
    nodes = [helper.make_node("Neg", ["x"], ["a"]), helper.make_node("Reshape", ["a", "shape"], ["y"])]
    model = make_model(nodes, [value["x"]], [value["y"]], [shape])
    with pytest.raises(PackageError, match=r"tensor 'y' has shape \[1, 4\] where the inputs have batch 2"):
        build(model, Plan("fixed", [["a"]], batches=(2,)), report=lambda _: None)


def test_a_stage_that_computes_otherwise_is_seen(small_package):
    """One weight of one stage is changed by a hundredth."""
    stages = small_package.manifest.stages
    contents = [small_package.files[a.file] for a in small_package.manifest.artifacts if a.batch == 1]
    altered = onnx.load_model_from_string(contents[1])
    weight = numpy_helper.to_array(altered.graph.initializer[0]).copy()
    weight.flat[0] += 0.01
    altered.graph.initializer[0].CopyFrom(numpy_helper.from_array(weight, "w2"))
    contents[1] = altered.SerializeToString()
    engines = [Engine(c, s.name, s.outputs) for c, s in zip(contents, stages, strict=True)]
    parts = [StagePart(s.name, (), s.inputs, s.outputs) for s in stages]
    whole = Engine(small_model().SerializeToString(), "whole", ["scores"])
    image = np.random.default_rng(5).random((3, 8, 8), np.float32)
    assert compare.difference(whole, StagedEngine(parts, engines), {"image": image}, 1) > compare.TOLERANCE


def test_the_tolerance_is_a_refusal():
    compare.require_equal(1e-4, 1)
    with pytest.raises(PackageError, match=r"at batch 1 .* 1\.10e-04, more than 1e-04"):
        compare.require_equal(1.1e-4, 1)
    with pytest.raises(PackageError):
        compare.require_equal(float("inf"), 1)


def test_a_border_that_openvino_renames_is_still_found():
    """Identity is folded away, so one OpenVINO port carries both names."""
    model = small_model()
    model.graph.node.insert(2, helper.make_node("Identity", ["b"], ["also"]))
    model.graph.node[3].input[0] = "also"
    package = build(model, Plan("alias", [["b", "also"]]), report=lambda _: None)
    assert package.manifest.stages[0].outputs == ("b", "also")


def run_onnx(model: Path, output: Path, *more: str) -> int:
    return main(["onnx", str(model), "--split", "b,c", "--output", str(output), *more])


def test_the_command_prints_tolerance_and_digest(small_onnx, tmp_path, capsys):
    assert run_onnx(small_onnx, tmp_path / "out", "--batches", "1,2") == 0
    printed = capsys.readouterr().out
    digest = verify(tmp_path / "out").digest
    assert "batch 2: staged and whole outputs differ by" in printed
    assert "(at most 1e-04)" in printed
    assert printed.endswith(f"{tmp_path / 'out'}: small {digest}\n")


def test_a_tar_is_reproducible_and_equals_the_folder(small_onnx, tmp_path):
    assert run_onnx(small_onnx, tmp_path / "out") == 0
    assert run_onnx(small_onnx, tmp_path / "one", "--tar") == 0
    assert run_onnx(small_onnx, tmp_path / "two.tar", "--tar") == 0
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    assert verify(tmp_path / "one.tar") == verify(tmp_path / "out")
    with tarfile.open(tmp_path / "one.tar") as tar:
        assert tar.getnames()[0] == "model.json"
        assert {(m.mtime, m.uid, m.mode) for m in tar.getmembers()} == {(0, 0, 0o644)}


def test_an_older_package_is_replaced_and_nothing_is_left_over(small_onnx, tmp_path):
    assert run_onnx(small_onnx, tmp_path / "out", "--batches", "1,2") == 0
    assert run_onnx(small_onnx, tmp_path / "out") == 0
    assert {a.batch for a in verify(tmp_path / "out").manifest.artifacts} == {1}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "small.onnx"]


def test_a_folder_that_is_no_package_is_not_replaced(small_onnx, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work")
    assert run_onnx(small_onnx, tmp_path / "out") == 1
    assert "exists and is no package" in capsys.readouterr().err
    assert (tmp_path / "out" / "thesis.txt").read_text() == "years of work"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "small.onnx"]


def test_a_given_sample_is_the_packages_sample(small_onnx, tmp_path):
    image = np.arange(3 * 8 * 8, dtype=np.float32).reshape(1, 3, 8, 8) / 200
    np.save(tmp_path / "image.npy", image)
    assert run_onnx(small_onnx, tmp_path / "out", "--sample", str(tmp_path / "image.npy")) == 0
    assert (tmp_path / "out" / "samples" / "00.bin").read_bytes() == image.tobytes()


SAMPLES = {
    "shape": (np.zeros((3, 8, 9), np.float32), r"has shape \[3, 8, 9\], one element of input 'image' has \[3, 8, 8\]"),
    "type": (np.zeros((3, 8, 8)), r"has type float64, input 'image' has FP32; convert it with .astype\('float32'\)"),
    "pickle": (np.array([{}]), r"cannot be read as .npy"),
}


@pytest.mark.parametrize(("array", "message"), SAMPLES.values(), ids=SAMPLES.keys())
def test_a_sample_that_does_not_fit_is_refused(array, message, tmp_path):
    np.save(tmp_path / "bad.npy", array)
    with pytest.raises(PackageError, match=message):
        build_small(borders=[["d"]], sample_arguments=(str(tmp_path / "bad.npy"),))


def test_a_sample_for_an_unknown_input_is_refused():
    with pytest.raises(PackageError, match="no input 'picture'; the inputs are image"):
        build_small(borders=[["d"]], sample_arguments=("picture=x.npy",))


def truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-700])


FILES = {
    "missing": (lambda file: file.unlink(), "no such file"),
    "truncated": (truncated, "not a complete ONNX model"),
    "text": (lambda file: file.write_text("hello"), "not a complete ONNX model"),
    "empty": (lambda file: file.write_bytes(b""), "not a complete ONNX model: it has no nodes"),
}


@pytest.mark.parametrize(("damage", "message"), FILES.values(), ids=FILES.keys())
def test_an_unreadable_model_is_refused(damage, message, small_onnx, tmp_path, capsys):
    damage(small_onnx)
    assert run_onnx(small_onnx, tmp_path / "out") == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_refused_split_writes_nothing(small_onnx, tmp_path, capsys):
    assert main(["onnx", str(small_onnx), "--split", "c", "--output", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err.startswith("daris-package: the split does not separate the model")
    assert [p.name for p in tmp_path.iterdir()] == ["small.onnx"]


def test_a_name_that_is_no_dns_label_is_refused(small_onnx, tmp_path, capsys):
    assert run_onnx(small_onnx, tmp_path / "out", "--name", "Small_Model") == 1
    assert "name 'Small_Model' is no DNS label" in capsys.readouterr().err


BATCHES = {
    "0": "1 to 1024",
    "-2": "1 to 1024",
    "one": "1 to 1024",
    "1,,2": "1 to 1024",
    "²": "1 to 1024",
    "1,1": "twice",
}


@pytest.mark.parametrize(("batches", "message"), BATCHES.items())
def test_bad_batches_are_refused(batches, message, small_onnx, tmp_path, capsys):
    with pytest.raises(SystemExit):
        run_onnx(small_onnx, tmp_path / "out", f"--batches={batches}")
    assert message in capsys.readouterr().err


def test_weights_in_an_external_file_are_embedded(tmp_path):
    onnx.save_model(
        small_model(), tmp_path / "big.onnx", save_as_external_data=True, size_threshold=0, location="w.bin"
    )
    assert run_onnx(tmp_path / "big.onnx", tmp_path / "out") == 0
    assert verify(tmp_path / "out").manifest.name == "big"
