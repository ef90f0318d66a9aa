"""What a device says of itself over its near link: `$state`, and telemetry."""

from broker import events as ev
from broker import topics
from broker.link import Link, Message
from broker.messages import Telemetry, encode_telemetry

TELEMETRY_EVERY_S = 3_600.0


class Voice:
    """Publishes a word or a report when it differs from the last one; nothing while the link is down."""

    def __init__(self, fleet: str, device: str, link: Link, record: ev.Record) -> None:
        self._device = device
        self._link = link
        self._record = record
        self._state_topic = topics.state(fleet, device)
        self._telemetry_topic = topics.telemetry(fleet, device)
        self.state = ""
        self._told: tuple[object, ...] = ()
        self._again_s = 0.0

    @property
    def will(self) -> Message:
        """What the broker says in the device's place when it is cut off."""
        return Message(self._state_topic, b"lost", retain=True)

    def silenced(self) -> None:
        """The broker said the last word (the will): everything must be said anew."""
        self.state, self._told = "", ()

    def say(self, state: str, now_s: float) -> None:
        """Publish the device's own word for itself, if it changed."""
        if state == self.state or not self._link.connected:
            return
        self.state = state
        self._record(ev.StateChanged(now_s, self._device, state))
        self._link.publish(Message(self._state_topic, state.encode(), retain=True))

    def is_due(self, now_s: float, *told: object) -> bool:
        """Whether a report is worth sending: something in *told* changed, or the last one is an hour old."""
        return self._link.connected and (told != self._told or now_s >= self._again_s)

    def report(self, telemetry: Telemetry, *told: object) -> None:
        """Publish *telemetry*; *told* is what must change before the next one is due."""
        self._told = told
        self._again_s = telemetry.t_s + TELEMETRY_EVERY_S
        self._link.publish(Message(self._telemetry_topic, encode_telemetry(telemetry), retain=True))
