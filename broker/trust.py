"""What speaks against a server's certificate, in words that tell what to do about it."""

import ssl

EXPIRED = 10
FOREIGN = (18, 19, 20, 21)
"""Self-signed, an unknown authority's, and kin."""
NOT_YET = 9
OTHER_HOST = (62, 64)
"""OpenSSL's numbers of what is wrong with a certificate (``X509_V_ERR_…`` in its x509_vfy.h)."""


def why_unsafe(error: ssl.SSLError) -> str:
    """Return why there is no safe connection, and what to do."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        reason = error.reason or str(error)
        return f"{reason}: what answers there may speak no TLS; then its address is mqtt://…"
    if error.verify_code == EXPIRED:
        return "its certificate has expired: renew it (`fleetbeat broker … --renew` for one of its making)"
    if error.verify_code == NOT_YET:
        return "its certificate is not valid yet: is the clock of this machine, or of the one that made it, right?"
    if error.verify_code in FOREIGN:
        return (
            "its certificate is from an authority that is not trusted here "
            f"({error.verify_message}): give the broker's own CA certificate with --broker-ca"
        )
    if error.verify_code in OTHER_HOST:
        return (
            f"its certificate is for another name: {error.verify_message} (`fleetbeat broker … --host NAME` adds one)"
        )
    return error.verify_message
