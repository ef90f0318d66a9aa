"""The strongbox: a folder of a broker's secrets on disk: passwords, wearers' keys, an authority, certificates.

What is there may be kept, and what is missing is added, so that it may be filled before every start.
"""

import os
import secrets
from collections.abc import Collection, Mapping
from pathlib import Path

from broker.access import EVERYBODY_FILE, Access
from broker.certificates import Authority, holds, new_authority, server_certificate, still_good
from broker.credentials import read_credentials
from broker.errors import UsageError
from broker.keyring import key_line, read_key
from broker.mosquitto import configuration as conf
from broker.seal import KEY_BYTES, wearer_key
from broker.secret_files import write_secret, write_whole

AUTHORITY_KEY = "ca.key"
CREDENTIALS, KEYS = "credentials", "keys"
RENEW_DAYS = 30
"""With so few days left a certificate is made anew."""
YEAR_DAYS = 365


def make_folders(out: Path) -> None:
    """Make *out* and the folders in it; raises UsageError."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in (CREDENTIALS, KEYS, conf.STORE):
            (out / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{out}: cannot be written: {os.strerror(error.errno or 0)}") from None


def passwords(access: Access, out: Path, *, keep: bool) -> dict[str, str]:
    """Return everybody's password: with *keep* those that *out* holds, new ones for the others."""
    everybody = out / CREDENTIALS / EVERYBODY_FILE
    passwords = conf.new_secrets(access.users)
    if keep and everybody.exists():
        known = read_credentials(everybody)
        passwords |= {login[0]: login[1] for login in map(known.of, access.users) if login is not None}
    return passwords


def write_credentials(access: Access, passwords: Mapping[str, str], out: Path) -> None:
    """Write a file for each user, and for each house with the lines of its devices; first the one with all of them."""
    folder = out / CREDENTIALS
    files = {EVERYBODY_FILE: list(access.users)}
    files |= {user: [user, *access.houses.get(user, ())] for user in access.users}
    for name, users in files.items():
        write_secret(folder / name, "".join(f"{user}:{passwords[user]}\n" for user in users).encode())
    _clear(folder, files)


def write_keys(wearers: Collection[str], folder: Path, *, keep: bool) -> None:
    """Write a key for each wearer; with *keep* those that are there stay."""
    secret = secrets.token_bytes(KEY_BYTES)  # kept nowhere: each wearer's devices have their wearer's key alone
    for wearer in wearers:
        if keep and (folder / wearer).exists():
            read_key(folder / wearer)
        else:
            write_secret(folder / wearer, key_line(wearer_key(secret, wearer)))
    _clear(folder, wearers)


def write_certificates(fleet: str, out: Path, hosts: Collection[str], days: int, *, keep: bool) -> None:
    """Write an authority, and a certificate of its for a broker at *hosts*; with *keep* what is good stays."""
    left_days = min(RENEW_DAYS, days // 3)
    authority = _known_authority(out, left_days) if keep else None
    if authority is None:
        authority = new_authority(f"Fleetbeat {fleet}", days)
        (out / conf.CA).unlink(missing_ok=True)
        write_secret(out / AUTHORITY_KEY, authority.key)
        write_whole(out / conf.CA, authority.certificate)
    keep_good(out / conf.CERTIFICATE, out / conf.KEY, authority, hosts, days, left_days)


def keep_good(
    certificate: Path, key: Path, authority: Authority, hosts: Collection[str], days: int, left_days: int
) -> None:
    """Make *certificate* and *key* anew, for *days*, unless they are *authority*'s, for *hosts*, and good for a while.

    The key is written before what certifies it: if we are cut off between, the certificate is missing and made anew.
    """
    there = certificate.exists() and key.exists()
    if there and still_good(certificate.read_bytes(), authority, hosts, left_days):
        return
    pair = server_certificate(authority, hosts, days)
    certificate.unlink(missing_ok=True)
    write_secret(key, pair.key)
    write_whole(certificate, pair.certificate)


def _known_authority(out: Path, left_days: int) -> Authority | None:
    """Return the authority of an earlier time, unless it is about to expire."""
    certificate, key = out / conf.CA, out / AUTHORITY_KEY
    if not (certificate.exists() and key.exists()):
        return None
    authority = Authority(certificate.read_bytes(), key.read_bytes())
    return authority if holds(authority.parsed, left_days) else None


def _clear(folder: Path, kept: Collection[str]) -> None:
    """Remove the secrets of those who are gone."""
    for path in folder.iterdir():
        if path.name not in kept:
            path.unlink()
