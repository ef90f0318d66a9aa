"""The mailbag of a lasting client: letters that wait, letters under way, and those acknowledged a moment ago.

An acknowledgement says that the broker has a letter, not that its readers have it: a broker that is killed takes
with it what it had not handed over yet, and its readers come back a little later than we do. So what was
acknowledged shortly before a loss, and until the readers must be back, is told once more; readers know it by its
number.
"""

import threading
from collections import deque
from dataclasses import dataclass

LIMIT = 100_000
"""Letters that may wait, some 30 MB of events: then the oldest is dropped, and counted."""

DOUBTFUL_S = 10.0
"""So many wall seconds before a loss an acknowledgement is not to be trusted: far more than a delivery takes."""

_LATELY_LIMIT = 20_000


@dataclass(slots=True, eq=False)
class Letter:
    """One message on its way, until the broker has it."""

    topic: str
    payload: bytes
    retain: bool
    acknowledged: bool = False


class Mailbag:
    """`put` and `open` may be used from any thread, the rest belongs to the client's. Moments are wall seconds."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.open = 0
        """Letters that the broker has not acknowledged, nor denied, yet."""
        self.dropped = 0
        self.denied = 0
        self._limit = limit
        self._door = threading.Lock()
        self._waiting: deque[Letter] = deque()
        self._under_way: dict[int, Letter] = {}
        self._lately: deque[tuple[float, Letter]] = deque(maxlen=_LATELY_LIMIT)
        self._doubtful_since_s: float | None = None
        self._stored: dict[str, Letter] = {}

    @property
    def empty(self) -> bool:
        """Whether nothing waits nor is under way."""
        return not (self._waiting or self._under_way)

    @property
    def under_way(self) -> int:
        """Letters that the broker was given and has not answered."""
        return len(self._under_way)

    @property
    def in_doubt(self) -> bool:
        """Whether something that was acknowledged must be told once more."""
        return self._doubtful_since_s is not None

    def put(self, letter: Letter) -> None:
        """Take a letter in; if too many wait, the oldest goes."""
        with self._door:
            self._waiting.append(letter)
            self.open += 1
            if letter.retain:
                self._stored[letter.topic] = letter
            if len(self._waiting) > self._limit:
                oldest = self._waiting.popleft()
                self.open -= not oldest.acknowledged
                self.dropped += 1

    def next(self) -> Letter | None:
        """Take out the letter that is due, if there is one."""
        with self._door:
            return self._waiting.popleft() if self._waiting else None

    def back(self, letter: Letter) -> None:
        """Put a letter that could not be sent where it was."""
        with self._door:
            self._waiting.appendleft(letter)

    def sent(self, mid: int, letter: Letter) -> None:
        """Note that a letter is under way as number *mid*."""
        self._under_way[mid] = letter

    def answered(self, mid: int, now_s: float, *, denied: bool) -> Letter | None:
        """Note the broker's answer; return the letter if there is one of that number."""
        letter = self._under_way.pop(mid, None)
        if letter is None:
            return None
        with self._door:
            self.open -= not letter.acknowledged
            self.denied += denied
        letter.acknowledged = True
        if not denied and not letter.retain:
            self._lately.append((now_s, letter))
            since_s = now_s - DOUBTFUL_S if self._doubtful_since_s is None else self._doubtful_since_s
            while self._lately and self._lately[0][0] < since_s:
                self._lately.popleft()
        return letter

    def lost(self, now_s: float) -> None:
        """Note that the connection ended: what was under way waits again, before all else, in its order."""
        with self._door:
            self._waiting.extendleft(reversed(self._under_way.values()))
            self._under_way.clear()
        if self._doubtful_since_s is None:
            self._doubtful_since_s = now_s - DOUBTFUL_S

    def store_again(self) -> None:
        """The broker may have forgotten what it had stored: it is told first of all."""
        with self._door:
            self._waiting.extendleft(letter for letter in self._stored.values() if letter.acknowledged)

    def tell_again(self) -> None:
        """Put in once more what was acknowledged shortly before the last loss or since."""
        since_s, self._doubtful_since_s = self._doubtful_since_s, None
        if since_s is not None:
            again = [letter for when_s, letter in self._lately if when_s >= since_s]
            self._lately.clear()
            with self._door:
                self._waiting.extend(again)
