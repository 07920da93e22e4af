"""daris-package torch without PyTorch: options, balancing, and what is said where torch is missing."""

import itertools
import random
import sys

import pytest

from daris_package.cli import main
from daris_package.errors import PackageError
from daris_package.pytorch.balance import Cut, balanced
from daris_package.pytorch.plan import InputSpec, TorchPlan, parse_input, parse_split


def longest(times, positions) -> float:
    bounds = [0, *positions, len(times)]
    return max(sum(times[a:b]) for a, b in itertools.pairwise(bounds))


def everywhere(times, border_bytes=1) -> list[Cut]:
    return [Cut(position, border_bytes) for position in range(1, len(times))]


def test_equal_nodes_give_equal_stages():
    assert balanced([1.0] * 8, everywhere([1.0] * 8), 4) == [2, 4, 6]


def test_one_stage_needs_no_cut():
    assert balanced([1.0, 2.0], everywhere([1.0, 2.0]), 1) == []


def test_a_dominant_node_has_a_stage_of_its_own():
    assert balanced([1, 1, 10, 1, 1], everywhere([0] * 5), 3) == [2, 3]


def test_of_equally_good_cuts_the_narrow_one_is_taken():
    cuts = [Cut(49, 900), Cut(50, 500), Cut(51, 10), Cut(70, 1)]
    assert balanced([1.0] * 100, cuts, 2) == [51]


@pytest.mark.parametrize("seed", range(20))
def test_no_division_has_a_much_shorter_longest_stage(seed):
    rng = random.Random(seed)
    times = [rng.uniform(0, 10) for _ in range(9)]
    cuts = [Cut(p, rng.randrange(100)) for p in sorted(rng.sample(range(1, 9), 6))]
    stages = rng.randrange(2, 6)
    found = balanced(times, cuts, stages)
    allowed = [cut.position for cut in cuts]
    assert set(found) <= set(allowed)
    best = min(longest(times, chosen) for chosen in itertools.combinations(allowed, stages - 1))
    assert longest(times, found) <= best * 1.05 + 1e-9


def test_too_many_stages_are_refused():
    with pytest.raises(PackageError, match=r"can be cut at 3 places only; use --stages 4 or fewer"):
        balanced([1.0] * 4, everywhere([1.0] * 4), 5)


def test_inputs_are_sizes_with_an_optional_datatype():
    assert parse_input("3x224x224") == InputSpec((3, 224, 224), None)
    assert parse_input("128:INT64") == InputSpec((128,), "INT64")


@pytest.mark.parametrize("text", ["", "3x0x4", "3x", "x3", "3,224", "128:LONG", "-3", "128:"])
def test_bad_inputs_are_refused(text):
    with pytest.raises(PackageError, match=r"--input .*: expected the sizes of one batch element"):
        parse_input(text)


def test_split_names_parts():
    assert parse_split(["layer1,layer2.0", "layer3"]) == ("layer1", "layer2.0", "layer3")
    with pytest.raises(PackageError, match="empty name"):
        parse_split(["layer1,,layer2"])


def test_the_precision_decides_tolerance_and_layout():
    half, full = (TorchPlan("m", "resnet18", (1,), precision=precision) for precision in ("FP16", "FP32"))
    assert (half.accepted, half.layout) == (2e-2, "channels_last")
    assert (full.accepted, full.layout) == (1e-4, "contiguous")
    assert TorchPlan("m", "resnet18", (1,), tolerance=0.5).accepted == 0.5


def test_without_torch_the_command_says_what_to_install(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(["torch", "resnet18", "-o", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert "daris-package torch needs torch, which cannot be imported" in error
    assert "pip install -r models/requirements-torch.txt" in error
    assert not (tmp_path / "out").exists()


BAD_OPTIONS = {
    "batch 0": (["--batches", "0"], "expected sizes from 1 to 1024"),
    "batch twice": (["--batches", "8,8"], "occurs twice"),
    "capacity 0": (["--capacities", "0,1"], "expected sizes from 1 to 256"),
    "capacity 257": (["--capacities", "1,257"], "expected sizes from 1 to 256"),
    "capacity twice": (["--capacities", "1,2,2"], "occurs twice"),
    "17 capacities": (["--capacities", ",".join(map(str, range(1, 18)))], "17 capacities, but at most 16"),
    "no capacity 1": (["--capacities", "2,4"], "1 is missing"),
    "ONNX batch 0": (["--onnx-batches", "0"], "expected sizes from 1 to 1024"),
    "no stages": (["--stages", "0"], "expected a number from 1 to 64"),
    "65 stages": (["--stages", "65"], "expected a number from 1 to 64"),
    "stages and split": (["--stages", "2", "--split", "layer1"], "not allowed with argument"),
    "unknown datatype": (["--dtype", "int8"], "invalid choice"),
    "tolerance 0": (["--tolerance", "0"], "expected a number from 1e-12"),
    "tolerance in words": (["--tolerance", "little"], "expected a number from 1e-12"),
    "no workers": (["--workers", "0"], "expected a number from 1"),
}


@pytest.mark.parametrize(("options", "message"), BAD_OPTIONS.values(), ids=BAD_OPTIONS.keys())
def test_bad_options_are_refused(options, message, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["torch", "resnet18", "-o", str(tmp_path / "out"), *options])
    assert message in capsys.readouterr().err


def test_a_bad_name_is_refused_before_torch_is_wanted(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(["torch", "resnet18", "--name", "ResNet", "-o", str(tmp_path / "out")]) == 1
    assert "name 'ResNet' is no DNS label" in capsys.readouterr().err
