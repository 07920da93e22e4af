"""What the scheduler costs: saturated, against a bare loop over the same graphs; and what a stage boundary costs."""

from .bench import COPIED, FINE, run_beds
from .plan import Division, a_class, bare, bed, green, high, load, streams
from .setting import Setting

ROUNDS = 3
WINDOW_S = 0.6
TASKS_A_STREAM = 4
OFFERED = 2  # times what the bare loop reaches

DIVISIONS = (streams(8), Division("Streams", 8, 1), green(4, 2, 2), green(4, 2, 1), streams(1))
BOUNDARY = streams(1)


def saturated(setting: Setting, division: Division, package: str) -> dict:
    """High tasks alone, which are never refused: what is not done is skipped."""
    groups = [high(tasks=division.lanes * TASKS_A_STREAM, timesBare=OFFERED)]
    turns = [bare(setting.seconds(WINDOW_S)), load(groups, setting.seconds(WINDOW_S))]
    return bed(division, [a_class(setting.package(package), 1)], turns * ROUNDS)


def boundary(setting: Setting, package: str) -> dict:
    return bed(BOUNDARY, [a_class(setting.package(package), 1)], [bare(setting.seconds(1))] * ROUNDS, name=package)


def run(setting: Setting) -> dict:
    beds = [saturated(setting, division, "resnet18") for division in DIVISIONS]
    with_copies = [saturated(setting, division, "resnet18") for division in (streams(8), green(4, 2, 2))]
    return {
        "stageBoundary": run_beds(setting, [boundary(setting, "resnet18-whole"), boundary(setting, "resnet18")]),
        "resident": run_beds(setting, beds),
        "fine": run_beds(setting, [saturated(setting, green(8, 1, 1), "resnet18")], FINE),
        "copied": run_beds(setting, with_copies, COPIED),
    }
