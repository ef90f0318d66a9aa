"""Certificates of a fleet's own: an authority that vouches for its servers, and the servers' certificates.

Elliptic curve P-256, X.509 version 3, PEM: what Mosquitto, a SuperLink and their clients take.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from broker.errors import UsageError

_SLOW_CLOCKS = timedelta(days=1)
"""Certificates are valid from a day before: a device's clock may be behind."""
_LONGEST_NAME = 64
"""Characters of a common name (RFC 5280, appendix A.1)."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A server's certificate and its private key, both PEM; *repr* shows neither."""

    certificate: bytes
    key: bytes

    def __repr__(self) -> str:
        return "<a certificate and its key>"


@dataclass(frozen=True)
class Authority:
    """A certificate authority: its certificate and its private key, both PEM. Raises UsageError for other bytes."""

    certificate: bytes
    key: bytes

    def __post_init__(self) -> None:
        try:
            fits = self.signer.public_key() == self.parsed.public_key()
        except (ValueError, TypeError):
            fits = False
        if not fits:
            raise UsageError("the authority's certificate and key do not belong together, or are no PEM")

    @cached_property
    def parsed(self) -> x509.Certificate:
        """The certificate taken apart."""
        return x509.load_pem_x509_certificate(self.certificate)

    @cached_property
    def signer(self) -> ec.EllipticCurvePrivateKey:
        """The key that signs."""
        key = serialization.load_pem_private_key(self.key, None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("not a key on an elliptic curve")
        return key

    def __repr__(self) -> str:
        return "<a certificate authority>"


def today() -> datetime:
    """Return the date by which certificates are judged: the wall's, whatever clock the fleet lives on."""
    return datetime.now(UTC)  # noqa: TID251  # everybody else's clock decides whether a certificate is valid


def new_authority(name: str, days: int, since: datetime | None = None) -> Authority:
    """Return a new authority called *name*, valid for *days* days from *since* (now)."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _named(name)
    builder = (
        _dated(since or today(), days)
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return Authority(_pem(builder.sign(key, hashes.SHA256())), _key_pem(key))


def server_certificate(authority: Authority, hosts: Collection[str], days: int, since: datetime | None = None) -> Pair:
    """Return a certificate for a server that is reached under *hosts*, names and IP addresses.

    It is valid for *days* days from *since* (now), but no longer than its *authority*.
    Raises UsageError for a host that cannot be one, or none at all.
    """
    names = [general_name(host) for host in hosts]
    if not names:
        raise UsageError("a certificate for no host: expected one name or IP address at least")
    key = ec.generate_private_key(ec.SECP256R1())
    until = authority.parsed.not_valid_after_utc
    identifier = authority.parsed.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        _dated(since or today(), days, until)
        .subject_name(_named(next(iter(hosts))))
        .issuer_name(authority.parsed.subject)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    return Pair(_pem(builder.sign(authority.signer, hashes.SHA256())), _key_pem(key))


def general_name(host: str) -> x509.GeneralName:
    """Return *host*, a name (``*.fleet.example`` too) or an IP address, as it stands in a certificate.

    Raises UsageError for what cannot be a host.
    """
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        pass
    name = host.removeprefix("*.")
    if not name or not name.isascii() or any(not (sign.isalnum() or sign in "-._") for sign in name):
        raise UsageError(f"host {host!r}: expected a name such as broker.example, or an IP address")
    return x509.DNSName(host)


def still_good(certificate: bytes, authority: Authority, hosts: Collection[str], for_days: int) -> bool:
    """Whether *certificate* (PEM) is *authority*'s, for exactly *hosts*, and will hold for *for_days* more days."""
    try:
        found = x509.load_pem_x509_certificate(certificate)
        found.verify_directly_issued_by(authority.parsed)
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return set(names) == set(map(general_name, hosts)) and holds(found, for_days)


def holds(certificate: x509.Certificate, for_days: int) -> bool:
    """Whether *certificate* will be valid for *for_days* more days."""
    return certificate.not_valid_after_utc >= today() + timedelta(days=for_days)


def _dated(since: datetime, days: int, until: datetime | None = None) -> x509.CertificateBuilder:
    end = since + timedelta(days=days)
    return (
        x509.CertificateBuilder()
        .serial_number(x509.random_serial_number())
        .not_valid_before(since - _SLOW_CLOCKS)
        .not_valid_after(end if until is None else min(end, until))
    )


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:_LONGEST_NAME])])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
