"""The way to a broker: a connected and, where asked, secured socket, made without holding up anybody on the loop."""

import asyncio
import contextlib
import errno
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from broker.address import Address
from broker.errors import BrokerRefused
from broker.trust import why_unsafe

_FULL_WAIT_S = 0.01
"""Wall seconds until a local socket whose queue was full is tried again."""


class NobodyAnswers(BrokerRefused):
    """There is no broker, or not yet, or it hangs up while the connection is being secured."""


@contextlib.contextmanager
def in_words(address: Address) -> Iterator[None]:
    """Say what keeps us from the broker: NobodyAnswers where it may help to try again, BrokerRefused where not."""
    try:
        yield
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
        raise NobodyAnswers(f"{address}: no safe connection: {why_unsafe(error)}") from None
    except ssl.SSLError as error:
        raise BrokerRefused(f"{address}: no safe connection: {why_unsafe(error)}") from None
    except OSError as error:
        raise NobodyAnswers(f"{address}: no broker answers: {error.strerror or error}") from None


async def open_way(address: Address) -> socket.socket:
    """Return a non-blocking socket to *address*; raises OSError (of which ssl.SSLError is one), and waits for ever."""
    sock = await (_to_host(address) if address.socket is None else _to_socket(address.socket))
    return sock if address.tls is None else await _secured(sock, address.tls, address.host)


async def _to_host(address: Address) -> socket.socket:
    loop = asyncio.get_running_loop()
    refusal: OSError | None = None
    places = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    for family, kind, protocol, _, place in places:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(sock, place)
        except OSError as error:
            sock.close()
            refusal = OSError(error.errno, os.strerror(error.errno or 0))  # asyncio's words name its own calls
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise refusal or OSError(errno.EADDRNOTAVAIL, f"{address.host} has no address")


async def _to_socket(path: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.setblocking(False)
        while True:
            try:
                sock.connect(str(path))
            except BlockingIOError:  # its queue is full; asyncio would take this for a connection under way
                await asyncio.sleep(_FULL_WAIT_S)
            else:
                return sock
    except BaseException:
        sock.close()
        raise


async def _secured(sock: socket.socket, tls: ssl.SSLContext, host: str) -> ssl.SSLSocket:
    loop = asyncio.get_running_loop()
    try:
        secured = tls.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
    except BaseException:
        sock.close()
        raise
    try:
        while True:
            try:
                secured.do_handshake()
            except ssl.SSLWantReadError:
                await _ready(secured, loop.add_reader, loop.remove_reader)
            except ssl.SSLWantWriteError:
                await _ready(secured, loop.add_writer, loop.remove_writer)
            else:
                return secured
    except BaseException:
        secured.close()
        raise


async def _ready(sock: socket.socket, add: Callable[..., Any], remove: Callable[[socket.socket], Any]) -> None:
    ready = asyncio.Event()
    add(sock, ready.set)
    try:
        await ready.wait()
    finally:
        remove(sock)
