"""The paper's sets as batch-1 jobs, scaled to what a bare loop over the same graphs reaches on eight lanes."""

import time
from dataclasses import replace

from .bench import median_rate, run_beds
from .plan import Division, a_class, bare, bed, by_mps, green, load, one_to_two, streams
from .sets import SETS, Set
from .setting import Setting

ROUNDS = 3
SWEEP_S = 0.8
MODELS = ("resnet18", "inceptionv3", "unet")
SCALE_LANES = 8


def divisions(mps: bool) -> list[Division]:
    """Policies STR, one stream a context, and both; OS of 1, 1.5, 2 and N_c."""
    alone = [streams(lanes) for lanes in (8, 6, 10)]
    cut = [(contexts, each) for contexts, each in ((4, 2), (8, 1), (2, 4), (6, 1))]
    kinds = (green, by_mps) if mps else (green,)
    return alone + [kind(*shape, over) for kind in kinds for shape in cut for over in sorted({1, 1.5, 2, shape[0]})]


def one(setting: Setting, wanted: Set, division: Division, rate: float) -> dict:
    groups = one_to_two({"rate": rate}, wanted.period_us)
    runs = [
        bare(setting.seconds(0.6)),
        *(load(groups, setting.seconds(SWEEP_S), name=each, admission=each) for each in ("Predicted", "Utilization")),
    ]
    return bed(division, [a_class(setting.package(wanted.model), 1)], runs)


def run_model(setting: Setting, wanted: Set) -> dict:
    package = a_class(setting.package(wanted.model), 1)
    scale = run_beds(
        setting, [bed(streams(SCALE_LANES), [package], [bare(setting.seconds(0.6))] * ROUNDS, name="scale")]
    )
    capacity = median_rate(scale, "scale", "bare")
    if capacity is None:
        raise RuntimeError(f"{wanted.model}: the bare loop was not measured")
    rate = capacity * wanted.load
    beds = [one(setting, wanted, division, rate) for division in divisions(setting.mps)]
    return {
        "set": {**wanted._asdict(), "batch": 1, "ratePerS": rate},
        "capacity": scale,
        "sweep": run_beds(setting, beds),
    }


def run(setting: Setting, models: tuple[str, ...] = MODELS) -> dict:
    sets = {}
    for index, model in enumerate(models):
        share = setting.left() / (len(models) - index)
        print(f"{model}: {share:.0f} s", flush=True)
        sets[model] = run_model(replace(setting, deadline=time.monotonic() + share), SETS[model])
    return {"sets": sets}
