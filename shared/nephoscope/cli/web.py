"""`nephoscope web`: a page on this machine that shows everything at once: is all well, what fires, the fleet."""

from __future__ import annotations

import argparse
import webbrowser
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from nephoscope.app.outside import Outside, open_outside
from nephoscope.cli.call import WELL, Call, CallError
from nephoscope.cli.memory import NOTHING_YET
from nephoscope.cli.show import positive
from nephoscope.model.config import Config

if TYPE_CHECKING:
    from nephoscope.app.looking.doors import Doors

HELP = "Serve a page on this machine: is all well, what fires, the fleet, each machine's series."
EXAMPLES = """\
examples:
  nephoscope web                                     http://127.0.0.1:8050
  nephoscope web --table TableName                   that output of a deployment
  nephoscope web --dashboard body.json               also draw a CloudWatch dashboard's body
  nephoscope web --bind 0.0.0.0                      for others, by a token that is printed once

It reads, and changes nothing. The alert memory is read again every few seconds while
somebody looks; a machine's series and a dashboard's data are read from their provider
when they are looked at, and cost what such a read costs. Everything that the page
loads comes from this machine."""

PORT = 8050


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=_port, default=PORT, metavar="N", help=f"0 takes any (default: {PORT})")
    parser.add_argument("--bind", default="127.0.0.1", metavar="ADDRESS", help="default: 127.0.0.1, this machine alone")
    parser.add_argument("--every", type=positive, default=10, metavar="S", help="seconds between reads (default: 10)")
    parser.add_argument(
        "--dashboard", action="append", default=[], metavar="FILE", type=Path, help="a dashboard's body to draw"
    )
    parser.add_argument("--open", action="store_true", help="open it in the browser")


def _port(text: str) -> int:
    """argparse's type for a port. Raises ArgumentTypeError."""
    number = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= number < 65_536:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 0 to 65535")
    return number


def run(call: Call) -> int:
    config = call.config()
    doors = _doors(call, config)
    try:
        server = import_module("nephoscope.views.web.server")
        guards = import_module("nephoscope.views.web.guard")
    except ModuleNotFoundError as error:
        raise CallError(f"the page needs {error.name}", "Install it with: pip install 'nephoscope[cli,web]'") from error
    bind, local = call.args.bind, guards.is_loopback(call.args.bind)
    guard = guards.Guard("" if local else guards.new_token())
    try:
        serving = server.Serving(server.make_app(config.fleet, doors, guard), bind, call.args.port)
    except OSError as error:
        said = getattr(error, "strerror", None) or error
        raise CallError(
            f"cannot serve on {bind}:{call.args.port}: {said}", "--port 0 takes any that is free."
        ) from error
    _say(call, bind, serving.port, guard.token)
    try:
        serving.run()
    except KeyboardInterrupt:
        call.terminal.note("ended")
    finally:
        serving.close()
    return WELL


def _doors(call: Call, config: Config) -> Doors:
    """The memory need not be there yet: the page says so, and shows it as soon as it is."""
    from nephoscope.app.looking.doors import Doors, NothingYetError  # noqa: PLC0415 - AWS's SDK only where it is asked

    settings = call.settings_at_home(config)
    files = {path.name: path for path in call.args.dashboard}
    for path in files.values():
        if not path.is_file():
            raise CallError(f"there is no file {path}", "--dashboard names the JSON of a dashboard's body.")

    def opened() -> Outside:
        if not call.has_memory:
            raise NothingYetError(
                f"there is no {settings.table}; {NOTHING_YET[0].lower()}{NOTHING_YET[1:].rstrip('.')}"
            )
        return open_outside(config, settings, call.clock)

    return Doors(opened, call.clock, files, call.args.every)


def _say(call: Call, bind: str, port: int, token: str) -> None:
    host = f"[{bind}]" if ":" in bind else bind
    address = f"http://{host}:{port}/" + (f"?token={token}" if token else "")
    call.terminal.line(address)
    if token:
        call.terminal.note("whoever has this address may look; it is not shown again")
    call.terminal.note("Ctrl-C ends it")
    if call.args.open:
        webbrowser.open(address)
