"""The large example: fixed bytes, as its manifest in examples/ names them, and stages of about the same work."""

import re
from pathlib import Path

from daris_package.build import Plan, build
from daris_package.examples.models import LARGE_EXAMPLES

ROOT = Path(__file__).parents[2]


def test_the_digest_is_the_one_that_its_manifest_names():
    """Of all its batch sizes: about ten seconds, nothing is written."""
    (example,) = LARGE_EXAMPLES
    plan = Plan(example.name, example.borders, example.batches)
    package = build(example.make(example.name), plan, report=lambda _: None)
    manifest = (ROOT / "examples" / "joining" / "model.yaml").read_text()
    assert package.digest == re.search(r"digest: (sha256:\S+)", manifest)[1]
    sizes = [len(content) for name, content in package.files.items() if "batch-1/" in name]
    assert len(sizes) == 3
    assert max(sizes) < 1.25 * min(sizes)
