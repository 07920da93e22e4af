"""Many tasks of one model at shares of what the GPU can do with it: joined under the scheduler, by a rule without
admission, by Triton's rule, and in processes under MPS; beside a task of another model, with inputs from the host, and
four models at once. The most important first, since a short time ends the rest."""

from collections.abc import Sequence
from typing import NamedTuple

from . import mps
from .bench import RESIDENT, Kind, median_rate, run_beds
from .packages import CAPACITIES, JOINED
from .peers import Sharing, compiled_rows
from .plan import Division, a_class, bare, bed, green, high, load, one_to_two, queued, streams
from .sets import SETS, division_of, pure_batching, qualifies
from .setting import Setting

PERIOD_US = 33_333
ROUNDS = 2  # of pure batching
WINDOW_S = 3
TRIAL_S = 1
TRITON_S = 1.5
WARM_UP_S = 0.5  # thousands of tasks are added meanwhile

OFFERED = (0.8, 0.95, 1.5, 0.3)
BESIDE = 0.8
COPIED = 0.8
TRITON = (0.8, 0.95)
MIXED = 0.2
DELAYS_US = (0, 500, 1000, 2000, 5000)
PROCESSES = 12

DIVISIONS = (streams(2), streams(3), green(2, 1, 2))
FREE_LANES = streams(2)
FROM_HOST = Kind(copies=True, pinned_gib=2)


class Joined(NamedTuple):
    """`quick` is the model of the task that is released a thousand times a second."""

    model: str
    quick: str


MODELS = (Joined("resnet18", "squeezenet"), Joined("resnet50", "resnet18"))
MIX = ("resnet18", "resnet50", "inceptionv3", "unet")


def joined_class(setting: Setting, model: str) -> dict:
    return a_class(setting.package(f"{model}-joined"), 1, 1, capacities=list(JOINED[model]))


def tasks(rate: float, class_index: int = 0) -> list[dict]:
    return one_to_two({"rate": rate}, PERIOD_US, class_index)


def joined(setting: Setting, groups: Sequence[dict], seconds: float, name: str) -> dict:
    return load(groups, setting.seconds(seconds), name=name, joining=True, warmUpSeconds=setting.seconds(WARM_UP_S))


def free(setting: Setting, groups: Sequence[dict], seconds: float, name: str, **rule: object) -> dict:
    return queued(groups, setting.seconds(seconds), name, warmUpSeconds=setting.seconds(WARM_UP_S), **rule)


def find_roof(setting: Setting, model: str) -> tuple[list[dict], float | None]:
    """Pure batching, one stream, and the fastest of its batches; None where it was not run."""
    lines = pure_batching(setting, SETS[model], SETS[model].roof, ROUNDS)
    rates = [median_rate(lines, f"pure {batch}", "bare", "elementsPerS") for batch in SETS[model].roof]
    return lines, max((rate for rate in rates if rate is not None), default=None)


# ---- One model ----


def try_divisions(setting: Setting, model: str, roof: float) -> list[dict]:
    runs = [joined(setting, tasks(roof * share), TRIAL_S, f"{share}") for share in (0.8, 1.5)]
    beds = [bed(each, [joined_class(setting, model)], runs, name=f"trial {each.name}") for each in DIVISIONS]
    return run_beds(setting, beds)


def best_division(tried: Sequence[dict]) -> Division:
    """By High jobs in time at 0.8, then by the rate at 1.5 in steps of a twentieth, then by High p99 at 0.8."""

    def rank(line: dict) -> tuple[bool, int, float]:
        window = line["figures"]["windows"][0]
        over = [
            each["figures"]["windows"][0]["jobsPerS"]
            for each in tried
            if each.get("run") == "1.5" and each["bed"] == line["bed"]
        ]
        step = window["jobsPerS"] / 20 or 1
        return (
            qualifies(window),
            round(max(over, default=0) / step),
            -(window["high"]["responseUs"] or {"p99": 0})["p99"],
        )

    served = [line for line in tried if line.get("run") == "0.8" and "figures" in line]
    return division_of(max(served, key=rank)) if served else FREE_LANES


