import asyncio

import pytest
from flwr.app import RecordDict

from devices.fleet_api.shelf import Shelf

pytestmark = pytest.mark.virtual_time


class Server:
    """Takes a second for every content, each of *size_bytes*; fails the first *failures* times."""

    def __init__(self, size_bytes: int = 10, failures: int = 0) -> None:
        self._size_bytes = size_bytes
        self._failures = failures
        self.fetches = 0

    async def fetch(self) -> tuple[RecordDict, int]:
        self.fetches += 1
        await asyncio.sleep(1.0)
        if self.fetches <= self._failures:
            raise ConnectionError
        return RecordDict(), self._size_bytes


async def test_whoever_comes_at_once_shares_one_fetch() -> None:
    shelf, server = Shelf(), Server()

    contents = await asyncio.gather(*(shelf.get("a", server.fetch) for _ in range(100)))

    assert server.fetches == 1
    assert all(content is contents[0] for content in contents)


async def test_one_nodes_failure_is_not_the_others() -> None:
    shelf, server = Shelf(), Server(failures=1)

    answers = await asyncio.gather(*(shelf.get("a", server.fetch) for _ in range(3)), return_exceptions=True)

    assert [type(answer) for answer in answers] == [ConnectionError, RecordDict, RecordDict]


async def test_the_least_recently_used_goes_first() -> None:
    shelf, server = Shelf(capacity_bytes=25), Server()
    for name in ("a", "b", "a", "c"):
        await shelf.get(name, server.fetch)
    assert server.fetches == 3

    await shelf.get("a", server.fetch)
    assert server.fetches == 3
    await shelf.get("b", server.fetch)

    assert server.fetches == 4, "it had to go"


async def test_what_is_larger_than_the_shelf_is_held_alone() -> None:
    shelf, server = Shelf(capacity_bytes=5), Server()

    await shelf.get("a", server.fetch)
    await shelf.get("a", server.fetch)

    assert server.fetches == 1
