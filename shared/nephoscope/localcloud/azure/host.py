"""The part of Azure's host, as far as one function app needs it: a program for a process of its own.

    python -P host.py APP_FOLDER < lines of JSON {"function": "collect", "at": "2026-11-26T06:00:00Z"}

Loads function_app.py from the unpacked package, finds the registered functions in the app as the worker does, and calls
one with a TimerRequest for each line. Prints a line of JSON for each: {"logged": [...]} with what the function logged,
or {"error": ...} as the host would count it. What lies on a queue output is put on no queue.

Source: azure-functions, FunctionApp.get_functions (how the worker indexes an app); the timer's payload is that of the
host's TimerTrigger binding (Schedule, ScheduleStatus, IsPastDue). Microsoft's own worker runs the same package in
tests/package.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

OUT = 1
"""Source: azure-functions, BindingDirection."""


class Lines(logging.Handler):
    """What the app logs under its own name, kept until it is asked for."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.kept: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append(record.getMessage())

    def taken(self) -> list[str]:
        kept, self.kept = self.kept, []
        return kept


class Put:
    """func.Out for a queue."""

    def __init__(self) -> None:
        self.value: Any = None

    def set(self, value: Any) -> None:
        self.value = value

    def get(self) -> Any:
        return self.value


def main(folder: str) -> None:
    sys.path.insert(0, folder)
    lines = Lines()
    logging.getLogger("nephoscope").addHandler(lines)
    logging.getLogger("nephoscope").setLevel(logging.INFO)
    app = import_module("function_app").app
    functions = {each.get_function_name(): each for each in app.get_functions()}
    for line in sys.stdin:
        _say(_called(functions, json.loads(line), lines))


def _called(functions: Mapping[str, Any], asked: Mapping[str, str], lines: Lines) -> dict[str, Any]:
    function = functions[asked["function"]]
    outputs = [binding.name for binding in function.get_bindings() if binding.direction == OUT]
    try:
        function.get_user_function()(_timer(asked["at"]), **{name: Put() for name in outputs})
    except Exception as error:  # noqa: BLE001 - whatever it is, the host counts it and goes on
        return {"error": f"{type(error).__name__}: {error}", "logged": lines.taken()}
    return {"logged": lines.taken()}


def _timer(at: str) -> Any:
    """The status is that of before the invocation: its `Next` is this one."""
    from azure.functions.timer import TimerRequest  # noqa: PLC0415 - the app's own, found behind its folder

    return TimerRequest(past_due=False, schedule_status={"Last": at, "Next": at, "LastUpdated": at}, schedule={})


def _say(what: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
