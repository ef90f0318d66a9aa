"""Versions: of Fleetbeat, and of what its results depend on."""

from importlib.metadata import PackageNotFoundError, version
from platform import python_version

PACKAGES = ("fleetbeat", "flwr", "scikit-learn", "numpy", "paho-mqtt")


def versions() -> dict[str, str]:
    """Return those of `PACKAGES` that are installed; Fleetbeat is not where it runs from its source."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def in_words() -> str:
    """Return all of them in one line."""
    found = versions()
    own = found.pop("fleetbeat", "(from its source, not installed)")
    others = ", ".join(f"{name} {number}" for name, number in found.items())
    return f"fleetbeat {own} with {others}, Python {python_version()}"
