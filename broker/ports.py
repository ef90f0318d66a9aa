"""Ports of this machine: one that is free, and whether one is."""

import errno
import socket

from broker.errors import UsageError

HERE = "127.0.0.1"


class PortTaken(UsageError):
    """Another program listens on a port that we were to have."""


def free_port() -> int:
    """Return a port of this machine on which nobody listens; somebody may before its user does."""
    with socket.socket() as door:
        door.bind((HERE, 0))
        port: int = door.getsockname()[1]
        return port


def check_free(port: int) -> None:
    """Raise PortTaken if somebody listens on *port*, UsageError if it cannot be used at all."""
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: connections just ended are none
        try:
            door.bind((HERE, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortTaken(taken(port)) from None
            raise UsageError(f"port {port} of {HERE} cannot be used: {error.strerror}") from None


def taken(port: int) -> str:
    """Return what to say of a *port* that is taken."""
    return f"port {port} of {HERE} is taken: another program listens there; stop it, or choose another port"
