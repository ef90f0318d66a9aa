"""The machine's own selector, for event loops that only wait differently."""

import selectors
from collections.abc import Mapping
from typing import Any


class RealSelector(selectors.BaseSelector):
    """Hands everything to the machine's selector, *real*; a clock of its own overrides ``select``."""

    def __init__(self) -> None:
        self.real = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait up to *timeout* seconds of the wall."""
        return self.real.select(timeout)

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Watch *fileobj*."""
        return self.real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """Watch *fileobj* no more."""
        return self.real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Watch *fileobj* for other *events*."""
        return self.real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """Return what is watched."""
        return self.real.get_map()

    def close(self) -> None:
        """Watch nothing any more."""
        self.real.close()
