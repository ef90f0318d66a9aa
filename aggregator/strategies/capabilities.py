"""Capabilities: what a Grid may offer beyond Flower's own. A strategy asks for them and does without on other Grids.

Our Grid in virtual time and the live one have all of them; a plain SuperLink has none. Moments are seconds of life.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from broker.messages import Telemetry

Unwanted: TypeAlias = Literal["surplus", "stale", "run_ended"]
"""Why a strategy wants nothing of a task any more; the account's words."""


@runtime_checkable
class Reporting(Protocol):
    """A Grid that knows what devices say of themselves."""

    def reports(self) -> Mapping[int, Telemetry]:
        """Return the last report of each node that made one, by Flower's node id."""


@runtime_checkable
class Timekeeping(Protocol):
    """A Grid on which life goes by at a pace of its own."""

    def now_s(self) -> float:
        """Return the seconds of life."""

    def await_replies(self, message_ids: Collection[str], until_s: float) -> None:
        """Return when pulling *message_ids* may give something, or at *until_s*; later than now in any case."""


@runtime_checkable
class Accounting(Protocol):
    """A Grid that writes down what a strategy makes of its tasks."""

    def overdue(self, message_ids: Iterable[str], *, kept: bool) -> None:
        """These were not answered by the deadline; *kept*: an update that still comes will be used."""

    def dismiss(self, message_ids: Iterable[str], reason: Unwanted) -> None:
        """Nothing is wanted of these any more, whether their updates are in already or not."""
