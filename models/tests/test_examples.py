"""The examples: fixed bytes, sane outputs that follow the input, and a second build that does nothing."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from daris_package.cli import main
from daris_package.describe import measure_stages
from daris_package.engine import Engine, StagedEngine
from daris_package.examples.models import EXAMPLES
from daris_package.examples.network import uniform
from daris_package.split import StagePart
from daris_package.verify import verify

NAMES = [example.name for example in EXAMPLES]


def files_of(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_two_builds_are_byte_identical(examples, tmp_path):
    assert main(["examples", "--output", str(tmp_path)]) == 0
    assert files_of(tmp_path) == files_of(examples)


def test_the_digests_are_the_recorded_ones(examples):
    """Manifests in examples/ name these digests: a change here is a change for every user."""
    recorded = json.loads((Path(__file__).parent / "digests.json").read_text())
    assert {name: verify(examples / name).digest for name in NAMES} == recorded


def test_weights_are_the_same_bits_everywhere():
    assert uniform("seed", (3,), 0.5).tobytes().hex() == "54fee8be42349bbe788019be"


def test_a_second_build_does_nothing(examples_copy, capsys):
    before = {p: p.stat().st_mtime_ns for p in examples_copy.rglob("*")}
    assert main(["examples", "--output", str(examples_copy)]) == 0
    assert [line.partition("(")[2] for line in capsys.readouterr().out.splitlines()] == ["up to date)"] * 3
    assert {p: p.stat().st_mtime_ns for p in examples_copy.rglob("*")} == before


def test_digest_lines(examples_copy, capsys):
    assert main(["examples", "--output", str(examples_copy), "--digests"]) == 0
    expected = [f"{name} {verify(examples_copy / name).digest}" for name in NAMES]
    assert capsys.readouterr().out.splitlines() == expected


def set_stamp(folder: Path, **fields) -> None:
    stamp = json.loads((folder / "examples.json").read_text())
    (folder / "examples.json").write_text(json.dumps(stamp | fields))


DAMAGE = {
    "a package changed": lambda f: (f / "edge-classifier/samples/00.bin").write_bytes(b"x"),
    "a package gone": lambda f: shutil.rmtree(f / "edge-classifier"),
    "a whole model changed": lambda f: (f / "edge-classifier.onnx").write_bytes(b"x"),
    "a whole model gone": lambda f: (f / "edge-classifier.onnx").unlink(),
    "another tool version": lambda f: set_stamp(f, tool="0.0.1"),
    "no stamp": lambda f: (f / "examples.json").unlink(),
    "a stamp cut off": lambda f: (f / "examples.json").write_text("{"),
    "a stamp of another kind": lambda f: set_stamp(f, examples=[]),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_what_is_not_up_to_date_is_built_again(damage, examples, examples_copy, capsys):
    damage(examples_copy)
    assert main(["examples", "--output", str(examples_copy)]) == 0
    assert "edge-classifier sha256:" in capsys.readouterr().out
    assert files_of(examples_copy) == files_of(examples)


@pytest.mark.parametrize("name", NAMES)
def test_staged_outputs_equal_the_whole_models(name, examples):
    manifest = verify(examples / name).manifest
    outputs = [t.name for t in manifest.outputs]
    whole = Engine((examples / f"{name}.onnx").read_bytes(), name, outputs)
    parts = [StagePart(s.name, (), s.inputs, s.outputs) for s in manifest.stages]
    rng = np.random.default_rng(7)
    assert {a.batch for a in manifest.artifacts} == {1, 2, 4}
    for batch in (1, 2, 4):
        artifacts = [a for a in manifest.artifacts if a.batch == batch]
        staged = StagedEngine(
            parts,
            [
                Engine((examples / name / a.file).read_bytes(), a.file, part.outputs)
                for a, part in zip(artifacts, parts, strict=True)
            ],
        )
        image = rng.random((batch, *manifest.inputs[0].shape[1:]), np.float32)
        got, expected = staged.run({"image": image}), whole.run({"image": image})
        for output in outputs:
            np.testing.assert_allclose(got[output], expected[output], atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_outputs_follow_the_input_and_stay_in_range(name, examples):
    manifest = verify(examples / name).manifest
    outputs = [t.name for t in manifest.outputs]
    whole = Engine((examples / f"{name}.onnx").read_bytes(), name, outputs)
    shape = (1, *manifest.inputs[0].shape[1:])
    rng = np.random.default_rng(11)
    images = [np.zeros(shape, np.float32), np.ones(shape, np.float32), *rng.random((6, *shape), np.float32)]
    runs = [whole.run({"image": image}) for image in images]
    for output in outputs:
        values = np.stack([run[output] for run in runs])
        assert np.all(np.isfinite(values))
        assert np.max(np.abs(values)) < 100
        assert np.mean(np.std(values[2:], axis=0)) > 0.02


@pytest.mark.parametrize("name", NAMES)
def test_four_stages_without_one_that_dominates(name, examples):
    times = measure_stages(examples / name, verify(examples / name).manifest, batch=1)
    assert len(times) == 4
    assert max(times.values()) < 0.6 * sum(times.values())


def test_inspect_prints_the_package(examples, capsys):
    assert main(["inspect", str(examples / "lane-detector"), "--measure"]) == 0
    printed = capsys.readouterr().out
    digest = verify(examples / "lane-detector").digest
    for line in (
        "name    lane-detector",
        f"digest  {digest}",
        "  image FP32[batch, 3, 144, 232]",
        "  stage-3: encoder1, decoder2 -> lanes",
        "  openvino any batch 4 stage-3: openvino/batch-4/03-stage-3.onnx (27593 bytes)",
    ):
        assert line in printed.splitlines()
    assert printed.count(" us\n") == 4
