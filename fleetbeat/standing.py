"""A standing: how far a live server has come, kept at the broker for the one that may have to go on in its place.

A ServerApp dies with its SuperLink, and with it all that a strategy remembers. What it published last, retained and on
the server's own topic, is enough to go on: the global model, the round, and when that round began.
"""

import logging
import threading
from dataclasses import dataclass
from typing import Any

import orjson

from aggregator.course import Arrays
from broker import topics
from broker.lasting import LastingClient
from broker.pace import Pace
from fleetbeat.packing import packed, unpacked

_PATIENCE_WALL_S = 5.0
"""What is retained comes at once; who has not heard it by then has nothing to go on from."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Standing:
    """*arrays* is the model after *round* (0: the initial one)."""

    round: int
    arrays: Arrays
    started_s: float
    """When that round began."""
    open: bool
    """Trained, but not yet evaluated to the end."""


def keep(client: LastingClient, fleet: str, pace: Pace, standing: Standing) -> None:
    """Leave *standing* at the broker, in place of the one before."""
    said = {
        "life": pace.t0_unix,
        "round": standing.round,
        "started_s": standing.started_s,
        "open": standing.open,
        "npz_base64": packed(standing.arrays),
    }
    client.publish(topics.server_standing(fleet), orjson.dumps(said), retain=True)


def recall(client: LastingClient, fleet: str, pace: Pace) -> Standing | None:
    """Return what an earlier server of this very life left; None if there is nothing (blocking, never in its thread).

    What makes no sense is as good as nothing: then the run begins anew.
    """
    heard = threading.Event()
    found: list[bytes] = []

    def hear(_topic: str, payload: bytes) -> None:
        found.append(payload)
        heard.set()

    client.subscribe(topics.server_standing(fleet), hear)
    heard.wait(_PATIENCE_WALL_S)
    try:
        said: dict[str, Any] = orjson.loads(found[-1])
        if said["life"] != pace.t0_unix:
            return None
        return Standing(int(said["round"]), unpacked(said["npz_base64"]), float(said["started_s"]), bool(said["open"]))
    except IndexError:
        return None
    except (ValueError, KeyError, TypeError, EOFError, OSError) as error:
        _log.warning("the standing of %s's server makes no sense (%s): the run begins anew", fleet, error)
        return None
