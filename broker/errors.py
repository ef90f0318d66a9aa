"""What can go wrong, as one tree, each message written for the person at the keyboard.

FleetbeatError
├── UsageError            what you gave is wrong: exit code 2, never a traceback
│   ├── SettingsError     a fleet file, an option, a device kind
│   ├── RecordingError    a recordings folder
│   ├── RunFolderError    a run folder that exists, is missing, or cannot be written
│   └── BrokerRefused     the broker said no: address, user, password or certificate
├── BrokerLost            the broker went away while it was needed
├── WorkerLost            a process that does the devices' work is gone
├── StorageError          a device's file cannot be used: missing, not ours, from the future, in other hands
│   └── StorageFull       there is no room: nothing was written, try again later
├── HeldTooLong           the clock waited for real work that never came back
├── RunEnded              the world has ended: raised inside the server's thread
└── AccountBroken         a sum does not close: a bug in Fleetbeat, and said so
"""


class FleetbeatError(Exception):
    """Anything Fleetbeat itself has to say."""


class UsageError(FleetbeatError):
    """What the user gave is wrong: what was found, what was expected, what to do."""


class SettingsError(UsageError):
    """A fleet file, an option or a kind holds something that cannot be."""


class RecordingError(UsageError):
    """A recordings folder holds something that cannot be."""


class RunFolderError(UsageError):
    """A run folder cannot be used as asked."""


class BrokerRefused(UsageError):
    """The broker refused a connection: unknown user, wrong password, nobody listening."""


class BrokerLost(FleetbeatError):
    """The broker stopped answering while messages were under way."""


class WorkerLost(FleetbeatError):
    """A worker process is gone while its work was needed."""


class StorageError(FleetbeatError):
    """A device's file cannot be used: the message names the file."""


class StorageFull(StorageError):
    """The disk is full. What was to be written is not, and what was there still is."""


class HeldTooLong(FleetbeatError):
    """The clock held for something that never came back; the message names who."""


class RunEnded(FleetbeatError):
    """The run's days are over; ends the server's thread wherever it is."""


class AccountBroken(FleetbeatError):
    """A sum of the account does not close: a bug of ours, please report it."""
