"""The chips: how long the classes of phones take for the same fit, as their profiles have it."""

from devices.kinds import kind_named

GFLOP = 1_270.0
"""Ten minutes of a middle phone."""


def chips() -> dict[str, float]:
    """Return how long the classes take in terms of one another, when nobody uses the phone."""
    low_s, middle_s, high_s = (kind_named(kind).processor.seconds(GFLOP, in_use=False) for kind in CLASSES)
    return {"fit_low": low_s / middle_s, "fit_high": middle_s / high_s}


CLASSES = ("phone-low", "phone", "phone-high")
