"""Loading a guest: its two apps imported anew for each run, with words for whatever keeps them from it."""

import importlib.util
import shlex
import sys
import sysconfig
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from types import ModuleType
from typing import TypeVar
from zlib import crc32

from flwr.clientapp import ClientApp
from flwr.serverapp import ServerApp
from packaging.utils import canonicalize_name
from threadpoolctl import threadpool_limits

from aggregator.dates import guests_builtins
from aggregator.draws import seed_global_generators
from aggregator.flower import load_app
from aggregator.server_end import place_in
from broker.errors import SettingsError
from fleetbeat.apps.project import Project, requirements

Kind = TypeVar("Kind", ServerApp, ClientApp)

KNOWN_AS = {
    "sklearn": "scikit-learn",
    "cv2": "opencv-python",
    "pil": "pillow",
    "yaml": "pyyaml",
    "skimage": "scikit-image",
    "bs4": "beautifulsoup4",
}
"""Packages that are imported by another name than they are installed by."""

OURS = frozenset({"aggregator", "broker", "devices", "fleetbeat"})
"""Packages that stay, where the guest is Fleetbeat's own repository: everybody here holds on to what is in them."""

INSTALLED = tuple(Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib"))
"""Where nothing is a guest's own, though an environment may lie in its folder."""

_folders: set[Path] = set()
"""Folders that this process has imported guests from."""


class _GuestsModule(SourceFileLoader):
    """Runs a module of a guest, with dates that follow virtual time."""

    def exec_module(self, module: ModuleType) -> None:
        """Run *module* as any other, but for what it imports as ``datetime``."""
        vars(module)["__builtins__"] = guests_builtins()
        super().exec_module(module)


class _GuestsModules(MetaPathFinder):
    """Finds modules of guests, whenever they import them: at once, or in a function, long after."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a spec of a guest's own module; None for all others, which are found as ever."""
        found = PathFinder.find_spec(fullname, path, target) if _folders and _strange(fullname) else None
        if found is None or not isinstance(found.loader, SourceFileLoader) or found.origin is None:
            return None
        if not any(_inside(found.origin, folder) for folder in _folders):
            return None
        found.loader = _GuestsModule(found.loader.name, found.loader.path)
        return found


_FINDER = _GuestsModules()


class _NoSuchAttribute(Exception):
    """Raised by Flower's loader in our name."""


def load_server(project: Project) -> ServerApp:
    """Return the ServerApp of *project*; raises SettingsError if it cannot be had."""
    return _load(project, "serverapp", project.server, ServerApp)


def load_client(project: Project) -> ClientApp:
    """Return the ClientApp of *project*; raises SettingsError if it cannot be had."""
    return _load(project, "clientapp", project.client, ClientApp)


def forget_guests() -> None:
    """Let whatever is loaded next be imported anew: what a module remembers must not pass from run to run."""
    for folder in _folders:
        for name, module in list(sys.modules.items()):
            if _strange(name) and _inside(_place(module), folder):
                del sys.modules[name]
        if str(folder) in sys.path:
            sys.path.remove(str(folder))
    _folders.clear()
    if _FINDER in sys.meta_path:
        sys.meta_path.remove(_FINDER)


def _load(project: Project, component: str, reference: str, kind: type[Kind]) -> Kind:
    _folders.add(project.folder)
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
    where = f"app: {project.folder / 'pyproject.toml'}: [tool.flwr.app.components] {component}: {reference}"
    seed_global_generators(crc32(b"guest"), crc32(reference.encode()))
    try:
        found = load_app(reference, _NoSuchAttribute, project.folder)
    except _NoSuchAttribute:
        module, _, attribute = reference.partition(":")
        raise SettingsError(f"{where}: {module} has no {attribute}, expected a {kind.__name__} there") from None
    except (Exception, SystemExit) as error:  # whatever a stranger's module raises when it is imported
        raise SettingsError(f"{where}: {_why(error, project)}") from error
    finally:
        _single_threaded()
    if not isinstance(found, kind):
        raise SettingsError(f"{where}: is a {type(found).__name__}, expected a {kind.__name__}")
    return found


def _single_threaded() -> None:
    """Let the libraries that are loaded now compute in one thread: sums in several have other last digits."""
    threadpool_limits(1)
    if (torch := sys.modules.get("torch")) is not None:  # it sets threads for each of its own, by its own number
        torch.set_num_threads(1)


def _strange(module: str) -> bool:
    return module.partition(".")[0] not in OURS


def _place(module: ModuleType) -> str | None:
    return getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), None)


def _inside(place: str | None, folder: Path) -> bool:
    if place is None or not Path(place).is_relative_to(folder):
        return False
    return not any(Path(place).is_relative_to(installed) for installed in INSTALLED)


def _why(error: BaseException, project: Project) -> str:
    place = place_in(project.folder, error)
    if _is_flowers(error):
        return (
            f"{error}{place}: the app was written for another version of Flower; installed is flwr {version('flwr')}, "
            "see https://flower.ai/docs/framework/ref-changelog.html"
        )
    if isinstance(error, ModuleNotFoundError) and error.name:
        return _missing(error.name, project, place)
    return f"cannot be imported: {type(error).__name__}: {error}{place}"


def _is_flowers(error: BaseException) -> bool:
    """Whether *error* is about a name that Flower does not have (any more)."""
    if isinstance(error, AttributeError):
        return str(getattr(error.obj, "__name__", "")).partition(".")[0] == "flwr"
    return isinstance(error, ImportError) and (error.name or "").partition(".")[0] == "flwr"


def _missing(name: str, project: Project, place: str) -> str:
    """Say which dependency the module *name* comes from, and how all that are missing get here."""
    top = name.partition(".")[0]
    known = requirements(project.dependencies)
    wanted = canonicalize_name(KNOWN_AS.get(top.lower(), top))
    absent = {package: requirement for package, requirement in known.items() if not _installed(package)}
    if wanted not in absent:
        if wanted in known or top in packages_distributions() or importlib.util.find_spec(top) is not None:
            return f"cannot be imported: No module named {name!r}{place}"
        return (
            f"imports {name}{place}, which is neither in {project.folder} nor installed nor among its [project] "
            "dependencies: add it there, and install it"
        )
    needed = ", ".join(str(requirement) for requirement in absent.values())
    line = shlex.join([sys.executable, "-m", "pip", "install", *map(str, absent.values())])
    return f"imports {name}{place}, which is not installed; of its [project] dependencies are missing: {needed}; {line}"


def _installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True
