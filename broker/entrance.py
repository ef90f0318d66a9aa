"""The way in: a paho client made ready for one name at one broker, and the socket it gets."""

import hashlib
import socket
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from broker.address import Address
from broker.link import Message

Version = MQTTProtocolVersion
MQTT_5, MQTT_3 = Version.MQTTv5, Version.MQTTv311

SESSION_EXPIRY_S = 86_400
"""A broker of MQTT 5 keeps what waits for a link for a day (of the wall) if nobody tells it to forget."""


@dataclass(frozen=True, slots=True)
class Entrance:
    """How one connection comes in; *login* is user and password, *keepalive_s* counts on the wall."""

    name: str
    login: tuple[str, str] | None
    will: Message | None
    keepalive_s: int
    anew: bool
    version: Version

    @property
    def client_id(self) -> str:
        """The name by which the broker knows the session: whoever has no password of its owner cannot take it over.

        (Brokers let anybody who may log in claim any client id, and end the connection that had it.)
        """
        if self.login is None:
            return self.name
        return f"{self.name}-{hashlib.blake2b(self.login[1].encode(), digest_size=6).hexdigest()}"


class Client(mqtt.Client):
    """Paho's client, but a socket that cannot be connected is closed, not left to the garbage collector."""

    def __init__(self, address: Address, entrance: Entrance, limit_s: float) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=entrance.client_id,
            clean_session=None if entrance.version == MQTT_5 else entrance.anew,
            protocol=entrance.version,
            reconnect_on_failure=False,
        )
        self._address = address
        self._entrance = entrance
        self._limit_s = limit_s
        self.way: socket.socket | None = None
        """The socket to enter by, if somebody has made one already."""
        if entrance.login is not None:
            self.username_pw_set(*entrance.login)
        if entrance.will is not None:
            self.will_set(entrance.will.topic, entrance.will.payload, qos=1, retain=entrance.will.retain)

    def enter(self) -> None:
        """Make the way to the broker (blocking) unless there is one, and put CONNECT on it; raises OSError."""
        extra: dict[str, Any] = {}
        if self._entrance.version == MQTT_5:
            extra["clean_start"] = self._entrance.anew
            extra["properties"] = session_expiry(PacketTypes.CONNECT, SESSION_EXPIRY_S)
        host, port = self._address.host or str(self._address.socket), self._address.port or 1
        self.connect(host, port, keepalive=self._entrance.keepalive_s, **extra)

    def leave(self, *, forget: bool) -> None:
        """Put DISCONNECT on the way, asking a broker of MQTT 5 to *forget* this name if wanted."""
        asked = forget and self._entrance.version == MQTT_5
        self.disconnect(properties=session_expiry(PacketTypes.DISCONNECT, 0) if asked else None)

    def let_go(self) -> None:
        """Close the socket at once, without a word."""
        self._sock_close()

    def _create_socket(self) -> socket.socket:
        if self.way is not None:
            way, self.way = self.way, None
            return way
        address = self._address
        if address.socket is None:
            sock = socket.create_connection((address.host, address.port), timeout=self._limit_s)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(self._limit_s)
        try:
            if address.socket is not None:
                sock.connect(str(address.socket))
            return sock if address.tls is None else address.tls.wrap_socket(sock, server_hostname=address.host)
        except BaseException:
            sock.close()
            raise


def session_expiry(packet: int, seconds: int) -> Properties:
    """Return the property of CONNECT or DISCONNECT by which a broker knows how long to remember a name."""
    properties = Properties(packet)  # type: ignore[no-untyped-call]  # paho annotates only part of itself
    properties.SessionExpiryInterval = seconds
    return properties
