"""Where Mosquitto's program is, if it is installed."""

import os
import shutil

PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")
"""Where packages put Mosquitto: often not on a user's PATH."""


def find_mosquitto() -> str | None:
    """Return Mosquitto's program, from PATH or from where packages put it; None if it is not installed."""
    return shutil.which("mosquitto", path=os.pathsep.join((os.environ.get("PATH", os.defpath), *PLACES)))
