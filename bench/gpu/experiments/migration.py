"""What moving costs: Low tasks whose context is booked out move at their first release and stay from then on. All jobs
run alone, so that their response times differ by the move or not at all."""

from .bench import run_beds
from .plan import a_class, bed, green, high, load, low
from .setting import Setting

ROUNDS = 3
TASKS = 200
PERIOD_US = 1_000_000
BOOKED_US = 60_000_000
DIVISION = green(2, 1, 1.5)


def run(setting: Setting) -> dict:
    tasks = low(tasks=TASKS, periodUs=PERIOD_US, context=0)
    # One High task books all of context 0, and is not released while the run lasts.
    booked = high(tasks=1, periodUs=BOOKED_US, bookedUs=BOOKED_US, asleep=True, context=0)
    terms = {"admission": "Utilization", "warmUpSeconds": 0}
    moved = load([booked, tasks], setting.seconds(2.5), name="moved", **terms)
    stayed = load([tasks], setting.seconds(2.5), name="stayed", **terms)
    classes = [a_class(setting.package("resnet18"), 1)]
    return {"tasks": TASKS, "runs": run_beds(setting, [bed(DIVISION, classes, [stayed, moved] * ROUNDS)])}
