"""The seals of the wearers who live here: each device's own way to seal what it sends, and to open what it gets."""

from collections.abc import Mapping

from broker.errors import SettingsError
from broker.seal import Counter, Seal, Unsealer
from devices.residents import Device
from devices.storage.store import Store


class WearersSeals:
    """Keeps what `devices.surroundings.Seals` promises, with one key per wearer."""

    def __init__(self, keys: Mapping[str, bytes], fleet: str, store: Store) -> None:
        """*keys* is wearer → key; counters are kept in the devices' notes in *store*."""
        self._keys = keys
        self._fleet = fleet
        self._store = store

    def sealing(self, device: Device) -> Seal:
        """Return how *device* seals what it sends; raises SettingsError if its wearer has no key here."""
        counter = Counter(self._store.notes(device.name), "seal")
        return Seal(self._key_of(device), self._fleet, device.name, counter)

    def opening(self, device: Device) -> Unsealer:
        """Return how *device* opens what its wearer's devices send."""
        return Unsealer(self._key_of(device), self._store.notes(device.name))

    def _key_of(self, device: Device) -> bytes:
        key = self._keys.get(device.wearer)
        if key is None:
            raise SettingsError(f"there is no key for {device.wearer}, who wears {device.name}")
        return key
