"""The options of `daris-package torch`. Imports no torch: help and bad options are answered without it."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from daris_package.batches import joined_batches, parse_batches, parse_capacities
from daris_package.manifest_parse import MAX_STAGES, MIN_TOLERANCE
from daris_package.package import Package, check_name
from daris_package.pytorch.available import torch_builder
from daris_package.pytorch.plan import PRECISIONS, InputSpec, TorchPlan, parse_input, parse_split


def add_capacities(command: argparse.ArgumentParser) -> None:
    """What makes a package's jobs joinable."""
    command.add_argument(
        "--capacities",
        type=parse_capacities,
        default=(1,),
        metavar="1,2,4,8",
        help="how many jobs may go through the stages together where the policy joins jobs: also makes each batch size "
        "times each of these (default: 1, jobs go alone)",
    )


def add_options(command: argparse.ArgumentParser) -> None:
    """All options but those on where to write."""
    command.add_argument("model", metavar="MODEL", help="a name such as resnet18, or FILE.py:FACTORY")
    command.add_argument("--name", help="the model's name (default: from MODEL)")
    command.add_argument(
        "--batches", type=parse_batches, default=(1,), metavar="1,8,32", help="batch sizes (default: 1)"
    )
    add_capacities(command)
    command.add_argument("--dtype", choices=PRECISIONS, default="fp16", help="of weights, tensors and computing")
    command.add_argument(
        "--onnx-batches",
        type=lambda text: () if text == "none" else parse_batches(text),
        default=(1,),
        metavar="1,2|none",
        help="batch sizes that nodes without a GPU can run (default: 1)",
    )
    where = command.add_mutually_exclusive_group()
    where.add_argument("--stages", type=_stages, default=4, metavar="N", help="stages of about equal time (default: 4)")
    where.add_argument(
        "--split", action="append", default=[], metavar="PART[,PART…]", help="submodules after which stages end"
    )
    command.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="SIZES[:DATATYPE]",
        help="one batch element of an argument of forward (default: 3x224x224); repeat for more arguments",
    )
    command.add_argument("--weights", type=Path, metavar="FILE", help="a state dict (default: the module's own)")
    command.add_argument("--seed", type=int, default=0, help="of random weights (default: 0)")
    command.add_argument("--sample", action="append", default=[], metavar="[INPUT=]FILE.npy")
    command.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="what compiles, and later runs")
    command.add_argument("--tf32", action="store_true", help="let FP32 products be rounded to TF32")
    command.add_argument("--tolerance", type=_tolerance, metavar="X", help="accepted relative difference")
    command.add_argument("--workers", type=_workers, metavar="N", help="compiler processes (default: all cores)")


def build_from(options: argparse.Namespace, report: Callable[[str], None]) -> Package:
    """The package that these options describe."""
    plan = TorchPlan(
        name=options.name or _default_name(options.model),
        model=options.model,
        batches=joined_batches(options.batches, options.capacities),
        onnx_batches=options.onnx_batches,
        inputs=_inputs(options.input),
        precision=PRECISIONS[options.dtype],
        stages=options.stages,
        split=parse_split(options.split),
        device=options.device,
        tf32=options.tf32,
        tolerance=options.tolerance,
        weights=options.weights,
        seed=options.seed,
        workers=options.workers,
        sample_arguments=tuple(options.sample),
    )
    check_name(plan.name)
    return torch_builder().build(plan, report)


def _default_name(model: str) -> str:
    """`detector.py:make_detector` → `make-detector`."""
    return model.rpartition(":")[2].lower().replace("_", "-")


def _inputs(arguments: Sequence[str]) -> tuple[InputSpec, ...]:
    return tuple(parse_input(argument) for argument in arguments) or (InputSpec((3, 224, 224)),)


def _stages(text: str) -> int:
    return _integer(text, MAX_STAGES)


def _workers(text: str) -> int:
    return _integer(text, 1024)


def _integer(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= most):
        raise argparse.ArgumentTypeError(f"'{text}': expected a number from 1 to {most}")
    return int(text)


def _tolerance(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not MIN_TOLERANCE <= value <= 1:
        raise argparse.ArgumentTypeError(f"'{text}': expected a number from {MIN_TOLERANCE:g} to 1")
    return value
