"""The commands. Each imports what it needs when it runs, so that ``--help`` answers at once."""

from fleetbeat.cli import runs, studies, looks, files, containers  # noqa: I001  # in this order --help lists what they add
from fleetbeat.cli.app import app

__all__ = ["app", "containers", "files", "looks", "runs", "studies"]
