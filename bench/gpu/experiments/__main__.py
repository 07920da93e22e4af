"""One experiment: `python3 -m experiments NAME --bundle DIR --out DIR`. See bench/gpu/run.sh."""

import argparse
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from . import identity, joining, load_beside, migration, overhead, packages, peers, sets, soak, unbatched
from .setting import Setting, from_arguments, write_result

EXPERIMENTS: dict[str, Callable[[Setting], dict]] = {
    "packages": packages.run,
    "joined-packages": packages.run_joined,
    "overhead": overhead.run,
    "peers": peers.run,
    "migration": migration.run,
    "identity": identity.run,
    "load-beside": load_beside.run,
    "unbatched": unbatched.run,
    "soak": soak.run,
    "joining": joining.run,
    **{f"sets-{model}": lambda setting, model=model: sets.run(setting, (model,)) for model in sets.SETS},
    **{
        f"unbatched-{model}": lambda setting, model=model: unbatched.run(setting, (model,))
        for model in unbatched.MODELS
    },
}


def options_of(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="experiments", description=__doc__)
    parser.add_argument("experiment", choices=EXPERIMENTS)
    parser.add_argument("--bundle", type=Path, required=True, help="the folder that hack/gpu-bundle.sh made")
    parser.add_argument("--packages", type=Path, default=Path("/tmp/daris-packages"))
    parser.add_argument("--out", type=Path, required=True, help="where the result goes")
    parser.add_argument("--engine", choices=("torch", "sim"), default="torch")
    parser.add_argument("--core", type=int, default=4, help="of whoever dispatches")
    parser.add_argument("--scale", type=float, default=1, help="shortens or lengthens every window")
    parser.add_argument("--mps", action="store_true", help="also divides by MPS and MPSStreams in task sets")
    parser.add_argument("--limit", type=float, default=480, help="seconds for all of it")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    options = options_of(arguments)
    setting = from_arguments(options)
    setting.out.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    print(f"{options.experiment}:", flush=True)
    try:
        figures = EXPERIMENTS[options.experiment](setting)
    except Exception:  # the next experiment is still to be run, and what went wrong is to be read
        traceback.print_exc()
        return 1
    write_result(setting, options.experiment, figures, time.monotonic() - begun)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
