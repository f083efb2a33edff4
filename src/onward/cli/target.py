"""Which application and which database a command works on."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from pathlib import Path
from types import ModuleType

from onward.app import Onward
from onward.cli.told import Told
from onward.errors import OnwardError
from onward.remote import Remote
from onward.settings import Settings


class AppNotFound(OnwardError):
    """The application that was named cannot be loaded."""

    code = "app-not-found"
    exit_code = 6


def app_name(told: Told) -> str | None:
    """How the application was named, if it was."""
    return told.app or os.environ.get("ONWARD_APP") or None


class NeedsDatabase(OnwardError):
    """What was asked for is done on the database, and a server was named."""

    code = "needs-database"
    exit_code = 2


def open_server(told: Told) -> Remote | None:
    """The server of ``--server``, ONWARD_SERVER or a configuration file; None where an application is meant."""
    if told.server is None and (told.database is not None or told.app is not None):
        return None
    settings = Settings.load(flags={"client.server": told.server, "profile": told.profile})
    client = settings.client
    if client.server is None:
        return None
    return Remote(client.server, client.key, timeout=client.timeout_seconds)


def refuse_server(told: Told) -> None:
    """Raise ``NeedsDatabase`` where a server was named: nothing is done to another place than the one meant."""
    server = open_server(told)
    if server is not None:
        where = "--server" if told.server is not None else "the setting client.server (ONWARD_SERVER)"
        raise NeedsDatabase(
            f"This works on the database itself, and {where} names {server.wire.address}. Nothing was done.",
            hint="give --database URL, or run it where the server runs",
        )


def open_app(told: Told) -> Onward:
    """The application named by ``--app`` or ONWARD_APP; else one with the built-in catalogue."""
    name = app_name(told)
    if name is None:
        settings = Settings.load(flags={"database.url": told.database, "profile": told.profile})
        app = Onward(settings=settings)
        app.include_catalogue()
        return app
    if told.profile:
        os.environ["ONWARD_PROFILE"] = told.profile
    found = load_app(name)
    return found if told.database is None else _elsewhere(found, told.database)


def _elsewhere(app: Onward, url: str) -> Onward:
    """The same job types on another database."""
    other = Onward(settings=app.settings.on(url), clock=app.clock, bots=app.bots)
    other.include(app.job_types)
    return other


def load_app(name: str) -> Onward:
    """The application of ``module:attribute``, ``module`` or ``path.py:attribute``. Raises ``AppNotFound``."""
    where, _, attribute = name.partition(":")
    module = load_module(where)
    if attribute:
        value = getattr(module, attribute, None)
        if not isinstance(value, Onward):
            what = "has no attribute" if value is None else "has something else than an Onward under"
            raise AppNotFound(f"{where} {what} {attribute!r}.", hint=_hint(where, _apps(module)))
        return value
    apps = _apps(module)
    if len(apps) != 1:
        what = "holds no application" if not apps else f"holds {len(apps)} applications"
        raise AppNotFound(f"{where} {what}.", hint=_hint(where, apps))
    return next(iter(apps.values()))


def _apps(module: ModuleType) -> dict[str, Onward]:
    found = {name: value for name, value in vars(module).items() if isinstance(value, Onward)}
    return {
        name: value for name, value in found.items() if list(found.values()).index(value) == list(found).index(name)
    }


def _hint(where: str, apps: dict[str, Onward]) -> str:
    return (
        f"--app {where}:{next(iter(apps))}" if apps else "write `app = Onward()` there, and name it: --app module:app"
    )


def load_module(where: str) -> ModuleType:
    path = Path(where)
    if path.suffix == ".py" or os.sep in where:
        if not path.is_file():
            raise AppNotFound(f"There is no file {where}.", hint="check the path")
        _look_in(path.resolve().parent)
        where = path.stem
    _look_in(Path.cwd())
    try:
        return importlib.import_module(where)
    except ModuleNotFoundError as error:
        if error.name is not None and (where == error.name or where.startswith(f"{error.name}.")):
            hint = "start the command in the folder that holds it, or name a file: --app path/to/file.py"
            raise AppNotFound(f"There is no module {where!r}.", hint=hint) from None
        raise _broken(where, error) from error
    except OnwardError:
        raise
    except Exception as error:
        raise _broken(where, error) from error


def _look_in(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _broken(where: str, error: Exception) -> AppNotFound:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{frame.filename}:{frame.lineno}"
    return AppNotFound(
        f"{where} cannot be loaded: {type(error).__name__}: {error} ({place})", hint="mend it; --debug shows the trace"
    )


def database_line(app: Onward, told: Told) -> str:
    """Address, file and where it was said."""
    url = app.settings.database.shown_url
    origin = next((item.origin for item in app.settings.origins() if item.key == "database.url"), "default")
    if told.database is not None:
        origin = "--database"
    file = ""
    if url.startswith("sqlite:///") and not url.startswith("sqlite:////"):
        file = f" = {Path.cwd() / url.removeprefix('sqlite:///')}"
    return f"{url}{file} (from {origin})"
