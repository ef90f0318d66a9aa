"""One task of the server on one device: fetch, compute, upload; life may cut it short anywhere."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from flwr.app import Message

from broker import events as ev
from broker.waiting import finished
from devices.alarm import Alarm
from devices.circumstances import Circumstances
from devices.figures import Figures
from devices.kinds import Kind
from devices.power import Power
from devices.readiness import broken
from devices.reception import Reception, steady
from devices.uplink import App, Uplink
from devices.workload import Workload, error_reply, exception_in, result_in

FOREVER_S = 1e9


@dataclass(frozen=True)
class Tools:
    """What a device has to work with."""

    device: str
    kind: Kind
    power: Power
    figures: Figures
    uplink: Uplink
    app: App
    record: ev.Record
    loads_changed: Callable[[], None]
    """Called when the work draws more or less power than before."""
    reception: Reception = steady


class CutShort(Exception):  # not an error: life
    """The work ends here; *why* is what life did: power, switched_off, crash, run_ended, or a broken condition."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Work:
    """A task under way. The agent tells it what happens (`meet`); it tells the journal what came of it."""

    def __init__(
        self,
        tools: Tools,
        message: Message,
        measure: Callable[[], Workload],
        life: Circumstances,
        round_: int,
        phase: str,
    ) -> None:
        """*measure* tells what the task asks, by what the device holds at that moment."""
        self._tools = tools
        self._message = message
        self._measure = measure
        self._load = measure()
        self._life = life
        self.reachable = True
        self._alarm = Alarm()
        self._stage = "fetching"
        self._round, self._phase = round_, phase
        self._began_j = tools.power.work_j
        self._compute_s = self._transfer_s = 0.0
        self._bytes = {"fetching": 0, "uploading": 0}
        self._handing_in = False
        self.cut_by: str | None = None

    def meet(self, life: Circumstances, *, reachable: bool) -> None:
        """Life changed around the work."""
        if self.reachable and not reachable:
            self._note(ev.WorkLostLink, self._stage)
        elif reachable and not self.reachable:
            self._note(ev.WorkLinkBack, self._stage)
        self._life, self.reachable = life, reachable
        self._alarm.ring("life")

    def cut(self, why: str) -> None:
        """End the work: power, switched_off, crash or run_ended."""
        self.cut_by = self.cut_by or why
        if self._handing_in:  # live, a server may be away: nobody waits for it now
            self._tools.uplink.abandon(self._message, self._now())
        self._alarm.ring("cut")

    async def run(self) -> Message | None:
        """Do the task; return an error reply that must be sent once the device is up again, or None."""
        try:
            await self._transfer("fetching", self._load.bytes_down)
            reply = await self._compute()
            accepted = await self._transfer("uploading", self._load.bytes_up(reply))
            accepted = accepted and await self._hand_in(reply)
            self._note(ev.UploadFinished, accepted)
        except CutShort as cut:
            return await self._give_up(cut.why)
        finally:
            self._draw("training", 0.0)
            self._draw("transfer", 0.0)
            self._settle()
        return None

    async def _hand_in(self, reply: Message) -> bool:
        self._handing_in = True
        try:
            return await self._tools.uplink.deliver(self._now(), reply)
        finally:
            self._handing_in = False

    async def _transfer(self, stage: str, size_bytes: int) -> bool:
        """Move *size_bytes* over the far link; a broken link means to start again when it is back.

        Return False for an upload that the server does not want any more: it says so before the bytes flow.
        """
        self._stage = stage
        if stage == "uploading":
            self._note(ev.UploadStarted, size_bytes)
        left, moved, awake_on = 1.0, 0.0, ""
        while left > 0:
            self._check()
            far = self._tools.kind.far_link(self._life.far_link) if self.reachable else None
            if far is None:
                left, awake_on = 1.0, ""
                if stage == "fetching" and not self._tools.uplink.wanted(self._message, self._now()):
                    raise CutShort("not_wanted")  # the server gave the task up: its objects are gone
                await self._alarm.until(FOREVER_S)
                continue
            if stage == "uploading" and not self._tools.uplink.begin_upload(self._message, self._now()):
                return False
            began_s = self._now()
            far, steady_until_s = self._tools.reception(far, self._life, began_s)
            whole_s = far.transfer_s(size_bytes, down=stage == "fetching")
            done_s = began_s + whole_s * left
            if self._life.far_link != awake_on:
                self._tools.power.spend("transfer", far.wake_j)
                awake_on = self._life.far_link
            self._draw("transfer", far.power_mw)
            rung = await self._alarm.until(min(done_s, steady_until_s))
            self._draw("transfer", 0.0)
            passed_s = self._now() - began_s
            whole = whole_s == 0 or (rung is None and done_s <= steady_until_s)
            crossed = left if whole else min(left, passed_s / whole_s)
            left -= crossed
            self._transfer_s += passed_s
            moved += size_bytes * crossed
            self._bytes[stage] = round(moved)
        return True

    async def _compute(self) -> Message:
        """Run the app now, and let it take as long as this processor needs for it."""
        self._stage = "training"
        tools = self._tools
        self._load = self._measure()  # what arrived while the task was on its way is learnt from, too
        fit = tools.app.begin(tools.device, self._message)
        processor = tools.kind.processor
        left_gflop = self._load.gflop
        self._note(
            ev.WorkStarted,
            self._load.examples,
            self._load.examples_fresh,
            processor.seconds(left_gflop, in_use=self._life.in_use),
        )
        while left_gflop > 0:
            self._check()
            in_use, began_s = self._life.in_use, self._now()
            needs_s = processor.seconds(left_gflop, in_use=in_use)
            self._draw("training", tools.kind.training_mw)
            rung = await self._alarm.until(began_s + needs_s)
            passed_s = self._now() - began_s
            self._compute_s += passed_s
            left_gflop = 0.0 if rung is None else left_gflop - processor.gflop(passed_s, in_use=in_use)
        self._draw("training", 0.0)
        await asyncio.sleep(0)  # let others begin their fits before this one is waited for
        self._check()
        reply = await finished(fit, f"the fit of {tools.device} (round {self._round})")
        await self._sleep(fit.slept_s)
        if reply.has_error():
            self._note(ev.WorkCrashed, exception_in(reply))
        else:
            loss, accuracy = result_in(reply)
            self._note(ev.WorkFinished, self._compute_s, loss, accuracy)
        return reply

    async def _sleep(self, seconds: float) -> None:
        """Let the time pass that the app slept: the processor rests, and life may end it all the same."""
        began_s = self._now()
        while (left_s := began_s + seconds - self._now()) > 0:
            self._check()
            await self._alarm.until(self._now() + left_s)
        self._compute_s += self._now() - began_s
        self._check()

    def _check(self) -> None:
        """Raise CutShort if the work may not go on."""
        why = self.cut_by or broken(self._tools.kind.ready, self._life)
        if why is not None:
            raise CutShort(why)

    async def _give_up(self, why: str) -> Message | None:
        """Say in the journal how it ended; tell the server, or return what to tell it when it can be reached again."""
        if why == "power":
            self._note(ev.WorkLostPower, self._stage)
            answer = error_reply(self._message, f"lost power: {self._stage}")
        elif why == "crash":
            self._note(ev.WorkCrashed, "SoftwareCrash")
            answer = error_reply(self._message, "SoftwareCrash: the device's software failed", crashed=True)
        elif why in ("run_ended", "not_wanted"):
            answer = None
        else:
            self._note(ev.WorkInterrupted, why)
            answer = error_reply(self._message, f"interrupted: {why}")
        if self._stage == "uploading":  # the head of the reply is there already: no other answer can take its place
            self._tools.uplink.abandon(self._message, self._now())
            return None
        if answer is not None and self.reachable and why not in ("power", "crash", "switched_off"):
            await self._tools.uplink.deliver(self._now(), answer)
            return None
        return answer

    def _settle(self) -> None:
        power = self._tools.power
        energy_j = power.work_j - self._began_j
        down, up = self._bytes["fetching"], self._bytes["uploading"]
        self._tools.figures.bytes_down += down
        self._tools.figures.bytes_up += up
        self._note(ev.WorkSettled, self._compute_s, self._transfer_s, energy_j, down, up)

    def _draw(self, cause: str, draw_mw: float) -> None:
        if self._tools.power.load(cause, draw_mw, self._now()):
            self._tools.loads_changed()

    def _note(self, kind: type[ev.Work], *figures: object) -> None:
        self._tools.record(kind(self._now(), self._tools.device, self._round, self._phase, *figures))

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
