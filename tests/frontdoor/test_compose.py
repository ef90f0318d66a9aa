"""docker-compose.yml as it is written: what is open to whom, and that its parts agree. tests/compose runs it."""

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from devices.fleet_file import load_fleet
from devices.residents import residents
from fleetbeat.lodging import lodgers

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
HOUSES = dict(word.split("=") for word in SERVICES["keys"]["command"])
WORKS = [name for name in SERVICES if name != "keys"]


def volumes(service: str) -> list[tuple[str, str]]:
    """Its volumes, and where they are mounted."""
    mounts: list[str] = SERVICES[service].get("volumes", [])
    return [(name, place) for name, place, *_ in (mount.split(":") for mount in mounts)]


def test_no_port_is_published() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == []


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_confined(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", WORKS)
def test_no_service_that_works_is_root(name: str) -> None:
    user = SERVICES[name].get("user")

    assert "USER fleetbeat" in (ROOT / "Dockerfile").read_text()
    assert user is None if "FLEETBEAT_IMAGE" in SERVICES[name]["image"] else user not in (None, "0:0")


def test_secrets_are_seen_by_their_service_alone() -> None:
    seen = defaultdict(set)
    for service in WORKS:
        for volume, _ in volumes(service):
            seen[volume].add(service)
    seen["phone-secrets"].discard("wearer")  # who looks on with the phone's own account
    written = {volume: place for volume, place in volumes("keys") if place.startswith("/hand/")}

    assert "cabinet" not in seen
    assert {volume: {place.split("/")[2]} for volume, place in written.items()} == {
        volume: services for volume, services in seen.items() if volume in written
    }


def test_every_secret_is_read_only_where_it_is_used() -> None:
    mounts = [mount for service in WORKS for mount in SERVICES[service].get("volumes", []) if "-secrets:" in mount]

    assert mounts
    assert [mount for mount in mounts if not mount.endswith(":/secrets:ro")] == []


def test_every_device_lives_in_the_container_that_has_its_keys() -> None:
    hosts = {name: service["environment"] for name, service in SERVICES.items() if service.get("command") == ["host"]}
    alone = {name: told["FLEETBEAT_DEVICES"] for name, told in hosts.items() if "FLEETBEAT_DEVICES" in told}

    assert {**alone, "city": "*"} == HOUSES
    assert hosts["city"]["FLEETBEAT_ALL_BUT"] == ",".join(alone.values())
    assert {name: told["FLEETBEAT_HOUSE"] for name, told in hosts.items()} == {name: name for name in hosts}


def test_the_city_is_the_household_and_200_more() -> None:
    city, home = residents(load_fleet("household-city")), residents(load_fleet("household"))
    alone = SERVICES["city"]["environment"]["FLEETBEAT_ALL_BUT"]

    assert [(device.name, device.wearer, device.kind) for device in city[: len(home)]] == [
        (device.name, device.wearer, device.kind) for device in home
    ]
    assert len(lodgers(city, "", alone)) == 200


def test_every_setting_is_told_in_env_example_with_its_default() -> None:
    asked = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", TEXT))
    shown = dict(re.findall(r"^#(\w+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))

    assert set(shown) - {"COMPOSE_PROFILES"} == set(asked)
    assert {name: shown[name] for name, default in asked.items() if default} == {
        name: default for name, default in asked.items() if default
    }


def test_what_lasts_is_looked_after() -> None:
    lasting = [name for name, service in SERVICES.items() if "restart" in service]

    assert lasting == ["broker", "superlink", "smartwatch", "phone", "tablet", "city"]
    assert [name for name in lasting if "healthcheck" not in SERVICES[name]] == []
    assert [name for name in lasting if not {"mem_limit", "pids_limit"} <= set(SERVICES[name])] == []


def test_the_dockerfile_needs_no_frontend_of_its_own() -> None:
    assert "# syntax=" not in (ROOT / "Dockerfile").read_text()
