"""A module on its way into a package: what is asked for, and its stages at each batch size."""

from collections.abc import Mapping
from dataclasses import dataclass

from daris_package.pytorch.difference import Whole
from daris_package.pytorch.plan import TorchPlan
from daris_package.pytorch.stages import StagedModule


@dataclass(frozen=True, slots=True)
class Work:
    """A plan with its module and the stages at each batch size. All batches have the same stages and tensors."""

    plan: TorchPlan
    arch: str
    whole: Whole
    staged: Mapping[int, StagedModule]

    @property
    def any_staged(self) -> StagedModule:
        return next(iter(self.staged.values()))
