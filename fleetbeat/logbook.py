"""The logbook: what happens to the devices of one process, a plain line for each event that an operator reads."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from broker import events as ev


def line(start: datetime, event: ev.Event) -> str | None:
    """Return *event* in words, with life's date (*start* is that of t_s = 0); None if nobody wants to read of it."""
    tell = _WORDS.get(type(event))
    if tell is None:
        return None
    date = (start + timedelta(seconds=event.t_s)).strftime("%a %H:%M:%S")
    return f"{date}  {event.device}  {tell(event)}"


def _task(event: ev.Work) -> str:
    return f"round {event.round}, {event.phase}"


def _upload(event: ev.UploadFinished) -> str:
    return f"{_task(event)}: handed in" if event.accepted else f"{_task(event)}: nobody waits for it any more"


_WORDS: Mapping[type[ev.Event], Callable[[Any], str]] = {
    ev.StateChanged: lambda event: event.state,
    ev.PoweredOn: lambda event: f"switched on, battery {event.battery:.0%}",
    ev.SwitchedOff: lambda event: f"switched off in order, battery {event.battery:.0%}",
    ev.BatteryEmpty: lambda _: "battery empty",
    ev.SoftwareCrashed: lambda event: f"its software failed: {event.exception}",
    ev.ReadingsDropped: lambda event: f"dropped {event.readings} readings ({event.cause.replace('_', ' ')})",
    ev.MessageMalformed: lambda event: f"a message on {event.topic} makes no sense: {event.error}",
    ev.MessageRefused: lambda event: f"refused a message on {event.topic}: {event.error}",
    ev.NightKnown: lambda event: f"night {event.night} is known: {event.examples} examples",
    ev.StorageFull: lambda event: f"its disk is full: {event.error}",
    ev.HubLost: lambda event: f"lost the broker: {event.reason}",
    ev.HubFound: lambda event: f"has the broker back after {event.after_s:.0f} s of life",
    ev.ServerLost: lambda event: f"lost the SuperLink: {event.reason}",
    ev.ServerFound: lambda event: f"has the SuperLink back after {event.after_s:.0f} s of life",
    ev.TaskFetched: lambda event: f"{_task(event)}: fetched",
    ev.TaskRefused: lambda event: f"{_task(event)}: refused ({event.reason.replace('_', ' ')})",
    ev.WorkStarted: lambda event: f"{_task(event)}: begins on {event.examples} examples",
    ev.WorkFinished: lambda event: f"{_task(event)}: done, loss {event.loss:.3f}",
    ev.UploadFinished: _upload,
    ev.WorkInterrupted: lambda event: f"{_task(event)}: interrupted ({event.reason.replace('_', ' ')})",
    ev.WorkLostPower: lambda event: f"{_task(event)}: lost power while {event.stage}",
    ev.WorkLostLink: lambda event: f"{_task(event)}: lost the far link while {event.stage}",
    ev.WorkLinkBack: lambda event: f"{_task(event)}: has the far link back",
    ev.WorkCrashed: lambda event: f"{_task(event)}: failed: {event.exception}",
}
