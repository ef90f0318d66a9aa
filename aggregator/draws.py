"""Draws from global generators: strategies sample, and add noise, with them; so do clients of somebody's own."""

import random
import sys
from zlib import crc32

import numpy as np


class Draws:
    """Seeds the global generators anew at each question: nobody else's draws change anything."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._questions = 0

    def reseed(self) -> None:
        """Seed them for the next question of this run."""
        self._questions += 1
        seed_global_generators(self._seed, crc32(b"server"), self._questions)


def seed_global_generators(*entropy: int) -> None:
    """Seed Python's and numpy's global generators, and PyTorch's where somebody has imported it."""
    first, second = np.random.SeedSequence(entropy).generate_state(2).tolist()
    random.seed(first)
    np.random.seed(second)  # noqa: NPY002  # Flower's strategies draw from it
    if (torch := sys.modules.get("torch")) is not None and hasattr(torch, "manual_seed"):
        torch.manual_seed(first)
