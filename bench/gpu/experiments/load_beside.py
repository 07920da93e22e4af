"""A second model is loaded, measured and captured while High tasks of the first run at 60 % of what lanes reach."""

from .bench import run_beds
from .plan import Division, a_class, bare, bed, green, high, load, streams
from .setting import Setting

PERIOD_US = 33_333
LOAD = 0.6
DIVISIONS = (streams(8), green(4, 2, 2))


def one(setting: Setting, division: Division, second: str) -> dict:
    beside = {"package": setting.package(second), "batch": 1, "slots": division.streams * 2}
    served = load(
        [high(timesBare=LOAD, periodUs=PERIOD_US)], setting.seconds(3), name=f"beside {second}", beside=beside
    )
    classes = [a_class(setting.package("resnet18"), 1)]
    return bed(division, classes, [bare(setting.seconds(0.6)), served], name=f"{division.name} {second}")


def run(setting: Setting) -> dict:
    beds = [one(setting, *each) for each in zip(DIVISIONS, ("resnet50", "inceptionv3"), strict=True)]
    return {"load": LOAD, "runs": run_beds(setting, beds)}
