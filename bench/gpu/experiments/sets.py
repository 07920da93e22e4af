"""The paper's task sets as batch jobs: High and Low tasks 1:2, Table II's load against this GPU's own pure batching."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from .bench import median_rate, run_beds
from .plan import Division, a_class, bare, bed, by_mps, green, load, one_to_two, streams
from .setting import Setting

ROUNDS = 3
LANES = (2, 4, 6, 8, 10)
SWEEP_S = 0.8
FINAL_S = 10
MOST_FINALS = 3  # what kept its bounds in a short run may not in a long one
MOST_LOW_MISSES = 0.02


class Set(NamedTuple):
    """`batch` is a job's; `roof` are the batches of pure batching; `load` is Table II's factor."""

    model: str
    batch: int
    roof: tuple[int, ...]
    load: float
    period_us: int


# Table II has no set of ResNet50: about 150 %, at ResNet18's rate.
SETS = {
    each.model: each
    for each in (
        Set("resnet18", 32, (32, 128, 256), 1.49, 33_333),
        Set("unet", 8, (8, 32, 64), 1.38, 41_667),
        Set("inceptionv3", 32, (32, 128, 256), 1.45, 41_667),
        Set("resnet50", 32, (32, 128, 256), 1.5, 33_333),
    )
}


def divisions(mps: bool) -> list[Division]:
    """N_p of 2 to 10; the likeliest first, since a short time ends the sweep."""
    alone = [streams(lanes) for lanes in LANES]
    kinds = (green, by_mps) if mps else (green,)
    return sorted(
        alone + [each for kind in kinds for each in divided(kind)],
        key=lambda each: (-each.oversubscription / each.contexts, each.lanes),
    )


def divided(kind: Callable[[int, int, float], Division]) -> list[Division]:
    """Into halves, into single streams, and between."""
    halves = [kind(2, lanes // 2, over) for lanes in LANES for over in (2, 1.5, 1)]
    singles = [kind(lanes, 1, over) for lanes in LANES[1:] for over in (lanes, 2, 1.5, 1)]
    between = [kind(contexts, 2, over) for contexts in (3, 4, 5) for over in (contexts, 2)]
    return halves + singles + between


def pure_batching(setting: Setting, wanted: Set, batches: tuple[int, ...], rounds: int) -> list[dict]:
    package = setting.package(f"{wanted.model}-whole")
    runs = [bare(setting.seconds(0.6))] * rounds
    beds = [bed(streams(1), [a_class(package, batch, 1)], runs, name=f"pure {batch}") for batch in batches]
    return run_beds(setting, beds)


def task_set(setting: Setting, wanted: Set, rate: float, division: Division, seconds: float) -> dict:
    """`rate` is the whole load in jobs a second; short runs are under Predicted alone."""
    groups = one_to_two({"rate": rate}, wanted.period_us)
    admissions = ("Predicted",) if seconds == SWEEP_S else ("Predicted", "Utilization")
    runs = [load(groups, setting.seconds(seconds), name=each, admission=each) for each in admissions]
    return bed(division, [a_class(setting.package(wanted.model), wanted.batch)], runs)


def qualifies(window: dict) -> bool:
    """No High job late or left out, few Low ones."""
    high, low = window["high"], window["low"]
    return high["missed"] + high["skipped"] + high["failed"] == 0 and low["missRate"] < MOST_LOW_MISSES


def best(lines: list[dict]) -> list[dict]:
    """Runs that were served, those within the bounds first, then by throughput."""
    served = [line for line in lines if "figures" in line]
    return sorted(served, key=lambda line: _rank(line["figures"]["windows"][0]), reverse=True)


def _rank(window: dict) -> tuple[bool, float]:
    return qualifies(window), window["elementsPerS"]


def division_of(line: dict) -> Division:
    partition = line["partition"]
    keys = ("mode", "contexts", "streamsPerContext", "oversubscription")
    return Division(*(partition[key] for key in keys))


def run_set(setting: Setting, wanted: Set) -> dict:
    """Pure batching, a sweep under Predicted, the best of it for longer under both tests, pure batching again."""
    before = pure_batching(setting, wanted, wanted.roof, ROUNDS)
    own = median_rate(before, f"pure {wanted.batch}", "bare")
    if own is None:
        raise RuntimeError(f"{wanted.model}: pure batching was not measured")
    rate = own * wanted.load
    reserve = 2 * setting.seconds(FINAL_S) + 12  # for what is run after the sweep
    sweeping = replace(setting, deadline=setting.deadline - reserve)
    beds = [task_set(setting, wanted, rate, each, SWEEP_S) for each in divisions(setting.mps)]
    sweep = run_beds(sweeping, beds)
    longer: list[dict] = []
    for line in best(sweep)[:MOST_FINALS]:
        longer += run_beds(setting, [task_set(setting, wanted, rate, division_of(line), FINAL_S)])
        if any(qualifies(each["figures"]["windows"][0]) for each in best(longer)):
            break
    after = pure_batching(setting, wanted, (wanted.batch,), ROUNDS)
    return {
        "set": {**wanted._asdict(), "ratePerS": rate},
        "pureBatching": before + after,
        "sweep": sweep,
        "best": longer,
    }


def run(setting: Setting, models: tuple[str, ...] = tuple(SETS)) -> dict:
    sets = {}
    for index, model in enumerate(models):
        share = setting.left() / (len(models) - index)
        print(f"{model}: {share:.0f} s", flush=True)
        sets[model] = run_set(replace(setting, deadline=time.monotonic() + share), SETS[model])
    return {"sets": sets}
