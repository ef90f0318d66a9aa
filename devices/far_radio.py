"""The far radio of a device: it sleeps while the device dozes, and to spare a battery that is low."""

from broker import events as ev
from devices.circumstances import Circumstances
from devices.doze import Doze, Dozing
from devices.power import Power


class FarRadio:
    """Whether one device's far radio is asleep, and when that changes."""

    def __init__(self, doze: Doze | None, power: Power) -> None:
        self._dozing = Dozing(doze)
        self._power = power
        self._slept = False

    @property
    def next_moment_s(self) -> float:
        """When to look again at the latest; when the battery crosses its line the power knows."""
        return self._dozing.next_moment_s

    def asleep(self, life: Circumstances) -> bool:
        """Whether nothing reaches the device as it is."""
        return self._dozing.asleep or self._power.saving(charging=life.charging)

    def mind(self, now_s: float, life: Circumstances, *, on: bool) -> type[ev.RadioSlept | ev.RadioWoke] | None:
        """Note how things stand from *now_s* on; return what the radio of a device that is *on* did, if anything."""
        self._dozing.mind(now_s, life, on=on)
        asleep = self.asleep(life)
        if not on or asleep == self._slept:
            return None
        self._slept = asleep
        return ev.RadioSlept if asleep else ev.RadioWoke
