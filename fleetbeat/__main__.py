"""``python -m fleetbeat``: the front door, and the one place that turns errors into exit codes."""

import signal
import sys


def main() -> None:
    """Run the command line; 0 done, 1 missed its purpose, 2 what was given is wrong, 130 Ctrl-C."""
    from broker.errors import FleetbeatError, UsageError
    from fleetbeat.cli import app

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a supervisor's word for Ctrl-C
    try:
        app(prog_name="fleetbeat")
    except UsageError as error:
        print(f"fleetbeat: {error}", file=sys.stderr)  # noqa: T201  # the command line speaks here
        sys.exit(2)
    except FleetbeatError as error:
        print(f"fleetbeat: {type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201  # the command line speaks here
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
