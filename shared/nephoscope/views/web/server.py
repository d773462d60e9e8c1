"""The page's server: Dash's own application with what it may load, who may ask, and the feed; waitress serves it."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

from dash import Dash
from flask import Response
from waitress.channel import HTTPChannel  # type: ignore[import-untyped]  # it has no stubs
from waitress.server import create_server  # type: ignore[import-untyped]
from waitress.trigger import trigger  # type: ignore[import-untyped]

from nephoscope.views.web.doors import Doors
from nephoscope.views.web.feed import Feed
from nephoscope.views.web.guard import Guard
from nephoscope.views.web.page import connect, layout

THREADS = 8
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath fill='%230a5cad' "
    "d='M4 13a3 3 0 0 1-.4-6A4.5 4.5 0 0 1 12.300 6 3.500 3.500 0 0 1 12 13z'/%3E%3C/svg%3E"
)
_INDEX = f"""<!doctype html>
<html lang="en">
<head>{{%metas%}}<meta name="color-scheme" content="light dark"><title>{{%title%}}</title>
<link rel="icon" href="{_ICON}">{{%css%}}</head>
<body>{{%app_entry%}}{{%config%}}{{%scripts%}}{{%renderer%}}</body>
</html>"""
_ASSETS = Path(__file__).with_name("assets")


def make_app(fleet: str, doors: Doors, guard: Guard) -> Dash:
    """The application of one fleet. Everything that it loads comes from this machine."""
    app = Dash(
        "nephoscope",
        assets_folder=str(_ASSETS),
        title=f"{fleet} · nephoscope",
        update_title=None,  # type: ignore[arg-type]  # Dash's own documentation: None leaves the title alone
        serve_locally=True,
        suppress_callback_exceptions=True,
        compress=False,
        index_string=_INDEX,
    )
    app.layout = layout(fleet, doors.every)
    connect(app, fleet, doors)
    guard.protect(app.server)
    Feed(doors).serve(app.server)
    policy = _policy(app)

    def _headers(answer: Response) -> Response:
        answer.headers.setdefault("Content-Security-Policy", policy)
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.headers["Referrer-Policy"] = "no-referrer"
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer

    app.server.after_request(_headers)
    return app


def _policy(app: Dash) -> str:
    """Scripts by their files, and Dash's own one line by its digest. Styles in attributes are how the table and the
    graphs place things."""
    hashes = " ".join(app.csp_hashes())
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {hashes}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "frame-src 'self'",
            "form-action 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


class Serving:
    """The server on its address. `.port` is the one that was taken. Raises OSError where it cannot be."""

    def __init__(self, app: Dash, bind: str, port: int) -> None:
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # that a request waits for a thread is no news
        host = "127.0.0.1" if bind == "localhost" else bind  # a name may be several addresses; one is served
        self._sockets: dict[int, Any] = {}  # waitress' own: listeners, channels and the loop's trigger by descriptor
        self._server = create_server(app.server, map=self._sockets, host=host, port=port, threads=THREADS, ident=None)
        self.port = int(_port_of(self._server))
        self._turn = threading.Lock()
        self._running = self._closed = False

    def run(self) -> None:
        """Until `close`, or Ctrl-C."""
        with self._turn:
            if self._closed:
                return
            self._running = True
        try:
            self._server.run()
        finally:
            with self._turn:
                self._running = False

    def close(self) -> None:
        """May be called from any thread, and twice."""
        with self._turn:
            if self._closed:
                return
            self._closed = True
            self._server.task_dispatcher.shutdown(timeout=1)
            if self._running:  # sockets closed under the loop's select would end its thread with an error
                next(each for each in self._sockets.values() if isinstance(each, trigger)).pull_trigger(self._let_go)
            else:
                self._let_go()

    def _let_go(self) -> None:
        """Listeners, and what browsers keep open; the loop ends when it has nothing to wait for."""
        for each in list(self._sockets.values()):
            if isinstance(each, HTTPChannel):
                each.handle_close()  # wakes who waits to write to it
            else:
                each.close()


def _port_of(server: Any) -> int:
    """A name that is several addresses has a server for each."""
    port: int = server.effective_port if hasattr(server, "effective_port") else server.effective_listen[0][1]
    return port
