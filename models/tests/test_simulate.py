"""Packages of known times: what they hold, beside what, and what is refused."""

import json

import pytest

from daris_package.cli import main
from daris_package.errors import PackageError
from daris_package.stage_time import StageTime, parse_duration, stage_time_problems
from daris_package.verify import verify

FIRST = "sim/batch-1/00-stage-0.json"


def sim(output, *arguments: str) -> int:
    return main(["sim", "-o", str(output), *arguments])


def time_of(folder, file: str) -> dict:
    return json.loads((folder / file).read_text())


def test_a_package_of_its_own_holds_the_times(tmp_path, capsys):
    folder = tmp_path / "camera"
    assert sim(folder, "--name", "camera", "--stages", "400us,1.5ms", "--batches", "1,8") == 0
    verified = verify(folder)
    assert capsys.readouterr().out == f"{folder}: camera {verified.digest}\n"
    assert [(s.name, s.inputs, s.outputs) for s in verified.manifest.stages] == [
        ("stage-0", ("input",), ("stage-0/out",)),
        ("stage-1", ("stage-0/out",), ("output",)),
    ]
    assert {(a.engine, a.batch, a.stage) for a in verified.manifest.artifacts} == {
        ("sim", batch, stage) for batch in (1, 8) for stage in ("stage-0", "stage-1")
    }
    assert time_of(folder, "sim/batch-8/01-stage-1.json") == {
        "formatVersion": 1,
        "meanUs": 1500,
        "deviationUs": 0,
        "distribution": "lognormal",
        "seed": 0,
    }


def test_each_batch_may_have_times_of_its_own(tmp_path):
    spread = ["--deviation", "0.1", "--distribution", "uniform", "--seed", "7"]
    times = ["--stages", "400us", "--stages", "900us", "--batches", "1,8"]
    assert sim(tmp_path / "one", "--name", "one", *times, *spread) == 0
    assert time_of(tmp_path / "one", FIRST) == {
        "formatVersion": 1,
        "meanUs": 400,
        "deviationUs": 40,
        "distribution": "uniform",
        "seed": 7,
    }
    assert time_of(tmp_path / "one", "sim/batch-8/00-stage-0.json")["meanUs"] == 900


def test_two_runs_are_byte_identical(tmp_path):
    for name in ("a", "b"):
        assert sim(tmp_path / name, "--name", "same", "--stages", "400us,300us", "--tar") == 0
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()


def test_times_are_added_beside_what_a_package_has(package_folder, tmp_path):
    before = verify(package_folder).manifest
    both = tmp_path / "both"
    assert sim(both, "--from", str(package_folder), "--stages", "1ms,2ms,3ms", "--batches", "1,4") == 0
    after = verify(both).manifest
    assert after.stages == before.stages
    assert after.samples == before.samples
    assert [a for a in after.artifacts if a.engine != "sim"] == list(before.artifacts)
    assert [a.batch for a in after.artifacts if a.engine == "sim"] == [1, 1, 1, 4, 4, 4]
    again = tmp_path / "again"
    assert sim(again, "--from", str(both), "--stages", "1ms,2ms,9ms") == 0
    assert [a.batch for a in verify(again).manifest.artifacts if a.engine == "sim"] == [1, 1, 1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--name", "Camera", "--stages", "1ms"], "name 'Camera' is no DNS label"),
        (["--name", "a", "--stages", "400"], "'400': expected the time of a stage"),
        (["--name", "a", "--stages", "0us"], "'0us': expected the time of a stage"),
        (["--name", "a", "--stages", "61s"], "'61s': expected the time of a stage"),
        (["--name", "a", "--stages", "1ms", "--stages", "1ms"], "given 2 times for 1 batch sizes"),
        (["--name", "a", "--stages", "1ms", "--stages", "1ms,2ms", "--batches", "1,2"], "the same number of stages"),
        (["--name", "a", "--stages", "1ms", "--deviation", "1.5"], "deviationUs is 1500.0; expected a number from 0"),
        (["--name", "a", "--stages", "1ms", "--deviation", "-1"], "deviationUs is -1000.0; expected a number from 0"),
        (["--name", "a", "--stages", ",".join(["1ms"] * 65)], "stages"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_written(tmp_path, capsys, arguments, says):
    assert sim(tmp_path / "out", *arguments) == 1
    assert says in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_another_number_of_stages_is_refused(package_folder, tmp_path, capsys):
    assert sim(tmp_path / "out", "--from", str(package_folder), "--stages", "1ms") == 1
    assert "--stages: small has 3 stages, not 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"400us", "not valid JSON"),
        (b"[]", "expected an object with exactly formatVersion, meanUs"),
        (b'{"meanUs": 1, "meanUs": 2}', "a field occurs twice"),
        (b" " * 5000, "5000 bytes; at most 4096"),
        (StageTime(0).to_bytes(), "meanUs is 0; expected a number from 1 to 60000000"),
        (StageTime(float("nan")).to_bytes(), "meanUs is nan; expected"),
        (StageTime(100, 58).to_bytes(), "deviationUs is 58; expected a number from 0 to 57.735"),
        (StageTime(100, 1, "normal").to_bytes(), "distribution is 'normal'; expected uniform or lognormal"),
        (StageTime(100, seed=-1).to_bytes(), "seed is -1; expected an integer from 0"),
    ],
)
def test_verify_names_what_is_wrong_with_a_time(content, says):
    (problem,) = stage_time_problems(FIRST, content)
    assert problem.startswith(f"{FIRST}: ")
    assert says in problem
    assert stage_time_problems(FIRST, StageTime(100, 57, "uniform", 3).to_bytes()) == []


def test_durations():
    assert [parse_duration(text) for text in ("400us", "1.5ms", "2s")] == [400, 1500, 2e6]
    with pytest.raises(PackageError):
        parse_duration("1m")
