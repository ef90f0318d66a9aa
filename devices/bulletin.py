"""A device's bulletin: how it stands, put into a word and a report, for its voice to say."""

from broker.messages import Telemetry
from devices.duty import Duty
from devices.intake import Intake
from devices.readiness import Standing, absence
from devices.stream import Stream
from devices.voice import Voice


class Bulletin:
    """Says what changed as soon as it changes, and the rest when there is nothing else to send."""

    def __init__(
        self, voice: Voice, low_at: float, stream: Stream | None, intake: Intake | None, duty: Duty | None
    ) -> None:
        """*low_at*: the share of the battery below which the device gives alarm."""
        self._voice = voice
        self._low_at = low_at
        self._stream = stream
        self._intake = intake
        self._duty = duty

    @property
    def state(self) -> str:
        """The device's own word for itself, as it last said it."""
        return self._voice.state

    def tell(self, now_s: float, standing: Standing, why_not: str | None) -> None:
        """Say the state in a word, and report, if anything in them is new; *why_not* as in `readiness.why_not`."""
        low = standing.battery < self._low_at
        self._voice.say("alert" if low else "sleeping" if absence(standing) else "ready", now_s)
        if self._voice.is_due(now_s, *_news(standing, why_not)):
            self.report(now_s, standing, why_not)

    def report(self, now_s: float, standing: Standing, why_not: str | None) -> None:
        """Report, new or not."""
        life, stream, intake, duty = standing.life, self._stream, self._intake, self._duty
        telemetry = Telemetry(
            t_s=now_s,
            battery=round(standing.battery, 4),
            charging=life.charging,
            near_link=life.near_link,
            far_link=life.far_link,
            buffer=intake.depth if intake is not None else 0,
            outbox=stream.depth if stream is not None else 0,
            ready=why_not is None,
            why_not=why_not,
            node_id=duty.node_id if duty is not None else None,
            expected_train_s=duty.expected_train_s if duty is not None else None,
        )
        self._voice.report(telemetry, *_news(standing, why_not))


def _news(standing: Standing, why_not: str | None) -> tuple[object, ...]:
    """Return what is worth a report as soon as it changes."""
    return standing.life.charging, standing.life.near_link, standing.life.far_link, why_not
