import datetime
import importlib
import importlib.metadata
import re
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest

from broker.certificates import new_authority
from broker.errors import SettingsError, StorageFull
from devices.fleet_api import checked, client_for, door, flower
from devices.fleet_api.identity import Identity
from devices.storage.notes import MemoryNotes


async def test_an_address_and_a_ca_file_make_a_client(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.crt"
    ca_file.write_bytes(new_authority("a test", 1).certificate)

    async with client_for("https://superlink:8000/", ca_file) as client:
        assert str(client.base_url) == "https://superlink:8000/v1/fleet/"


@pytest.mark.parametrize("url", ["superlink:8000", "ftp://superlink", "https://", "http://[::1"])
def test_an_address_that_is_none_is_named(url: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(url)):
        client_for(url)


def test_a_ca_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("no certificate", encoding="utf-8")

    for name in ("ca.crt", "missing.crt"):
        with pytest.raises(SettingsError, match=f"{name}: not a file of CA certificates"):
            client_for("https://superlink:8000", tmp_path / name)


def test_an_identity_is_kept() -> None:
    notes = MemoryNotes()
    first = Identity(notes)
    first.known_as(2**64 - 1)

    second = Identity(notes)

    assert (second.node_id, second.public_pem) == (2**64 - 1, first.public_pem)
    assert second.openssh.startswith("ecdsa-sha2-nistp384 ")


def test_a_signature_is_used_again_until_the_server_does_not_take_it() -> None:
    identity = Identity(MemoryNotes())

    first = identity.headers()
    assert identity.headers() is first
    assert not identity.sign_anew(), "it was made just now: it is not the signature that is wrong"
    assert identity.headers() is not first


def test_a_signature_of_another_date_is_made_anew_however_young_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    identity, right = Identity(MemoryNotes()), flower.now
    with monkeypatch.context() as wrong:
        wrong.setattr(flower, "now", lambda: right() + datetime.timedelta(hours=1))
        first = identity.headers()

    assert identity.sign_anew(), "the date was set meanwhile: no stranger, a signature of another hour"
    second = identity.headers()
    monkeypatch.setattr(flower, "now", lambda: right() + datetime.timedelta(hours=1))
    assert len({id(headers) for headers in (first, second, identity.headers())}) == 3


def test_a_full_disk_ends_no_node() -> None:
    class Full(MemoryNotes):
        def put(self, key: str, value: bytes) -> None:
            if key != "fleet_api_key":
                raise StorageFull("no room")
            super().put(key, value)

    identity = Identity(Full())
    identity.known_as(7)

    assert identity.node_id == 7


def test_another_flower_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as another:
        another.setattr(importlib.metadata, "version", lambda _name: "1.42.0")
        with pytest.raises(ImportError, match=re.escape("flwr 1.42.0 is installed, but fleetbeat needs flwr==1.41.*")):
            importlib.reload(checked)

    importlib.reload(checked)


@pytest.mark.parametrize(
    ("server_ahead_s", "words"), [(-3_600, "3600 s ahead of"), (3_600, "3600 s behind"), (0, None), (200, None)]
)
def test_a_date_that_is_wrong_is_told_from_a_server_that_forgot(server_ahead_s: float, words: str | None) -> None:
    moment = datetime.datetime.fromtimestamp(round(flower.now().timestamp()) + server_ahead_s, datetime.UTC)

    told = door._wrong_date(httpx.Response(401, headers={"date": format_datetime(moment, usegmt=True)}))

    assert (told is None) == (words is None)
    if words is not None:
        assert re.sub(r"3(599|601)", "3600", told or "") == f"this machine's clock is {words} the SuperLink's"


@pytest.mark.parametrize("headers", [{}, {"date": "yesterday"}])
def test_a_server_that_tells_no_date_is_taken_at_its_word(headers: dict[str, str]) -> None:
    assert door._wrong_date(httpx.Response(401, headers=headers)) is None
