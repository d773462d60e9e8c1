"""`nephoscope`: the entrance for people. Commands are listed here, each in a file of its own name.

No command decides anything: what it shows comes from the floors below. Every failure that is ours ends as a sentence
on stderr with an exit code, never as a traceback.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NoReturn

COMMANDS: Mapping[str, str] = {
    "demo": "nephoscope.cli.show",
    "validate": "nephoscope.cli.validate",
    "test": "nephoscope.cli.test",
    "backtest": "nephoscope.cli.backtest",
    "doctor": "nephoscope.cli.doctor",
    "list": "nephoscope.cli.list",
    "metrics": "nephoscope.cli.metrics",
    "plot": "nephoscope.cli.plot",
    "history": "nephoscope.cli.history",
    "run": "nephoscope.cli.run",
    "status": "nephoscope.cli.status",
    "states": "nephoscope.cli.states",
    "timeline": "nephoscope.cli.timeline",
    "explain": "nephoscope.cli.explain",
    "ack": "nephoscope.cli.ack",
    "silence": "nephoscope.cli.silence",
    "outbox": "nephoscope.cli.outbox",
    "send-test": "nephoscope.cli.send_test",
    "dashboard": "nephoscope.cli.dashboard",
    "web": "nephoscope.cli.web",
    "completion": "nephoscope.cli.completion",
}
"""In the order in which a newcomer meets them."""

INTERRUPTED = 130
CLOSED_PIPE = 141
"""128 and the number of SIGINT and SIGPIPE: what a shell expects of a program that was stopped so."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The console script. Returns the exit code; argparse itself exits with 2 on a wrong call and 0 after --help."""
    if "_ARGCOMPLETE" in os.environ:  # a shell asks what could stand at the cursor
        from nephoscope.cli.completing import complete  # noqa: PLC0415 - at the press of a key: nothing else is imported

        complete(COMMANDS)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a name in a script that the terminal's encoding lacks
    try:
        from nephoscope.cli.calling import run  # noqa: PLC0415 - as above; Ctrl-C while it is imported is heeded, too

        code = run(COMMANDS, arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        _leave_pipe()
        return CLOSED_PIPE
    except KeyboardInterrupt:
        _stop()
    return code


def _stop() -> NoReturn:
    """At once: calls that other threads still wait for would hold up an orderly end for as long as they take."""
    sys.stderr.write("\nnephoscope: stopped\n")
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(INTERRUPTED)


def _leave_pipe() -> None:
    """The reader is gone (`| head`). Python flushes stdout at its end: into nothing, so that it does not complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
