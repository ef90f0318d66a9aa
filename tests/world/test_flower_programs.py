"""Flower's own programs: what they find around them."""

from pathlib import Path

from fleetbeat.flower_programs import flower_environment


def test_who_is_kept_off_a_proxy_stays_off_it_beside_this_machine() -> None:
    given = flower_environment(Path("/home"), {"NO_PROXY": "intranet.example", "PATH": "/bin"})

    assert given["NO_PROXY"] == given["no_proxy"] == "intranet.example,127.0.0.1,localhost"


def test_without_any_it_is_this_machine_alone() -> None:
    given = flower_environment(Path("/home"), {"PATH": "/bin"})

    assert given["no_proxy"] == "127.0.0.1,localhost"
