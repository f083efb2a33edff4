"""Where a command stands: its application, its output, its clock; all made when first needed."""

from __future__ import annotations

import getpass
from functools import cached_property
from types import TracebackType
from typing import Self

import onward
from onward.cli.door import Door
from onward.cli.show.output import Output
from onward.cli.show.times import Zone
from onward.cli.told import Told, say


class Here:
    """One call of a command."""

    def __init__(self, told: Told) -> None:
        self.told = told

    @cached_property
    def app(self) -> Door:
        """The server that was named, or else the application."""
        from onward.cli.target import open_server

        server = open_server(self.told)
        if server is None:
            return self.local
        if self.told.verbose:
            say(f"Server: {server.wire.address}")
        return server

    @cached_property
    def local(self) -> onward.Onward:
        """The application that was named, or the one with the built-in catalogue. Raises ``NeedsDatabase``."""
        from onward.cli.target import database_line, open_app, refuse_server

        refuse_server(self.told)
        app = open_app(self.told)
        if self.told.verbose:
            say(f"Database: {database_line(app, self.told)}")
        return app

    @cached_property
    def settings(self) -> onward.Settings:
        """The settings, without an application."""
        return onward.Settings.load(flags={"database.url": self.told.database, "profile": self.told.profile})

    @cached_property
    def zone(self) -> Zone:
        """The zone in which times are shown."""
        return Zone.named(self.told.tz)

    @cached_property
    def out(self) -> Output:
        """Where data goes."""
        return Output(self.told)

    @property
    def actor(self) -> str:
        """Who asks, for the history."""
        try:
            return getpass.getuser()
        except (KeyError, OSError):
            return "somebody"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in ("app", "local"):
            if name in self.__dict__:
                self.__dict__[name].close()
