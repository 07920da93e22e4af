"""Whole packages from PyTorch modules, compiled for this machine's CPU: the path that a GPU takes too."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (models/requirements-torch.txt)")

import torch_modules  # noqa: E402

from daris_package.cli import main  # noqa: E402
from daris_package.errors import PackageError  # noqa: E402
from daris_package.manifest import Manifest, Stage  # noqa: E402
from daris_package.pytorch import compiler, onnx_stages  # noqa: E402
from daris_package.pytorch.compiled_run import CompiledStage, load_compiled, run_compiled  # noqa: E402
from daris_package.pytorch.compiler import Job, arch_of, compile_all  # noqa: E402
from daris_package.verify import verify  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")

FILE = Path(torch_modules.__file__)
ARCH = arch_of("cpu")


def run_torch(output: Path, *more: str, factory: str = "skipping") -> int:
    small = ["--device", "cpu", "--input", "3x16x16", "--workers", "2"]
    return main(["torch", f"{FILE}:{factory}", "-o", str(output), *small, *more])


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package in FP16 of two stages, compiled for batches 1 and 2, with ONNX for batch 2."""
    output = tmp_path_factory.mktemp("torch") / "skipping"
    assert run_torch(output, "--split", "first", "--capacities", "1,2", "--onnx-batches", "2") == 0
    return output


@pytest.fixture
def manifest(folder: Path) -> Manifest:
    return verify(folder).manifest


def test_the_manifest_lists_each_stage_and_batch(manifest):
    assert [(a.engine, a.arch, a.batch, a.file) for a in manifest.artifacts] == [
        ("torch", ARCH, 1, f"torch/{ARCH}/batch-0001/00-stage-00.pt2"),
        ("torch", ARCH, 1, f"torch/{ARCH}/batch-0001/01-stage-01.pt2"),
        ("torch", ARCH, 2, f"torch/{ARCH}/batch-0002/00-stage-00.pt2"),
        ("torch", ARCH, 2, f"torch/{ARCH}/batch-0002/01-stage-01.pt2"),
        ("openvino", "any", 2, "openvino/batch-0002/00-stage-00.onnx"),
        ("openvino", "any", 2, "openvino/batch-0002/01-stage-01.onnx"),
    ]
    assert {t.datatype for t in (*manifest.inputs, *manifest.tensors, *manifest.outputs)} == {"FP16"}


def test_the_manifest_tells_what_compiled_it(folder):
    builds = json.loads((folder / "model.json").read_text())["builds"]
    assert builds[0] == {
        "engine": "torch",
        "arch": ARCH,
        "version": torch.__version__,
        "cuda": compiler.cuda_version(),
        "precision": "FP16",
        "tf32": False,
        "layout": "channels_last",
        "tolerance": 0.02,
    }
    assert [build["engine"] for build in builds] == ["torch", "openvino"]


def test_a_compiled_stage_tells_the_same_unopened(folder, manifest):
    load = torch._C._aoti.AOTIModelPackageLoader.load_metadata_from_package
    for artifact in manifest.artifacts[:4]:
        notes = load(str(folder / artifact.file), "model")
        assert notes["daris_stage"] == artifact.stage
        assert notes["daris_batch"] == str(artifact.batch)
        assert notes["daris_arch"] == ARCH
        assert notes["daris_torch"] == torch.__version__
        assert notes["AOTI_DEVICE_KEY"] == "cpu"


def test_compiled_and_onnx_stages_of_the_written_package_compute_what_the_module_does(folder, manifest):
    module = torch_modules.skipping().eval()
    x = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(5)).half()
    expected = module(x.float()).detach()
    compiled, exported = {"image": x}, {"image": x.numpy()}
    for stage in manifest.stages:
        files = {a.engine: folder / a.file for a in manifest.artifacts if (a.stage, a.batch) == (stage.name, 2)}
        (weights,) = (w.file for w in manifest.weights if w.stage == stage.name)
        run = load_compiled(files["torch"], (folder / weights).read_bytes(), "cpu")
        compiled |= dict(zip(stage.outputs, run(*(compiled[name] for name in stage.inputs)), strict=True))
        engine = onnx_stages.cpu_engine(files["openvino"].read_bytes(), stage)
        exported |= engine.run({name: exported[name] for name in stage.inputs})
    torch.testing.assert_close(compiled["output"].float(), expected, rtol=0, atol=0.02)
    np.testing.assert_allclose(exported["output"].astype(np.float32), expected.numpy(), rtol=0, atol=0.02)


def test_inspect_shows_what_compiled_it(folder, capsys):
    assert main(["inspect", str(folder)]) == 0
    printed = capsys.readouterr().out
    assert f"  torch {ARCH}: {torch.__version__}, CUDA" in printed
    assert "FP16, channels_last, within 2e-02 of the whole model" in printed


def test_a_stage_beyond_the_tolerance_writes_nothing(tmp_path, capsys):
    options = ["--split", "first", "--tolerance", "1e-9", "--onnx-batches", "none"]
    assert run_torch(tmp_path / "out", *options) == 1
    assert "at batch 1 stage-00 writes 'first' with a difference of" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_stage_that_does_not_compile_is_named(tmp_path):
    job = Job("stage-03", 8, tmp_path / "missing.pt2", {})
    with pytest.raises(PackageError, match=r"stage-03 does not compile at batch 8: "):
        list(compile_all([job], workers=1, tf32=False))


def test_a_compiled_stage_that_is_damaged_is_told():
    stage = Stage("stage-00", ("input0",), ("output",))
    with pytest.raises(PackageError, match=r"the compiled stages fail when they are run; the last words were: ."):
        run_compiled([stage], [CompiledStage(b"no package", b"")], {"input0": torch.zeros(1, 4)}, tf32=False)


def test_a_compiled_stage_that_crashes_ends_its_own_process_alone(tmp_path, monkeypatch):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho loading stage-00 >&2\nkill -SEGV $$\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(PackageError, match=r"crash \(SIGSEGV\) when they are run; .*: loading stage-00"):
        run_compiled([], [], {}, tf32=False)


REFUSED = {
    "unknown part": (["--split", "frist"], "the module has no part of that name; the nearest are 'first'"),
    "too many stages": (["--stages", "9"], "the model can be cut at"),
    "input of another shape": (["--input", "5x16x16", "--split", "first"], "the module cannot be exported"),
    "weights missing": (["--weights", "nowhere.pt"], "--weights nowhere.pt: no such file"),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals_write_nothing(options, message, tmp_path, capsys):
    arguments = ["--device", "cpu", "-o", str(tmp_path / "out"), *options]
    if "--input" not in options:
        arguments += ["--input", "3x16x16"]
    assert main(["torch", f"{FILE}:skipping", *arguments]) == 1
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_without_a_gpu_the_device_is_refused(tmp_path, capsys):
    assert main(["torch", "resnet18", "-o", str(tmp_path / "out")]) == 1
    assert "--device cuda: no GPU is visible" in capsys.readouterr().err
