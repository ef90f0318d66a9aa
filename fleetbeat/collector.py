"""Python's collector of rings of objects: lives make hardly any, and most of what they make stays."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = 50_000
"""So many new objects are worth a look for rings of them."""


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """Look for rings seldom within the block."""
    often = gc.get_threshold()
    gc.set_threshold(SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*often)


@contextmanager
def here_to_stay() -> Iterator[None]:
    """Look through nothing that is there already within the block: what was built stays to its end."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
