"""The server's draws: strategies sample, and add noise, from Python's and numpy's global generators."""

import random
from zlib import crc32

import numpy as np


class Draws:
    """Seeds the global generators anew at each question: nobody else's draws change anything."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._questions = 0

    def reseed(self) -> None:
        """Seed both for the next question of this run."""
        self._questions += 1
        entropy = [self._seed, crc32(b"server"), self._questions]
        first, second = np.random.SeedSequence(entropy).generate_state(2).tolist()
        random.seed(first)
        np.random.seed(second)  # noqa: NPY002  # Flower's strategies draw from it
