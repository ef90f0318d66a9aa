"""Which Flower this package speaks to: looked at before anything of Flower's inside is imported."""

from importlib.metadata import version

TESTED_WITH = "1.41."
if not version("flwr").startswith(TESTED_WITH):
    raise ImportError(f"flwr {version('flwr')} is installed, but fleetbeat needs flwr=={TESTED_WITH}*")
