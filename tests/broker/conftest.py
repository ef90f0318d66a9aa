"""The grounds, one after the other."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.broker.ground import Ground, MemoryGround, MosquittoGround
from tests.broker.mortal import Mortal

GROUNDS: dict[str, Callable[[], Ground]] = {
    "memory": MemoryGround,
    "mosquitto": MosquittoGround,
    "mosquitto-3.1.1": lambda: MosquittoGround(only_mqtt_3=True),
}


@pytest.fixture(
    params=[pytest.param(name, marks=[] if name == "memory" else [pytest.mark.needs_broker]) for name in GROUNDS]
)
async def ground(request: pytest.FixtureRequest) -> AsyncIterator[Ground]:
    """One broker with the users of `ground.ACCESS`."""
    made = GROUNDS[request.param]()
    yield made
    await made.end()


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Mortal]:
    """One running broker, open to everybody, that can be killed."""
    with Mortal(tmp_path) as running:
        yield running
