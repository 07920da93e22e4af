"""Lets `python -m daris_package` run the command without installing it."""

import sys

from daris_package.cli import main

sys.exit(main())
