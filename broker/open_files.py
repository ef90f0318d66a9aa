"""Open files: one connection is one of them, and many systems allow 256 or 1,024 unless asked."""

import contextlib
import resource

MANY = 65_536
"""Enough for 30,000 devices and their broker; some systems do not take "unlimited"."""


def allow_many_files() -> None:
    """Raise this process's limit of open files (its children inherit it) as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MANY if hard == resource.RLIM_INFINITY else min(hard, MANY)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):  # macOS: below what it says it allows
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
