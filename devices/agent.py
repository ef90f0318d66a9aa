"""A device agent: it lives through days, streams, answers the server, and is cut short by life.

Its parts are arithmetic; only the agent waits, always for the next moment at which something
happens: the wearer does something, the battery crosses a line, a batch is due, a task arrives.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from broker import events as ev
from devices.alarm import Alarm
from devices.bulletin import Bulletin
from devices.circumstances import COLUMNS, Circumstances
from devices.duty import Duty
from devices.figures import Figures
from devices.intake import Intake
from devices.kinds import Kind
from devices.lifelog import LifeLog
from devices.near import Near
from devices.power import Power
from devices.readiness import Standing, absence, why_not
from devices.stream import Stream
from devices.switch import Switch

INTAKE_EVERY_S = 7_200.0


@dataclass(frozen=True)
class Anatomy:
    """What one device is made of: without sensors there is no stream, without training no intake and no duty."""

    name: str
    kind: Kind
    power: Power
    figures: Figures
    lifelog: LifeLog
    near: Near
    bulletin: Bulletin
    record: ev.Record
    sync_phase_s: float
    min_examples: int
    stream: Stream | None
    intake: Intake | None
    duty: Duty | None


class Agent:
    """One device, alive."""

    def __init__(self, anatomy: Anatomy, lives: Iterator[Circumstances], commands: list[tuple[float, str]]) -> None:
        self._is = anatomy
        self._lives = lives
        self._switch = Switch(anatomy.power, commands)
        self._alarm = Alarm()
        self._life = Circumstances(0.0, 0.0)
        self._reachable = False
        self._radio_asleep = False
        self._next_sync_s = anatomy.sync_phase_s
        self._next_intake_s = anatomy.sync_phase_s + INTAKE_EVERY_S
        self._settled_s = 0.0
        self.hub: Agent = self
        self.followers: list[Agent] = []

    @property
    def name(self) -> str:
        """The device's name."""
        return self._is.name

    @property
    def on(self) -> bool:
        """Whether the device is powered and switched on."""
        return self._switch.on

    @property
    def battery(self) -> float:
        """What is left in the battery, as a share of its capacity."""
        return self._is.power.share

    @property
    def far_link(self) -> str:
        """The far link that the device has: wifi, mobile, or none (also when it is off)."""
        return self._life.far_link if self._switch.on else "none"

    @property
    def readiness(self) -> str | None:
        """Why the device would not take a task now; None if it would."""
        return why_not(self._is.kind.ready, self._standing(), self._is.min_examples)

    @property
    def near(self) -> Near:
        """The device's near side."""
        return self._is.near

    def follow(self, hub: "Agent") -> None:
        """Stream to *hub* by radio: without it there is no near link."""
        self.hub = hub
        hub.followers.append(self)

    def ring(self) -> None:
        """Something happened to this device from outside its own life: look around."""
        self._alarm.ring("ring")

    async def live(self, until_s: float) -> None:
        """One life, from t = 0 to *until_s*."""
        loop = asyncio.get_running_loop()
        self._is.power.load("idle", self._is.kind.idle_mw if self._switch.on else 0.0, 0.0)
        self._turn_to(next(self._lives), 0.0, anew=True)
        await self._look_around(0.0)
        while (now_s := loop.time()) < until_s:
            await self._meet(now_s)
            await self._alarm.until(min(self._next_moment(), until_s))
        await self._meet(until_s)

    async def settle(self, now_s: float) -> None:
        """The run ends: work is cut, what was measured lies in the outbox."""
        self._is.power.advance(now_s)
        self._account_for(now_s)
        if self._is.duty is not None:
            await self._is.duty.cut("run_ended")
        if self._is.stream is not None:
            self._is.stream.gather(now_s)

    async def finish(self, now_s: float) -> None:
        """Everybody has settled: read what arrived, close the life log and the link."""
        if self._is.intake is not None and self._is.near.connected:
            await self._is.intake.empty_inbox(now_s)
        self._is.lifelog.finish(now_s, self.battery)

    def _next_moment(self) -> float:
        """Return the earliest moment at which something is known to happen."""
        own = self._is
        moments = [
            self._life.to_s,
            self._next_sync_s,
            self._switch.next_moment_s,
            own.power.next_moment_s(),
            own.near.next_moment_s,
        ]
        if own.intake is not None and self._switch.on:
            moments.append(own.intake.next_morning_s)
        if own.duty is not None:
            moments.append(own.duty.next_poll_s)
        return min(moments)

    async def _meet(self, now_s: float) -> None:
        """Deal with everything that is due at *now_s*."""
        self._is.power.advance(now_s)
        self._account_for(now_s)
        while self._life.to_s <= now_s:
            upcoming = next(self._lives, None)
            if upcoming is None:
                break
            self._turn_to(upcoming, now_s)
        await self._turn_on_or_off(now_s)
        await self._look_around(now_s)
        self._is.near.deliver(now_s)
        if now_s >= self._next_sync_s:
            await self._sync(now_s)
        if self._is.intake is not None and self._switch.on and now_s >= self._is.intake.next_morning_s:
            await self._is.intake.wake_up(now_s)
            await self._look_around(now_s)
        if self._is.duty is not None and now_s >= self._is.duty.next_poll_s:
            await self._is.duty.poll(now_s, self._standing())

    # --- what the wearer and the world do

    def _turn_to(self, life: Circumstances, now_s: float, *, anew: bool = False) -> None:
        """Note what changed; at the start (*anew*) how everything stands."""
        before, self._life = self._life, life
        for column in COLUMNS:
            value = getattr(life, column)
            if anew or getattr(before, column) != value:
                self._is.record(ev.LifeChanged(now_s, self.name, column, value, round(self.battery, 4)))

    async def _turn_on_or_off(self, now_s: float) -> None:
        """Go with the switch, and say so in the journal."""
        for happening in self._switch.turns(now_s, charging=self._life.charging):
            battery = round(self.battery, 4)
            if happening == "on":
                self._is.power.load("idle", self._is.kind.idle_mw, now_s)
                self._is.record(ev.PoweredOn(now_s, self.name, battery))
                self._wake_followers()
                continue
            if happening == "power":
                self._is.record(ev.BatteryEmpty(now_s, self.name))
                self._is.figures.battery_deaths += 1
            elif happening == "crash":
                self._is.record(ev.SoftwareCrashed(now_s, self.name, "SoftwareCrash"))
            else:
                self._is.record(ev.SwitchedOff(now_s, self.name, battery))
            await self._go_off(now_s, happening)

    async def _go_off(self, now_s: float, why: str) -> None:
        """Power is gone, in order or not: no sensing, no links, no work."""
        stream, duty, intake = self._is.stream, self._is.duty, self._is.intake
        if stream is not None:
            stream.gather(now_s)
        if intake is not None and self._is.near.connected:
            await intake.empty_inbox(now_s)
        if duty is not None:
            await duty.cut(why)
        if why == "switched_off":
            await self._is.near.close(now_s)
            if duty is not None:
                duty.sign_off(now_s)
                self._reachable = False
        self._wake_followers()
        for cause in ("idle", "sensing", "in_use"):
            self._is.power.load(cause, 0.0, now_s)

    def _wake_followers(self) -> None:
        """Their near link ends here: it came up, or broke."""
        for follower in self.followers:
            follower.ring()

    # --- how things stand, and who is told

    def _standing(self) -> Standing:
        examples = self._is.intake.examples if self._is.intake is not None else 0
        busy = self._is.duty is not None and self._is.duty.busy
        asleep = self._is.power.saving(charging=self._life.charging)
        return Standing(self._switch.on, asleep, busy, self.battery, examples, self._life)

    async def _look_around(self, now_s: float) -> None:
        """Bring loads, links, state, telemetry and the life log in line with how things stand."""
        life, power, kind = self._life, self._is.power, self._is.kind
        power.charge(kind.charge_mw if life.charging else 0.0, now_s)
        on_skin = self._switch.on and life.worn
        if self._switch.on:
            power.load("in_use", kind.in_use_mw if life.in_use else 0.0, now_s)
            power.load("sensing", kind.sensing_mw if on_skin else 0.0, now_s)
        if self._is.stream is not None:
            self._is.stream.sense(now_s, on_skin=on_skin)
        hub_near = self.hub is self or (life.near_link and self.hub.on)
        await self._is.near.mind(now_s, up=self._switch.on and hub_near)
        standing = self._standing()
        if self._switch.on and standing.radio_asleep != self._radio_asleep:
            self._radio_asleep = standing.radio_asleep
            change = ev.RadioSlept if self._radio_asleep else ev.RadioWoke
            self._is.record(change(now_s, self.name, round(self.battery, 4)))
        self._mind_the_far_link(now_s, standing)
        reason = why_not(kind.ready, standing, self._is.min_examples)
        self._is.bulletin.tell(now_s, standing, reason)
        self._is.lifelog.note(now_s, self.battery, power=self._switch.on, life=life, why_not=reason)

    def _mind_the_far_link(self, now_s: float, standing: Standing) -> None:
        duty = self._is.duty
        if duty is None:
            return
        reachable = absence(standing) is None
        if reachable != self._reachable:
            self._reachable = reachable
            duty.reach(now_s, reachable=reachable)
        duty.meet(self._life, reachable=reachable)

    # --- the stream

    async def _sync(self, now_s: float) -> None:
        while self._next_sync_s <= now_s:
            self._next_sync_s += self._is.kind.sync_every_s
        if not self._switch.on:
            return
        if self._is.stream is not None:
            self._is.stream.gather(now_s)
        if not self._is.near.send(now_s) and self._is.near.connected:
            self._is.bulletin.report(now_s, self._standing(), self.readiness)
        if self._is.intake is not None and now_s >= self._next_intake_s:
            self._next_intake_s = now_s + INTAKE_EVERY_S
            await self._is.intake.empty_inbox(now_s)

    def _account_for(self, now_s: float) -> None:
        """Add the stretch since the last look to the device's own figures."""
        passed_s, self._settled_s = now_s - self._settled_s, now_s
        figures, life = self._is.figures, self._life
        figures.online_s += passed_s if self._reachable else 0.0
        figures.charging_s += passed_s if life.charging else 0.0
        figures.worn_s += passed_s if life.worn else 0.0
        figures.battery_min = min(figures.battery_min, self.battery)
