"""A device agent: it lives through days, streams, answers the server, and is cut short by life.

Its parts are arithmetic; only the agent waits, always for the next moment at which something
happens: the wearer does something, the battery crosses a line, a batch is due, a task arrives.
"""

import asyncio

from broker import events as ev
from devices.alarm import Alarm
from devices.anatomy import Anatomy, Look
from devices.circumstances import COLUMNS, Circumstances, said
from devices.elapsed import Elapsed
from devices.far_radio import FarRadio
from devices.figures import Figures
from devices.lifelog import Lived
from devices.near import Near
from devices.power import Power
from devices.readiness import Standing, absence, why_not
from devices.script import COMMANDS, Obeyed, Overlaid
from devices.switch import Switch


class Agent:
    """One device, alive."""

    def __init__(self, anatomy: Anatomy, lives: Overlaid, commands: list[tuple[float, str]]) -> None:
        self._is = anatomy
        self._lives = lives
        self._switch = Switch(anatomy.power, commands)
        self._alarm = Alarm()
        self._orders: list[tuple[str, Obeyed]] = []
        self._life = Circumstances(0.0, 0.0)
        self._reachable = False
        self._far_radio = FarRadio(anatomy.kind.doze, anatomy.power)
        self._next_sync_s = anatomy.sync_phase_s
        self._next_intake_s = anatomy.sync_phase_s + anatomy.intake_every_s
        self._elapsed = Elapsed(anatomy.figures)
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

    def look(self) -> Look:
        """Return how the device stands."""
        return self._is.look(on=self.on, charging=self._life.charging, far_link=self.far_link)

    def cut_log(self, now_s: float) -> None:
        """Close the open interval of the life log here: whoever reads it now misses nothing."""
        self._is.lifelog.cut(now_s, self.battery)

    def seen(self, now_s: float) -> tuple[Figures, Power, Lived | None]:
        """Return figures, power and the open interval as if it ended at *now_s*; all of it goes on."""
        power = self._is.power.at(now_s)
        figures = self._elapsed.seen(now_s, self._life, online=self._reachable, battery=power.share)
        return figures, power, self._is.lifelog.open_interval(now_s, power.share)

    def follow(self, hub: "Agent") -> None:
        """Stream to *hub* by radio: without it there is no near link."""
        self.hub = hub
        hub.followers.append(self)

    def ring(self) -> None:
        """Something happened to this device from outside its own life: look around."""
        self._alarm.ring("ring")

    def order(self, do: str, obeyed: Obeyed = lambda _changed: None) -> None:
        """Have a word of a fleet file's ``[[event]]`` happen to the device now; *obeyed* hears what it changed."""
        self._orders.append((do, obeyed))
        self.ring()

    async def live(self, until_s: float) -> None:
        """One life, from the loop's time (0, or later where a process began or was restarted later) to *until_s*."""
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        self._elapsed.begin(now_s)
        self._is.power.advance(now_s)
        if now_s >= until_s:  # life was over before its process had begun
            return
        self._is.power.load("idle", self._is.kind.idle_mw if self._switch.on else 0.0, now_s)
        self._switch.begin(now_s)
        life = next(self._lives)
        while life.to_s <= now_s:
            self._miss(life)
            life = next(self._lives)
        self._miss(life)
        if self._is.memoir is not None:
            self._is.memoir.begin(now_s)
        self._turn_to(life, now_s, anew=True)
        await self._look_around(now_s)
        while (now_s := loop.time()) < until_s:
            await self._meet(now_s)
            await self._alarm.until(min(self._next_moment(loop.time()), until_s))
        await self._meet(until_s)

    async def settle(self, now_s: float) -> None:
        """The run ends: work is cut, what was measured lies in the outbox."""
        self._is.power.advance(now_s)
        self._elapsed.settle(now_s, self._life, online=self._reachable, battery=self.battery)
        if self._is.duty is not None:
            await self._is.duty.cut("run_ended")
        if self._is.stream is not None:
            self._is.stream.gather(now_s)

    async def finish(self, now_s: float) -> None:
        """Everybody has settled: read what arrived, close the life log and the link."""
        if self._is.intake is not None and self._is.near.connected:
            await self._is.intake.empty_inbox(now_s)
        self._is.lifelog.finish(now_s, self.battery)
        if self._is.memoir is not None:
            self._is.memoir.write(now_s, in_order=True)
        await self._is.near.end()

    def _next_moment(self, now_s: float) -> float:
        """Return the earliest moment at which something is known to happen, as it looks at *now_s*."""
        own = self._is
        moments = [self._life.to_s, self._next_sync_s, self._switch.next_moment_s, self._far_radio.next_moment_s]
        moments += [own.power.next_moment_s(), own.near.next_moment_s]
        if own.intake is not None and self._switch.on:
            moments.append(own.intake.next_morning_s)
        if own.duty is not None:
            moments.append(own.duty.next_poll_s(now_s))
        return min(moments)

    async def _meet(self, now_s: float) -> None:
        """Deal with everything that is due at *now_s*."""
        self._is.power.advance(now_s)
        self._elapsed.settle(now_s, self._life, online=self._reachable, battery=self.battery)
        while self._life.to_s <= now_s:
            upcoming = next(self._lives, None)
            if upcoming is None:
                break
            self._turn_to(upcoming, now_s)
        await self._obey(now_s)
        await self._turn_on_or_off(now_s)
        await self._look_around(now_s)
        self._is.near.deliver(now_s)
        if now_s >= self._next_sync_s:
            await self._sync(now_s)
        if self._is.intake is not None and self._switch.on and now_s >= self._is.intake.next_morning_s:
            await self._is.intake.wake_up(now_s)
            await self._look_around(now_s)
        if self._is.duty is not None and now_s >= self._is.duty.next_poll_s(now_s):
            await self._is.duty.poll(now_s, self._standing())

    def _miss(self, life: Circumstances) -> None:
        """What happened while no process was there to live it: the device was off."""
        past = self._is.memoir.past if self._is.memoir is not None else None
        if past is not None and life.to_s > past.lived_until_s:
            from_s = max(life.from_s, past.lived_until_s)
            self._is.lifelog.note(from_s, self.battery, power=False, life=life, why_not="powered_off")

    # --- what the wearer and the world do

    async def _obey(self, now_s: float) -> None:
        """Let happen what was ordered, one after the other."""
        orders, self._orders = self._orders, []
        for do, obeyed in orders:
            before = said(self._life), self.on
            if do in COMMANDS:
                self._switch.order(do, now_s)
                await self._turn_on_or_off(now_s)
            else:
                self._turn_to(self._lives.now(do, now_s, self._life.to_s), now_s)
            obeyed((said(self._life), self.on) != before)

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
        asleep = self._far_radio.asleep(self._life)
        return Standing(self._switch.on, asleep, busy, self.battery, examples, self._life)

    async def _look_around(self, now_s: float) -> None:
        """Bring loads, links, state, telemetry and the life log in line with how things stand."""
        life, power, kind = self._life, self._is.power, self._is.kind
        power.charge(kind.charge_mw if life.charging else 0.0, now_s)
        on_skin = self._switch.on and life.worn
        if self._switch.on:
            power.load("in_use", kind.in_use_mw if life.in_use else 0.0, now_s)
            sensing_mw = kind.sensing_mw + kind.session_sensing_mw * life.in_use
            power.load("sensing", sensing_mw if on_skin else 0.0, now_s)
        if self._is.stream is not None:
            self._is.stream.sense(now_s, on_skin=on_skin, in_session=life.in_use)
        hub_near = self.hub is self or (life.near_link and self.hub.on)
        await self._is.near.mind(now_s, up=self._switch.on and hub_near)
        if (turned := self._far_radio.mind(now_s, life, on=self._switch.on)) is not None:
            self._is.record(turned(now_s, self.name, round(self.battery, 4)))
        standing = self._standing()
        await self._mind_the_far_link(now_s, standing)
        reason = why_not(kind.ready, standing, self._is.min_examples)
        self._is.bulletin.tell(now_s, standing, reason)
        self._is.lifelog.note(now_s, self.battery, power=self._switch.on, life=life, why_not=reason)

    async def _mind_the_far_link(self, now_s: float, standing: Standing) -> None:
        duty = self._is.duty
        if duty is None:
            return
        reachable = absence(standing) is None
        if reachable != self._reachable:
            self._reachable = reachable
            await duty.reach(now_s, reachable=reachable)
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
            self._next_intake_s = now_s + self._is.intake_every_s
            await self._is.intake.empty_inbox(now_s)
