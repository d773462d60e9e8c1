"""The page's server ends from another thread, whatever its loop is at."""

from __future__ import annotations

import http.client
import select
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from waitress import wasyncore  # type: ignore[import-untyped]  # it has no stubs

sys.path.insert(0, str(Path(__file__).parents[1]))  # for what several rooms of the tests use

from nephoscope.app.looking.doors import Doors
from nephoscope.views.web.guard import Guard
from nephoscope.views.web.server import Serving, make_app
from web_memory import Wall, an_outside


def a_server(tmp_path: Path) -> Serving:
    outside = an_outside(tmp_path)
    return Serving(make_app("acme", Doors(lambda: outside, Wall(), {}, 30.0), Guard("")), "127.0.0.1", 0)


@pytest.mark.parametrize("kept_open", [False, True])
def test_it_ends_just_before_its_loop_waits_and_takes_nobody_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept_open: bool
) -> None:
    serving, thread_raised = a_server(tmp_path), list[BaseException]()
    loop_is_there, told_to_end = threading.Event(), threading.Event()
    told_to_end.set()

    def waits(*args: Any) -> Any:
        """The moment that a busy machine makes long: what to wait for is chosen, the waiting has not begun."""
        if not told_to_end.is_set():
            loop_is_there.set()
            told_to_end.wait(5)
        return select.select(*args)

    monkeypatch.setattr(wasyncore, "select", SimpleNamespace(select=waits))

    def run() -> None:
        try:
            serving.run()
        except OSError as error:
            thread_raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    asked = http.client.HTTPConnection("127.0.0.1", serving.port, timeout=5)
    if kept_open:
        asked.request("GET", "/no-such-page")
        asked.getresponse().read()
    told_to_end.clear()
    assert loop_is_there.wait(5)
    serving.close()
    serving.close()
    told_to_end.set()
    thread.join(5)
    assert not thread.is_alive()
    assert thread_raised == []
    asked.close()
    with pytest.raises(OSError):
        http.client.HTTPConnection("127.0.0.1", serving.port, timeout=5).request("GET", "/")


def test_one_that_was_ended_before_it_ran_does_not_run(tmp_path: Path) -> None:
    serving = a_server(tmp_path)
    serving.close()
    serving.run()  # returns
