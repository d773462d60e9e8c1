"""The page's server: Dash's own application with what it may load, who may ask, and the feed; waitress serves it."""

from __future__ import annotations

import logging
from pathlib import Path

from dash import Dash
from flask import Response
from waitress.server import create_server  # type: ignore[import-untyped]  # it has no stubs

from nephoscope.views.web.doors import Doors
from nephoscope.views.web.feed import Feed
from nephoscope.views.web.guard import Guard
from nephoscope.views.web.page import connect, layout

THREADS = 8
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
        self._server = create_server(app.server, host=bind, port=port, threads=THREADS, ident=None)
        self.port = int(self._server.effective_port)

    def run(self) -> None:
        """Until `close`, or Ctrl-C."""
        self._server.run()

    def close(self) -> None:
        self._server.close()