def with_quick(roof: float) -> list[dict]:
    quick = high(tasks=1, periodUs=1000, **{"class": 1})
    return [*tasks(roof * BESIDE), quick]


def triton(setting: Setting, roof: float) -> list[dict]:
    """The largest batch preferred, as it is where the configuration names none; an instance is a free lane."""
    terms = {"rule": "Triton", "maxBatchSize": CAPACITIES[-1]}
    return [
        free(setting, tasks(roof * share), TRITON_S, f"{share} {delay}", maxQueueDelayUs=delay, **terms)
        for share in TRITON
        for delay in DELAYS_US
    ]


def rows(setting: Setting, each: Joined, roof: float, division: Division) -> list[dict]:
    """Both at every load; a bed of its own for the task of another model, whose slots the others need not have."""
    classes = [joined_class(setting, each.model)]
    beside = [*classes, a_class(setting.package(f"{each.quick}-whole"), 1, 1)]
    largest = bare(setting.seconds(0.6), capacity=CAPACITIES[-1])
    kinds = (("joined", division, joined, []), ("free lanes", FREE_LANES, free, triton(setting, roof)))
    beds = [
        bed(
            where, classes, [*(kind(setting, tasks(roof * s), WINDOW_S, f"{s}") for s in OFFERED), *more, largest], name
        )
        for name, where, kind, more in kinds
    ]
    beds += [
        bed(where, beside, [kind(setting, with_quick(roof), WINDOW_S, "beside")], f"{name} beside")
        for name, where, kind, _ in kinds
    ]
    return run_beds(setting, beds)


def from_host(setting: Setting, each: Joined, roof: float, division: Division) -> list[dict]:
    classes = [joined_class(setting, each.model)]
    groups = tasks(roof * COPIED)
    beds = [
        bed(division, classes, [joined(setting, groups, WINDOW_S, f"{COPIED}")], name="joined copied"),
        bed(FREE_LANES, classes, [free(setting, groups, WINDOW_S, f"{COPIED}")], name="free lanes copied"),
    ]
    return run_beds(setting, beds, FROM_HOST)


def processes(setting: Setting, model: str) -> list[dict]:
    if not mps.available():
        return [{"sharing": "mps", "error": f"no {mps.CONTROL} on this machine"}]
    with mps.daemon() as environment:
        return compiled_rows(setting, Sharing("mps", environment), PROCESSES, (RESIDENT,), f"{model}-joined")


# ---- Several models ----


def mixed(setting: Setting, roofs: dict[str, float]) -> list[dict]:
    classes = [joined_class(setting, model) for model in MIX]
    groups = [group for index, model in enumerate(MIX) for group in tasks(roofs[model] * MIXED, index)]
    beds = [
        bed(FREE_LANES, classes, [joined(setting, groups, WINDOW_S, "mixed")], name="joined mixed"),
        bed(FREE_LANES, classes, [free(setting, groups, WINDOW_S, "mixed")], name="free lanes mixed"),
    ]
    return run_beds(setting, beds)


def run(setting: Setting) -> dict:
    found: dict[str, dict] = {each.model: {"quick": each.quick} for each in MODELS}
    roofs: dict[str, float] = {}
    divisions: dict[str, Division] = {}

    def measure_roof(model: str) -> None:
        lines, roof = find_roof(setting, model)
        found.setdefault(model, {}).update(pureBatching=lines, roofPerS=roof)
        if roof is not None:
            roofs[model] = roof

    for each in MODELS:
        measure_roof(each.model)
        if each.model not in roofs:
            continue
        tried = try_divisions(setting, each.model, roofs[each.model])
        divisions[each.model] = best_division(tried)
        found[each.model].update(tried=tried, rows=rows(setting, each, roofs[each.model], divisions[each.model]))
    there = [each for each in MODELS if each.model in roofs]
    for each in there:
        found[each.model]["copied"] = from_host(setting, each, roofs[each.model], divisions[each.model])
    for each in there:
        found[each.model]["processes"] = processes(setting, each.model)
    for model in MIX:
        if model not in roofs:
            measure_roof(model)
    together = mixed(setting, roofs) if len(roofs) == len(MIX) else []
    return {"models": found, "mixed": together}
