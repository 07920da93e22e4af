"""The one error of this tool: a list of sentences, each telling what is wrong and where."""

from collections.abc import Sequence


class PackageError(Exception):
    """A model or a package that cannot be accepted; `problems` holds one sentence for each fault."""

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(self.problems))
