"""Pieces of the plans that gpu-bench runs."""

from collections.abc import Sequence
from typing import NamedTuple


class Division(NamedTuple):
    """A partitioning: N_c contexts of N_s streams, oversubscription OS."""

    mode: str
    contexts: int
    streams: int
    oversubscription: float = 1

    @property
    def name(self) -> str:
        word = {"Streams": "STR", "GreenContexts": "GC", "MPS": "MPS", "MPSStreams": "MPS+STR"}[self.mode]
        return f"{word} {self.contexts}x{self.streams}_{self.oversubscription:g}"

    @property
    def lanes(self) -> int:
        return self.contexts * self.streams

    def document(self) -> dict:
        return self._asdict()


def streams(lanes: int) -> Division:
    return Division("Streams", 1, lanes)


def green(contexts: int, each: int, oversubscription: float) -> Division:
    return Division("GreenContexts", contexts, each, oversubscription)


def by_mps(contexts: int, each: int, oversubscription: float) -> Division:
    return Division("MPS" if each == 1 else "MPSStreams", contexts, each, oversubscription)


def a_class(package: str, batch: int, slots: int = 2, **more: object) -> dict:
    return {"package": package, "batch": batch, "slotsPerStream": slots, **more}


def bed(division: Division, classes: Sequence[dict], runs: Sequence[dict], name: str | None = None) -> dict:
    return {
        "name": name or division.name,
        "partition": division.document(),
        "classes": list(classes),
        "runs": list(runs),
    }


def bare(seconds: float, name: str = "bare", **more: object) -> dict:
    return {"kind": "bare", "name": name, "seconds": seconds, **more}


def load(groups: Sequence[dict], seconds: float, name: str = "load", **more: object) -> dict:
    return {"kind": "load", "name": name, "seconds": seconds, "groups": list(groups), **more}


def queued(groups: Sequence[dict], seconds: float, name: str, **rule: object) -> dict:
    """The same tasks by a rule of queues alone: FreeLane, or Triton with the names of its model configuration."""
    return {"kind": "queued", "name": name, "seconds": seconds, "groups": list(groups), **({"rule": "FreeLane"} | rule)}


def high(**terms: object) -> dict:
    return {"priority": "High", **terms}


def low(**terms: object) -> dict:
    return {"priority": "Low", **terms}


def one_to_two(total: dict[str, float], period_us: int, class_index: int = 0) -> list[dict]:
    """A load, as `rate` or `timesBare`, by High and Low tasks 1:2, all of one period."""
    ((kind, value),) = total.items()
    terms = {"periodUs": period_us, "class": class_index}
    return [high(**{kind: value / 3}, **terms), low(**{kind: value * 2 / 3}, **terms)]
