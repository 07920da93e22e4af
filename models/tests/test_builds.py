"""The manifest's `builds`: what compiled the artifacts. Absent where there is nothing to tell."""

import hashlib
import io
import json
import zipfile

import pytest

from daris_package.cli import main
from daris_package.errors import PackageError
from daris_package.manifest import Artifact, Build
from daris_package.manifest_parse import parse_manifest
from daris_package.verify import verify
from daris_package.verify_pt2 import pt2_problems

BUILD = {
    "engine": "openvino",
    "arch": "any",
    "version": "onnx-opset-17",
    "cuda": "none",
    "precision": "FP32",
    "tf32": False,
    "layout": "contiguous",
    "tolerance": 1e-4,
}


def with_builds(folder, *builds) -> None:
    manifest = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(manifest | {"builds": list(builds)}))


def test_a_build_is_read_and_written_alike(package_folder):
    with_builds(package_folder, BUILD)
    manifest = verify(package_folder).manifest
    assert manifest.builds == (Build(**BUILD),)
    assert parse_manifest(manifest.to_bytes()) == manifest


def test_a_package_without_builds_does_not_mention_them(small_package):
    assert b"builds" not in small_package.files["model.json"]
    assert small_package.manifest.builds == ()


def test_inspect_shows_builds(package_folder, capsys):
    with_builds(package_folder, BUILD)
    assert main(["inspect", str(package_folder)]) == 0
    assert "openvino any: onnx-opset-17, CUDA none, FP32, contiguous, within 1e-04" in capsys.readouterr().out


REFUSED = {
    "none": ([], r"field 'builds' is \[\]; expected a list of 1 to 64 entries"),
    "unknown field": ([{**BUILD, "author": "x"}], r"builds\[0\]: unknown field 'author'"),
    "missing field": ([{k: v for k, v in BUILD.items() if k != "cuda"}], r"builds\[0\]: field 'cuda' is missing"),
    "precision": ([{**BUILD, "precision": "INT8"}], r"'precision' is \"INT8\"; expected one of FP16, FP32"),
    "tf32": ([{**BUILD, "tf32": 0}], r"'tf32' is 0; expected true or false"),
    "layout": ([{**BUILD, "layout": "NHWC"}], r"'layout' is \"NHWC\"; expected one of contiguous, channels_last"),
    "tolerance 0": ([{**BUILD, "tolerance": 0}], r"'tolerance' is 0; expected a number from 1e-12"),
    "tolerance true": ([{**BUILD, "tolerance": True}], r"'tolerance' is true; expected a number"),
    "twice": ([BUILD, BUILD], r"build for 'openvino, any' occurs 2 times"),
    "of no artifact": ([{**BUILD, "arch": "sm_90"}], r"the build for engine openvino, arch sm_90 has no artifacts"),
}


@pytest.mark.parametrize(("builds", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(builds, message, package_folder):
    with_builds(package_folder, *builds)
    with pytest.raises(PackageError, match=message):
        verify(package_folder)


def test_compiled_code_without_a_build_is_refused(package_folder):
    manifest = json.loads((package_folder / "model.json").read_text())
    for artifact in manifest["artifacts"]:
        artifact.update(engine="torch", arch="sm_90")
    (package_folder / "model.json").write_text(json.dumps(manifest))
    with pytest.raises(PackageError, match=r"artifacts of engine torch for arch sm_90 have no entry in 'builds'"):
        verify(package_folder)


def with_weights(folder, **changes) -> None:
    manifest = json.loads((folder / "model.json").read_text())
    artifact = manifest["artifacts"][0]
    entry = {field: artifact[field] for field in ("engine", "stage", "arch")}
    content = b"weights"
    (folder / "weights.bin").write_bytes(content)
    entry |= {"file": "weights.bin", "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)} | changes
    (folder / "model.json").write_text(json.dumps(manifest | {"weights": [entry]}))


def test_weights_are_read_and_written_alike(package_folder, capsys):
    with_weights(package_folder)
    manifest = verify(package_folder).manifest
    assert [w.file for w in manifest.weights] == ["weights.bin"]
    assert parse_manifest(manifest.to_bytes()) == manifest
    assert main(["inspect", str(package_folder)]) == 0
    assert "weights.bin (7 bytes)" in capsys.readouterr().out


WEIGHTS = {
    "of no stage": ({"stage": "third"}, r"weights 'weights.bin' are for stage 'third' .* which has no artifacts"),
    "damaged": ({"sha256": "0" * 64}, r"weights.bin: its sha256 is"),
    "too large": ({"bytes": 1 << 40}, r"field 'bytes' is"),
    "batch": ({"batch": 1}, r"unknown field 'batch'"),
}


@pytest.mark.parametrize(("changes", "message"), WEIGHTS.values(), ids=WEIGHTS.keys())
def test_weights_refused(changes, message, package_folder):
    with_weights(package_folder, **changes)
    with pytest.raises(PackageError, match=message):
        verify(package_folder)


def archive(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name in names:
            file.writestr(name, b"x")
    return content.getvalue()


LIBRARY = "stage/data/aotinductor/model/abc.wrapper.so"
PT2 = {
    "no archive": (b"hello", "not a complete .pt2 archive"),
    "cut off": (archive(LIBRARY)[:-30], "not a complete .pt2 archive"),
    "source alone": (archive("stage/data/aotinductor/model/abc.wrapper.cpp"), "it has no compiled code of a model"),
    "another model": (archive("stage/data/aotinductor/model2/abc.wrapper.so"), "it has no compiled code of a model"),
    "outside": (archive(LIBRARY, "../evil.so"), "its entry '../evil.so' leaves the archive"),
}


@pytest.mark.parametrize(("content", "message"), PT2.values(), ids=PT2.keys())
def test_a_damaged_compiled_stage_is_refused(content, message):
    (problem,) = pt2_problems(Artifact("torch", "stage-00", 1, "sm_90", "a.pt2", "", len(content)), content)
    assert problem.startswith("a.pt2: ")
    assert message in problem


def test_a_compiled_stage_passes():
    artifact = Artifact("torch", "stage-00", 1, "sm_90", "a.pt2", "", 0)
    assert pt2_problems(artifact, archive(LIBRARY, "stage/byteorder")) == []
