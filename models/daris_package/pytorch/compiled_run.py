"""Runs compiled stages in a process of its own, so that code that crashes ends that process and not the tool.

The process has the system's libstdc++ before all other libraries, as a C++ program has. In a plain Python process a
compiled stage may find parts of it in torch's libraries instead, and crash.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

import daris_package
from daris_package.errors import PackageError
from daris_package.manifest import Stage
from daris_package.pytorch.compiler import use_tf32
from daris_package.pytorch.difference import Compute, Tensors, run_stages
from daris_package.pytorch.shared_weights import KEY, indexed

_LIMIT_S = 900
_PRELOADED = "libstdc++.so.6"


@dataclass(frozen=True, slots=True)
class CompiledStage:
    """A `.pt2` file's content, and that of the weights that it shares with other batch sizes."""

    pt2: bytes
    weights: bytes


def run_compiled(stages: Sequence[Stage], compiled: Sequence[CompiledStage], inputs: Tensors, tf32: bool) -> Tensors:
    """Every tensor that enters, crosses or leaves, on the inputs' device; raises PackageError where a stage fails."""
    with tempfile.TemporaryDirectory(prefix="daris-package-") as name:
        folder = Path(name)
        request, answer = folder / "request", folder / "answer"
        work = {
            "stages": [(stage.name, stage.inputs, stage.outputs) for stage in stages],
            "files": [_written(folder, stage, part) for stage, part in zip(stages, compiled, strict=True)],
            "inputs": inputs,
            "tf32": tf32,
        }
        torch.save(work, request)
        _run_apart(request, answer)
        return torch.load(answer)


def _written(folder: Path, stage: Stage, part: CompiledStage) -> tuple[str, str]:
    pt2, weights = folder / f"{stage.name}.pt2", folder / f"{stage.name}.bin"
    pt2.write_bytes(part.pt2)
    weights.write_bytes(part.weights)
    return str(pt2), str(weights)


def _run_apart(request: Path, answer: Path) -> None:
    command = [sys.executable, "-m", __name__, str(request), str(answer)]
    try:
        ended = subprocess.run(
            command, env=_environment(), capture_output=True, text=True, timeout=_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise PackageError(f"the compiled stages did not come to an end within {_LIMIT_S} s") from error
    if ended.returncode == 0:
        return
    said = (ended.stderr.strip().splitlines() or ["nothing"])[-1][:300]
    how = f"crash ({signal.Signals(-ended.returncode).name})" if ended.returncode < 0 else "fail"
    raise PackageError(f"the compiled stages {how} when they are run; the last words were: {said}")


def load_compiled(pt2: Path, weights: bytes, device: str) -> Compute:
    """A compiled stage with its weights, ready to be called."""
    loader = torch._C._aoti.AOTIModelPackageLoader(str(pt2), "model", False, 1, -1)
    values = indexed(loader.get_metadata()[KEY], weights, device)
    # Copied into the loader (the last argument): Python has nothing that would keep them as long as it lives.
    loader.load_constants({name: values[name] for name in loader.get_constant_fqns()}, False, True, False)
    return lambda *inputs: loader.run(list(inputs))


def _environment() -> dict[str, str]:
    own = str(Path(daris_package.__file__).parents[1])
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, (own, os.environ.get("PYTHONPATH")))),
        "LD_PRELOAD": ":".join(filter(None, (_PRELOADED, os.environ.get("LD_PRELOAD")))),
    }


def main(request: str, answer: str) -> int:
    """The process: reads what to run and writes what came of it; the last line of stderr tells how far it is."""
    try:
        _run(request, answer)
    except Exception as error:  # compiled code may raise anything
        print(str(error).strip().partition("\n")[0], file=sys.stderr)
        return 1
    return 0


def _run(request: str, answer: str) -> None:
    work = torch.load(request)
    use_tf32(work["tf32"])
    stages = [Stage(*stage) for stage in work["stages"]]
    compiled = []
    device = next(iter(work["inputs"].values())).device
    for stage, (pt2, weights) in zip(stages, work["files"], strict=True):
        print(f"loading {stage.name}", file=sys.stderr, flush=True)
        compiled.append(load_compiled(Path(pt2), Path(weights).read_bytes(), str(device)))
    print("running the stages", file=sys.stderr, flush=True)
    torch.save(run_stages(stages, compiled, work["inputs"]), answer)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
