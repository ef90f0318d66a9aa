"""Handing in a reply: its date, its head, then its objects, until the server has all of it or does not want it."""

import asyncio
from collections.abc import Callable

from flwr.app import Message

from devices.fleet_api import flower
from devices.fleet_api.door import FleetDoor, Refused
from devices.fleet_api.flower import OBJECT_PUSH_SESSION_TTL_SECONDS, Parcel
from devices.fleet_api.identity import Identity

TRIES = 5
"""A server that takes the head again and again, but never the body, is not waited for."""


def put_date_right(reply: Message, task: Message) -> None:
    """Give *reply* the date of its task, which is the server's, if its own cannot be.

    It was made while the date of this machine was wrong, and says that it is good for as long as the task is, counted
    from there. The server refuses one of an hour ahead, for that is less than nothing, though the date be right by now.
    """
    sent, said = task.metadata, reply.metadata
    if not sent.created_at <= said.created_at < sent.created_at + sent.ttl:
        said.created_at, said.ttl = sent.created_at, sent.ttl


async def hand_in(door: FleetDoor, who: Identity, node_id: int, parcel: Parcel, still: Callable[[], bool]) -> bool:
    """Return whether the server took the reply; raises NoLonger if *still* says no before its head was sent.

    Once the head is there, the rest follows whatever happens: a ServerApp that pulls waits for it, up to 180 s.

    A server that does not want a reply names no missing object. It names none either when it has all of them,
    but a message's own object is unique: the first time, it cannot be there. So an empty answer after the head
    was welcome once means that the objects came through and only the server's word for it was lost, unless the 180 s
    are over, after which it forgets an incomplete reply.
    """
    loop = asyncio.get_running_loop()
    welcome, sent = False, set[str]()
    heard_s = loop.time()
    for _ in range(TRIES):
        receipt = await door.ask(flower.push(node_id, parcel), who, (lambda: True) if welcome else still)
        if not receipt.missing:
            kept = loop.time() - heard_s < OBJECT_PUSH_SESSION_TTL_SECONDS
            return welcome and kept and sent.issuperset(parcel.objects)
        if not welcome:
            welcome, sent = True, set(parcel.objects) - set(receipt.missing)
        heard_s = loop.time()
        requests = [flower.push_object(node_id, parcel, receipt.session_id, object_id) for object_id in receipt.missing]
        stored = await asyncio.gather(*(door.ask(request, who) for request in requests), return_exceptions=True)
        for answer in stored:
            if isinstance(answer, BaseException):
                raise answer
        if all(stored):
            return True
        sent |= set(receipt.missing)
    raise Refused("push-object", 200, None, "the server takes no object of a reply whose head it took")
