"""verify: a table of everything that makes a package refused, with the words that name it."""

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

import onnx
import pytest

from daris_package.cli import main
from daris_package.errors import PackageError
from daris_package.verify import verify
from daris_package.write import write_tar

STAGE_0 = "openvino/batch-1/00-stage-0.onnx"


def edit(folder: Path, change) -> None:
    """Changes the manifest as an attacker would: consistently, so that only the named fault is left."""
    manifest = json.loads((folder / "model.json").read_text())
    change(manifest)
    (folder / "model.json").write_text(json.dumps(manifest))


def entry(manifest: dict, file: str) -> dict:
    return next(e for e in [*manifest["artifacts"], *manifest["samples"]] if e["file"] == file)


def redigest(folder: Path, file: str) -> None:
    content = (folder / file).read_bytes()
    fields = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    edit(folder, lambda m: entry(m, file).update(fields))


def append(file: Path, more: bytes) -> None:
    file.write_bytes(file.read_bytes() + more)


def flip_bit(folder: Path) -> None:
    content = bytearray((folder / STAGE_0).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / STAGE_0).write_bytes(content)


def truncate(folder: Path) -> None:
    (folder / STAGE_0).write_bytes((folder / STAGE_0).read_bytes()[:-1])


def truncate_with_digest(folder: Path) -> None:
    content = (folder / STAGE_0).read_bytes()
    (folder / STAGE_0).write_bytes(content[: len(content) // 2])
    redigest(folder, STAGE_0)


def move_outside(folder: Path) -> None:
    (folder / STAGE_0).rename(folder.parent / "outside.onnx")
    edit(folder, lambda m: entry(m, STAGE_0).update(file="../outside.onnx"))


def absolute_path(folder: Path) -> None:
    (folder / STAGE_0).rename(folder.parent / "outside.onnx")
    edit(folder, lambda m: entry(m, STAGE_0).update(file=str(folder.parent / "outside.onnx")))


def file_link(folder: Path) -> None:
    (folder / STAGE_0).rename(folder.parent / "outside.onnx")
    (folder / STAGE_0).symlink_to(folder.parent / "outside.onnx")


def folder_link(folder: Path) -> None:
    (folder / "samples").rename(folder.parent / "outside")
    (folder / "samples").symlink_to(folder.parent / "outside")


def rename_onnx_output(folder: Path) -> None:
    model = onnx.load(folder / STAGE_0)
    model.graph.node[-1].output[0] = model.graph.output[0].name = "other"
    onnx.save(model, folder / STAGE_0)
    redigest(folder, STAGE_0)


def externalize(folder: Path) -> None:
    model = onnx.load(folder / STAGE_0)
    onnx.external_data_helper.convert_model_to_external_data(model, location="w.bin", size_threshold=0)
    onnx.external_data_helper.write_external_data_tensors(model, str(folder.parent))
    (folder / STAGE_0).write_bytes(model.SerializeToString())
    redigest(folder, STAGE_0)


def external_constant(folder: Path) -> None:
    """A tensor in an attribute of a node, which no list of initializers shows."""
    model = onnx.load(folder / STAGE_0)
    tensor = onnx.TensorProto(name="k", data_type=onnx.TensorProto.FLOAT, dims=[1])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/hostname")
    model.graph.node.append(onnx.helper.make_node("Constant", [], ["k"], value=tensor))
    (folder / STAGE_0).write_bytes(model.SerializeToString())
    redigest(folder, STAGE_0)


def edited(change):
    return lambda folder: edit(folder, change)


def without_stage(manifest: dict, name: str) -> None:
    manifest["stages"] = [s for s in manifest["stages"] if s["name"] != name]
    manifest["artifacts"] = [a for a in manifest["artifacts"] if a["stage"] != name]


REFUSED = {
    "changed file": (flip_bit, rf"{STAGE_0}: its sha256 is [0-9a-f]{{64}}, model.json says"),
    "truncated file": (truncate, rf"{STAGE_0}: truncated: it has \d+ bytes, model.json says \d+"),
    "truncated ONNX, digest right": (truncate_with_digest, rf"{STAGE_0}: not a complete ONNX model"),
    "longer file": (lambda f: append(f / STAGE_0, b"x"), rf"{STAGE_0}: too long"),
    "missing file": (lambda f: (f / STAGE_0).unlink(), rf"{STAGE_0}: is missing"),
    "..": (move_outside, r"artifacts\[0\]: field 'file' is \"../outside.onnx\"; expected a path below the package"),
    "absolute path": (absolute_path, r"artifacts\[0\]: field 'file' is \"/.*; expected a path below the package"),
    "symlink": (file_link, rf"{STAGE_0}: is a symbolic link"),
    "linked folder": (folder_link, r"samples: is a symbolic link"),
    "fifo": (lambda f: os.mkfifo(f / "pipe"), r"pipe: is a special file"),
    "unlisted file": (lambda f: (f / "notes.txt").write_text("x"), r"notes.txt: is not listed in model.json"),
    "no manifest": (lambda f: (f / "model.json").unlink(), r"model.json: is missing"),
    "manifest cut off": (lambda f: (f / "model.json").write_text('{"name": '), r"model.json: not valid JSON"),
    "manifest is a list": (lambda f: (f / "model.json").write_text("[]"), r"model.json: expected an object"),
    "manifest not UTF-8": (lambda f: (f / "model.json").write_bytes(b'{"a": "\xff"}'), r"model.json: not valid JSON"),
    "manifest nested": (lambda f: (f / "model.json").write_text("[" * 100_000), r"model.json: not valid JSON"),
    "field twice": (
        lambda f: (f / "model.json").write_text('{"name": "a", "name": "b"}'),
        r"field 'name' occurs twice",
    ),
    "manifest too large": (
        lambda f: append(f / "model.json", b" " * (1 << 20)),
        r"model.json: more than 1048576 bytes",
    ),
    "unknown field": (edited(lambda m: m.update(color="red")), r"model.json: unknown field 'color'"),
    "unknown stage field": (
        edited(lambda m: m["stages"][1].update(color="red")),
        r"stages\[1\]: unknown field 'color'",
    ),
    "missing field": (edited(lambda m: m.pop("tensors")), r"model.json: field 'tensors' is missing"),
    "other version": (edited(lambda m: m.update(formatVersion=2)), r"field 'formatVersion' is 2; expected 1"),
    "datatype": (
        edited(lambda m: m["inputs"][0].update(datatype="FP64")),
        r"inputs\[0\]: .* \"FP64\"; expected one of",
    ),
    "no batch dimension": (edited(lambda m: m["inputs"][0].update(shape=[3, 8, 8])), r"expected \[-1, …\]"),
    "dimension 0": (edited(lambda m: m["inputs"][0].update(shape=[-1, 0, 8, 8])), r"expected \[-1, …\]"),
    "batch 0": (edited(lambda m: m["artifacts"][0].update(batch=0)), r"field 'batch' is 0; expected an integer from 1"),
    "control characters": (edited(lambda m: m.update(name="a\nb")), r"field 'name' .* without control characters"),
    "name too long": (edited(lambda m: m.update(name="é" * 129)), r"field 'name' .* expected a name of 1 to 256 bytes"),
    "file is the manifest": (
        edited(lambda m: m["samples"][0].update(file="model.json")),
        r"samples\[0\]: field 'file'",
    ),
    "tensor too large": (
        edited(lambda m: m["tensors"][0].update(shape=[-1, 1 << 20, 1 << 20])),
        r"tensor 'b' has over 1073741824 bytes an element",
    ),
    "bytes over the limit": (
        edited(lambda m: [a.update(bytes=4 << 30) for a in m["artifacts"]]),
        r"model.json names \d+ bytes; at most 17179869184 are accepted",
    ),
    "input read twice": (
        edited(lambda m: m["stages"][1].update(inputs=["b", "b"])),
        r"stage 'stage-1': input 'b' occurs 2 times",
    ),
    "batch true": (edited(lambda m: m["artifacts"][0].update(batch=True)), r"field 'batch' is true; expected"),
    "digest in capitals": (
        edited(lambda m: m["artifacts"][0].update(sha256="A" * 64)),
        r"expected 64 lower-case hex digits",
    ),
    "read before written": (
        edited(lambda m: m["stages"].reverse()),
        r"stage 'stage-2' reads 'b', which is no model input and no earlier stage writes",
    ),
    "output nobody makes": (
        edited(lambda m: without_stage(m, "stage-2")),
        r"output 'scores' is written by no stage",
    ),
    "tensor not declared": (
        edited(lambda m: m["tensors"].pop(0)),
        r"stage 'stage-0' writes 'b', which is in neither 'outputs' nor 'tensors'",
    ),
    "written twice": (
        edited(lambda m: m["stages"][1]["outputs"].append("b")),
        r"stage 'stage-1' writes 'b', which stage 'stage-0' writes already",
    ),
    "input written": (
        edited(lambda m: m["stages"][1]["outputs"].append("image")),
        r"stage 'stage-1' writes 'image', which is a model input",
    ),
    "duplicate stage": (
        edited(lambda m: m["stages"].append({**m["stages"][0], "outputs": ["z"]})),
        r"stage 'stage-0' occurs 2 times",
    ),
    "duplicate tensor": (edited(lambda m: m["tensors"].append(m["tensors"][0])), r"tensor 'b' occurs 2 times"),
    "duplicate sample": (
        edited(lambda m: m["samples"].append(m["samples"][0])),
        r"sample for input 'image' occurs 2 times",
    ),
    "duplicate artifact": (
        edited(lambda m: m["artifacts"].append(m["artifacts"][0])),
        r"artifact for 'openvino, stage-0, batch 1, any' occurs 2 times",
    ),
    "incomplete batch": (
        edited(lambda m: m["artifacts"].pop()),
        r"no artifact for stage 'stage-2' with engine openvino, batch 2, arch any",
    ),
    "artifact of no stage": (
        edited(lambda m: m["artifacts"][0].update(stage="stage-9")),
        r"is for stage 'stage-9', which does not exist",
    ),
    "sample of no input": (
        edited(lambda m: m["samples"][0].update(input="picture")),
        r"is for 'picture', which is no model input",
    ),
    "sample of wrong size": (
        edited(lambda m: m["inputs"][0].update(shape=[-1, 3, 8, 9])),
        r"has 768 bytes; one batch element of 'image' has 864",
    ),
    "ONNX of other shape": (
        edited(lambda m: m["tensors"][0].update(shape=[-1, 4, 8, 9])),
        rf"{STAGE_0}: output 'b' is FLOAT\[1, 4, 8, 8\], model.json says FLOAT\[1, 4, 8, 9\]",
    ),
    "ONNX of other type": (
        edited(lambda m: m["tensors"][0].update(datatype="FP16")),
        rf"{STAGE_0}: output 'b' is FLOAT\[1, 4, 8, 8\], model.json says FLOAT16",
    ),
    "ONNX of other name": (rename_onnx_output, rf"{STAGE_0}: it has no output 'b'"),
    "ONNX reads elsewhere": (externalize, rf"{STAGE_0}: tensor 'w1' lies in an external file; embed it"),
    "ONNX constant elsewhere": (external_constant, rf"{STAGE_0}: tensor 'k' lies in an external file; embed it"),
    "65 stages": (
        edited(lambda m: m.update(stages=[{**m["stages"][0], "name": f"s{i}"} for i in range(65)])),
        r"field 'stages' is .*; expected a list of 1 to 64 entries",
    ),
}


@pytest.mark.parametrize(("damage", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(damage, message, package_folder, capsys):
    damage(package_folder)
    with pytest.raises(PackageError, match=message):
        verify(package_folder)
    assert main(["verify", str(package_folder)]) == 1
    assert capsys.readouterr().err.startswith("daris-package: ")


def test_all_faults_are_named_at_once(package_folder, capsys):
    flip_bit(package_folder)
    (package_folder / "notes.txt").write_text("x")
    assert main(["verify", str(package_folder)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_a_whole_package_passes(package_folder, small_package, capsys):
    assert main(["verify", str(package_folder)]) == 0
    assert capsys.readouterr().out == f"{package_folder}: small {small_package.digest}\n"


def test_nothing_at_the_path(tmp_path):
    with pytest.raises(PackageError, match="no such folder or tar"):
        verify(tmp_path / "nowhere")


def test_a_file_that_is_no_tar(small_package, tmp_path):
    with pytest.raises(PackageError, match=r"its name does not end in \.tar"):
        verify(tar_of(small_package, tmp_path / "small.zip"))


def tar_of(package, file: Path, *more: tarfile.TarInfo) -> Path:
    write_tar(package.files, file)
    with tarfile.open(file, "a") as tar:
        for member in more:
            tar.addfile(member, io.BytesIO(b"\0" * member.size))
    return file


def member(name: str, **fields) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    return info


TARS = {
    "..": (member("../evil", size=4), r"\.\./evil: leaves the package"),
    "absolute": (member("/etc/evil", size=4), r"/etc/evil: leaves the package"),
    "folder outside": (member("../evil", type=tarfile.DIRTYPE), r"\.\./evil: leaves the package"),
    "symlink": (member("link", type=tarfile.SYMTYPE, linkname="/etc/passwd"), r"link: is a link"),
    "hard link": (member("link", type=tarfile.LNKTYPE, linkname="model.json"), r"link: is a link"),
    "device": (member("null", type=tarfile.CHRTYPE), r"null: is a special file"),
    "twice": (member("model.json", size=4), r"model.json: is in the tar twice"),
    "unlisted": (member("notes.txt", size=4), r"notes.txt: is not listed in model.json"),
}


@pytest.mark.parametrize(("extra", "message"), TARS.values(), ids=TARS.keys())
def test_refused_in_a_tar(extra, message, small_package, tmp_path):
    with pytest.raises(PackageError, match=message):
        verify(tar_of(small_package, tmp_path / "small.tar", extra))


def test_a_tar_made_by_tar_passes(package_folder, small_package, tmp_path):
    with tarfile.open(tmp_path / "small.tar", "w") as tar:
        tar.add(package_folder, arcname=".")
    assert verify(tmp_path / "small.tar").digest == small_package.digest


@pytest.mark.parametrize("keep", [10, 600, 5000])
def test_a_truncated_tar_is_refused(keep, small_package, tmp_path):
    write_tar(small_package.files, tmp_path / "small.tar")
    (tmp_path / "small.tar").write_bytes((tmp_path / "small.tar").read_bytes()[:keep])
    with pytest.raises(PackageError, match=r"not an uncompressed tar|damaged|is missing"):
        verify(tmp_path / "small.tar")
