"""Randomness with an address: one stream per fleet seed and purpose, so that a new device changes nobody's life."""

from zlib import crc32

import numpy as np


def stream(seed: int, *purpose: str | int) -> np.random.Generator:
    """Return the generator that belongs to *purpose*, such as ``("wearer-3", "sleep", 12)``.

    Words are hashed with CRC-32, whole numbers (negative ones too) are taken as they are, so the
    same address gives the same numbers on every machine.
    """
    address = [crc32(part.encode()) if isinstance(part, str) else part & 0xFFFFFFFF for part in purpose]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *address])))
