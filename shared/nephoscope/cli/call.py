"""What every command is given: the arguments, the terminal, and the ways to the configuration and to the world.

Nothing is opened before a command asks for it: `validate` needs no store, `list` no dashboard.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from nephoscope.app.config import load_config
from nephoscope.app.outside import Outside, SystemClock, open_outside
from nephoscope.app.settings import Settings
from nephoscope.cli.defaults import DEFAULT_CONFIG, DEFAULT_STORE, FAILED, WELL, WRONG
from nephoscope.cli.terminal import Terminal
from nephoscope.model.config import Config, PublishElasticsearch
from nephoscope.model.errors import NephoscopeError, Problem
from nephoscope.model.scope import Cloud
from nephoscope.model.time import Deadline
from nephoscope.ports import Clock

__all__ = ["FAILED", "WELL", "WRONG", "Call", "CallError", "Command", "add_cloud_argument"]

_GATHERED = "Leave --cloud out for all that are, or write the cloud under `gather`."


class CallError(NephoscopeError):
    """The call itself is wrong. hint: what to do next."""

    def __init__(self, text: str, hint: str = "") -> None:
        self.hint = hint
        super().__init__(text)


class Command(Protocol):
    """A module of this room. HELP: one line. EXAMPLES: shown below the options, one command a line."""

    HELP: str
    EXAMPLES: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, call: Call) -> int:
        """Do it; returns the exit code. Raises NephoscopeError, which main turns into words and a code."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the command line."""

    args: argparse.Namespace
    terminal: Terminal
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    clock: Clock = field(default_factory=SystemClock)

    @property
    def config_path(self) -> Path:
        return Path(self.args.config)

    def checked(self) -> tuple[Config, tuple[Problem, ...]]:
        """The configuration, from YAML or compiled JSON, and what is odd in it. Raises ConfigError, CallError."""
        path = _existing(self.config_path)
        if path.suffix == ".json":
            return load_config(_read(path), str(path)), ()
        from nephoscope.app.authoring.compile import compile_file  # noqa: PLC0415 - its checker only where needed

        compiled = compile_file(path, self.environment)
        return compiled.config, compiled.warnings

    def config(self) -> Config:
        return self.checked()[0]

    def history(self, config: Config) -> PublishElasticsearch:
        """Where history is kept. Raises CallError where it is not."""
        if config.history is None:
            raise CallError(
                f"{self.config_path} keeps no history",
                "It is kept by a publish.elasticsearch: publish: {elasticsearch: {url: https://HOST:9200}}",
            )
        return config.history

    def clouds(self, config: Config) -> tuple[Cloud, ...]:
        """Those that this call is about: --cloud, or all that are gathered. Raises CallError for one that is not."""
        asked = tuple(dict.fromkeys(Cloud(name) for name in getattr(self.args, "cloud", ())))
        for cloud in asked:
            if cloud not in config.gather.kinds:
                there = ", ".join(config.gather.kinds)
                raise CallError(f"{cloud} is not gathered; {self.config_path} has {there}", _GATHERED)
        return asked or tuple(config.gather.kinds)

    def settings(self) -> Settings:
        """The deployment's own where a table is named; a local file otherwise."""
        given = Settings.from_environment(self.environment)
        if self.args.store and self.args.table:
            raise CallError("--store and --table name two memories; one of them is meant")
        if self.args.store:
            return replace(given, store="sqlite", table=self.args.store)
        if self.args.table:
            return replace(given, store="dynamodb", table=self.args.table)
        if "NEPHOSCOPE_TABLE" in self.environment or "NEPHOSCOPE_STORE" in self.environment:
            return given
        return replace(given, store="sqlite", table=DEFAULT_STORE)

    def settings_at_home(self, config: Config) -> Settings:
        """The same; where this shell names no region, it is the one that is published to: there the deployment, its
        table and its secrets live."""
        settings = self.settings()
        if settings.home_region:
            return settings
        os.environ["AWS_DEFAULT_REGION"] = config.publish.region
        return replace(settings, home_region=config.publish.region)

    def outside(self, change: Callable[[Settings], Settings] = lambda settings: settings) -> Outside:
        """Everything that touches the world, opened as this call says. Raises ConfigError, CallError."""
        config = self.config()
        settings = self.settings_at_home(config)
        clouds = self.clouds(config)
        if set(clouds) < set(config.gather.kinds):
            settings = replace(settings, clouds=tuple(map(str, clouds)))
        try:
            opened = open_outside(config, change(settings), self.clock)
            tuple(opened.readers.values())  # each is opened: what is missing here is told before anything is done
        except ModuleNotFoundError as error:
            raise CallError(
                f"a cloud that is gathered needs {error.name}",
                "Install what its reader imports: pip install 'nephoscope[cli,gcp,azure]'",
            ) from error
        return opened

    def outside_only(self) -> Outside:
        """The same with a memory that holds nothing and is kept nowhere: for commands that only look at clouds."""
        return self.outside(lambda settings: replace(settings, store="sqlite", table=":memory:"))

    def outside_looking(self, change: Callable[[Settings], Settings] = lambda settings: settings) -> Outside:
        """With the memory that this call names; with an empty one where there is none yet. Looking makes no file."""
        if self.has_memory:
            return self.outside(change)
        return self.outside(lambda settings: change(replace(settings, store="sqlite", table=":memory:")))

    @property
    def has_memory(self) -> bool:
        """Whether there is a memory to look into; a table is taken to be there."""
        settings = self.settings()
        return settings.store != "sqlite" or Path(settings.table).exists()

    def deadline(self, seconds: float) -> Deadline:
        return Deadline(self.clock.monotonic() + seconds, self.clock.monotonic)


def add_cloud_argument(parser: argparse.ArgumentParser) -> None:
    """--cloud, for the commands that can be about some clouds only."""
    parser.add_argument(
        "--cloud",
        action="append",
        default=[],
        choices=[str(cloud) for cloud in Cloud],
        help="only this cloud; may be said several times",
    )


def _existing(path: Path) -> Path:
    if path.is_dir():
        raise CallError(
            f"{path} is a folder, not a configuration", f"Name the file in it: --config {path / DEFAULT_CONFIG}"
        )
    if not path.exists():
        raise CallError(
            f"there is no configuration {path}",
            "Name another with --config FILE, or start with two lines:\n"
            f'  printf "fleet: acme\\ngather: {{aws: {{regions: [eu-west-1]}}}}\\n" > {DEFAULT_CONFIG}',
        )
    return path


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CallError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
