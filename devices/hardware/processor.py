"""The processor: how long arithmetic takes, alone or while the wearer uses the device too."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Processor:
    """*gflops*: sustained training speed, giga-operations a second; *in_use_speed*: share of it left while in use."""

    gflops: float
    in_use_speed: float

    def seconds(self, gflop: float, *, in_use: bool) -> float:
        """Return the seconds that *gflop* take."""
        speed = self.gflops * (self.in_use_speed if in_use else 1.0)
        return 0.0 if math.isinf(speed) else gflop / speed

    def gflop(self, seconds: float, *, in_use: bool) -> float:
        """Return the giga-operations done in *seconds*."""
        speed = self.gflops * (self.in_use_speed if in_use else 1.0)
        return seconds * speed if seconds > 0 else 0.0
