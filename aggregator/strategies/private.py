"""Flower's wrappers for differential privacy, which aggregate although some devices answer with an error.

Flower skips a round in which any device answers with an error (`validate_replies`), since its noise is made for
`num_sampled_clients` updates. Devices that live refuse every day: no round would ever come to anything. So errors are
filtered out here, and the noise is made for the updates there are, unless somebody fixed their number: the standard
deviation is noise_multiplier x clipping_norm / updates, as it must be for the mean of so many clipped updates.
"""

from collections.abc import Iterable

from flwr.app import ArrayRecord, Message, MetricRecord
from flwr.serverapp.strategy import (
    DifferentialPrivacyClientSideAdaptiveClipping,
    DifferentialPrivacyClientSideFixedClipping,
    DifferentialPrivacyServerSideAdaptiveClipping,
    DifferentialPrivacyServerSideFixedClipping,
    Strategy,
)


class WithoutErrors(Strategy):
    """What the four below have in common."""

    num_sampled_clients: int
    noise_follows_answers = True
    """Whether the noise is made for those who delivered; else for `num_sampled_clients` as it was given."""

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Aggregate the updates; without any the model stays as it is."""
        updates = [reply for reply in replies if reply.has_content()]
        if not updates:
            return None, None
        if self.noise_follows_answers:
            self.num_sampled_clients = len(updates)
        return super().aggregate_train(server_round, updates)  # type: ignore[safe-super]  # the wrapper's own comes next


class ServerSideFixedClipping(WithoutErrors, DifferentialPrivacyServerSideFixedClipping):
    """The server clips each update to a fixed norm."""


class ServerSideAdaptiveClipping(WithoutErrors, DifferentialPrivacyServerSideAdaptiveClipping):
    """The server clips each update to a norm that follows a quantile of the updates' norms."""


class ClientSideFixedClipping(WithoutErrors, DifferentialPrivacyClientSideFixedClipping):
    """Each device clips its own update to a fixed norm."""


class ClientSideAdaptiveClipping(WithoutErrors, DifferentialPrivacyClientSideAdaptiveClipping):
    """Each device clips its own update to a norm that follows a quantile."""
