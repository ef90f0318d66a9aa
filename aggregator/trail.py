"""One selected device in one phase of one round: what became of the server's task."""

import re
from dataclasses import dataclass

from broker.events import WorkSettled

_CLASS = re.compile(r"<class '(?:\w+\.)*(\w+)'>")
"""How an error of a stock SuperNode begins when its ClientApp raised an exception."""


@dataclass(slots=True)
class Trail:
    """What is known of one device-round so far. Moments are seconds of life, energies joules."""

    round: int
    phase: str
    device: str
    t_selected_s: float

    outcome: str = ""
    reason: str = ""
    t_end_s: float = 0.0
    battery: float = 0.0
    link: str = ""

    fetched_s: float | None = None
    started_s: float | None = None
    uploading_s: float | None = None
    link_broke_at: str | None = None

    examples: int | None = None
    examples_fresh: int | None = None
    loss: float | None = None
    accuracy: float | None = None
    compute_s: float = 0.0
    transfer_s: float = 0.0
    energy_j: float = 0.0
    bytes_down: int = 0
    bytes_up: int = 0

    def settle(self, outcome: str, reason: str, now_s: float, battery: float, link: str) -> None:
        """Write down how it ended, and how the device stood at that moment."""
        self.outcome, self.reason, self.t_end_s = outcome, reason, now_s
        self.battery, self.link = battery, link

    def fetched(self, now_s: float) -> None:
        """The device has the task."""
        self.fetched_s = now_s

    def started(self, now_s: float, examples: int, examples_fresh: int) -> None:
        """The processor works on it."""
        self.started_s, self.examples, self.examples_fresh = now_s, examples, examples_fresh

    def finished(self, loss: float, accuracy: float) -> None:
        """The fit (or the evaluation) is done."""
        self.loss, self.accuracy = loss, accuracy

    def uploading(self, now_s: float) -> None:
        """The reply is on its way; a second try after a broken link does not count anew."""
        if self.uploading_s is None:
            self.uploading_s = now_s

    def pay(self, bill: WorkSettled) -> None:
        """Add what the device says the work cost."""
        self.compute_s += bill.compute_s
        self.transfer_s += bill.transfer_s
        self.energy_j += bill.energy_j
        self.bytes_down += bill.bytes_down
        self.bytes_up += bill.bytes_up

    def blame(self, now_s: float, cause: str, absence: str | None) -> tuple[str, str]:
        """Return outcome and reason for a device that the server stopped waiting for.

        *cause* is the server's (offline, deadline, expired, surplus), *absence* why it cannot be reached
        right now (None: it can). A device that was off line while its task waited is unreachable; one that
        had the task and then fell silent lost its link; one that answers but is not done is late, or
        surplus where enough others were done.
        """
        if self.fetched_s is None:
            if absence is not None:
                return "unreachable", absence
            if cause == "surplus":
                return "rejected", "surplus"
            return ("unreachable", "far_link_down") if cause == "offline" else ("late", "waited")
        if self.link_broke_at is not None:
            return "lost_link", self.link_broke_at
        if cause == "offline":
            return "lost_link", self._stage()
        if cause == "surplus":
            return "rejected", "surplus"
        return "late", self._slowest(now_s)

    def _stage(self) -> str:
        if self.started_s is None:
            return "fetching"
        return "training" if self.uploading_s is None else "uploading"

    def _slowest(self, now_s: float) -> str:
        """Name where most of the time went: waiting to fetch, computing, or moving bytes."""
        fetched = self.fetched_s if self.fetched_s is not None else now_s
        started = self.started_s if self.started_s is not None else now_s
        uploading = self.uploading_s if self.uploading_s is not None else now_s
        spent = {
            "waited": fetched - self.t_selected_s,
            "slow_link": (started - fetched) + (now_s - uploading),
            "slow_compute": uploading - started,
        }
        return max(spent, key=lambda reason: spent[reason])


def exception_of(reason: str) -> str:
    """Return the exception's name from the reason of an error: ours begin with it, a SuperNode's with its class."""
    raised = _CLASS.match(reason)
    return raised[1] if raised else reason.split(":")[0].strip() or "Error"
