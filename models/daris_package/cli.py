"""The command line of daris-package: arguments in, one line an outcome out, exit status 1 on any refusal."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from daris_package import __version__
from daris_package.batches import joined_batches, parse_batches
from daris_package.build import Plan, build, default_name, load_model
from daris_package.describe import describe_package, measure_stages
from daris_package.errors import PackageError
from daris_package.examples.build import build_examples
from daris_package.examples.models import EXAMPLES, LARGE_EXAMPLES
from daris_package.package import Package
from daris_package.pytorch import command as torch_command
from daris_package.simulate import Simulation, Spread, add_simulation, simulate
from daris_package.split import parse_borders
from daris_package.stage_time import DISTRIBUTIONS, MAX_SEED, parse_duration
from daris_package.verify import verify
from daris_package.write import write_folder, write_tar


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except PackageError as error:
        for problem in error.problems:
            print(f"daris-package: {problem}", file=sys.stderr)
    except OSError as error:
        print(f"daris-package: {error}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="daris-package", description="Builds and checks DARIS model packages.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_onnx(commands.add_parser("onnx", help="split an ONNX model into stages and write a package"))
    torch = commands.add_parser("torch", help="split and compile a PyTorch module and write a package")
    torch_command.add_options(torch)
    _add_output(torch, _torch)
    _add_sim(
        commands.add_parser("sim", help="write a package of known stage times for engine sim, which computes nothing")
    )
    for name, run, text in (
        ("verify", _verify, "check a package as the runtime does"),
        ("inspect", _inspect, "print what a package holds"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("package", type=Path, metavar="DIR_OR_TAR")
        command.set_defaults(run=run)
        if name == "inspect":
            command.add_argument("--measure", action="store_true", help="also time each stage at batch 1 on one core")
    examples = commands.add_parser("examples", help="build the example models")
    examples.add_argument("--output", type=Path, required=True, metavar="DIR")
    examples.add_argument("--large", action="store_true", help="the large one too, for jobs that go together")
    examples.add_argument("--digests", action="store_true", help="print only `name sha256:…` lines")
    examples.set_defaults(run=_examples)
    return parser


def _add_onnx(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", type=Path, metavar="MODEL.onnx")
    command.add_argument(
        "--split",
        action="append",
        required=True,
        metavar="TENSOR[+TENSOR…][,…]",
        help="where stages end, in the order of computation; '+' joins the tensors that cross one border",
    )
    command.add_argument("--name", help="the model's name (default: from the file name)")
    command.add_argument(
        "--sample", action="append", default=[], metavar="[INPUT=]FILE.npy", help="one batch element of an input"
    )
    _add_batches(command)
    torch_command.add_capacities(command)
    _add_output(command, _onnx)


def _add_sim(command: argparse.ArgumentParser) -> None:
    subject = command.add_mutually_exclusive_group(required=True)
    subject.add_argument("--name", help="the model's name, of a package with nothing else")
    subject.add_argument(
        "--from", type=Path, dest="package", metavar="DIR_OR_TAR", help="add the times to this package"
    )
    command.add_argument(
        "--stages",
        action="append",
        required=True,
        metavar="400us,1.5ms",
        help="mean time of each stage; once for all batch sizes, or once for each in the order of --batches",
    )
    command.add_argument(
        "--deviation",
        type=float,
        default=0,
        metavar="0.05",
        help="standard deviation as a share of the mean (default: 0)",
    )
    command.add_argument("--distribution", choices=DISTRIBUTIONS, default="lognormal", help="default: lognormal")
    command.add_argument("--seed", type=_seed, default=0, metavar="N", help="of the times that are drawn (default: 0)")
    _add_batches(command)
    _add_output(command, _sim)


def _add_batches(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--batches", type=parse_batches, default=(1,), metavar="1,2,4", help="batch sizes (default: 1)"
    )


def _add_output(command: argparse.ArgumentParser, run: Callable[[argparse.Namespace], int]) -> None:
    command.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    command.add_argument("--tar", action="store_true", help="write DIR.tar instead of a folder")
    command.set_defaults(run=run)


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= MAX_SEED):
        raise argparse.ArgumentTypeError(f"'{text}': expected an integer from 0 to {MAX_SEED}")
    return int(text)


def _onnx(options: argparse.Namespace) -> int:
    plan = Plan(
        name=options.name or default_name(options.model),
        borders=parse_borders(options.split),
        batches=joined_batches(options.batches, options.capacities),
        sample_arguments=tuple(options.sample),
    )
    return _write(build(load_model(options.model), plan, report=print), options)


def _torch(options: argparse.Namespace) -> int:
    return _write(torch_command.build_from(options, report=print), options)


def _sim(options: argparse.Namespace) -> int:
    simulation = Simulation(
        means_us=_means_us(options.stages, options.batches),
        spread=Spread(options.deviation, options.distribution, options.seed),
    )
    if options.package is None:
        return _write(simulate(options.name, simulation), options)
    return _write(add_simulation(options.package, simulation), options)


def _means_us(stages: list[str], batches: tuple[int, ...]) -> dict[int, tuple[float, ...]]:
    if len(stages) not in (1, len(batches)):
        raise PackageError(
            f"--stages: given {len(stages)} times for {len(batches)} batch sizes; give it once or for each"
        )
    times = [tuple(parse_duration(word) for word in text.split(",")) for text in stages]
    return dict(zip(batches, times * len(batches) if len(times) == 1 else times, strict=True))


def _write(package: Package, options: argparse.Namespace) -> int:
    if options.tar:
        target = options.output if options.output.suffix == ".tar" else Path(f"{options.output}.tar")
        write_tar(package.files, target)
    else:
        target = options.output
        write_folder(package.files, target)
    print(f"{target}: {package.manifest.name} {package.digest}")
    return 0


def _verify(options: argparse.Namespace) -> int:
    verified = verify(options.package)
    print(f"{options.package}: {verified.manifest.name} {verified.digest}")
    return 0


def _inspect(options: argparse.Namespace) -> int:
    verified = verify(options.package)
    for line in describe_package(verified):
        print(line)
    if options.measure:
        print("time:")
        for stage, microseconds in measure_stages(options.package, verified.manifest, batch=1).items():
            print(f"  {stage}: {microseconds:.0f} us")
    return 0


def _examples(options: argparse.Namespace) -> int:
    chosen = (*EXAMPLES, *LARGE_EXAMPLES) if options.large else EXAMPLES
    for example in build_examples(options.output, chosen):
        print(f"{example.name} {example.digest}" + ("" if options.digests else f" ({example.outcome})"))
    return 0
