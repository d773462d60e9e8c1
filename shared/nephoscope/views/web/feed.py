"""The addresses that the page's own scripts ask: whether something is new, the rows of the table, a drawn dashboard."""

from __future__ import annotations

import json
import zlib
from collections import OrderedDict
from threading import Lock

from flask import Flask, Response, request

from nephoscope.model.errors import NephoscopeError
from nephoscope.pipeline.looking.shown import Seen
from nephoscope.pipeline.looking.table import MachineTable, changed
from nephoscope.pipeline.wording import clean, render_time
from nephoscope.views.markup import tag
from nephoscope.views.web.doors import Doors

KEPT = 4
"""Tables that a page may have and be told the difference from."""
COMPRESSED_FROM = 2_000
LEVEL = 1  # over loopback each millisecond counts, and over a network the first level takes most of the bytes
DRAWN_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'none'"


class Feed:
    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._tables: OrderedDict[str, MachineTable] = OrderedDict()
        self._packed: tuple[str, bytes] = ("", b"")
        self._lock = Lock()

    def serve(self, server: Flask) -> None:
        server.add_url_rule("/state", "state", self._state)
        server.add_url_rule("/rows", "rows", self._rows)
        server.add_url_rule("/drawn", "drawn", self._drawn)

    def _state(self) -> Response:
        return _json(json.dumps(state_of(self._doors.now())))

    def _rows(self) -> Response:
        """All rows, or with `since` what differs from the table of that token."""
        seen = self._doors.now()
        if seen.shown is None:
            return _json("{}")
        table, since = seen.shown.table, request.args.get("since", "")
        if since == table.token:
            return _json(json.dumps({"token": since, "whole": False, "same": True}))
        with self._lock:
            before = self._tables.get(since)
            self._tables[table.token] = table
            while len(self._tables) > KEPT:
                self._tables.popitem(last=False)
        return self._whole(table.token, seen.shown.rows) if before is None else _json(changed(table, before))

    def _whole(self, token: str, text: str) -> Response:
        """Compressed once, whatever number of pages asks."""
        if "gzip" not in request.headers.get("Accept-Encoding", ""):
            return _json(text)
        with self._lock:
            if self._packed[0] != token:
                self._packed = token, packed(text)
        return Response(self._packed[1], mimetype="application/json", headers={"Content-Encoding": "gzip"})

    def _drawn(self) -> Response:
        try:
            page = self._doors.dashboard(request.args.get("from", ""), request.args.get("span", ""))
        except NephoscopeError as error:
            page = _problem_page(str(error))
        answer = Response(page, mimetype="text/html")
        answer.headers["Content-Security-Policy"] = DRAWN_POLICY
        return answer


def state_of(seen: Seen) -> dict[str, object]:
    """What a page asks each time: the number of the look, what the title says, and why there is nothing newer."""
    firing = seen.shown.answer.firing if seen.shown else 0
    return {
        "number": seen.number,
        "firing": firing,
        "silent": bool(seen.problem),
        "at": render_time(seen.at) if seen.at else "",
        "banner": banner(seen),
        "table": seen.shown.table.token if seen.shown else "",
    }


def banner(seen: Seen) -> str:
    """Why nothing newer is shown; empty where all is as it should be."""
    if not seen.problem:
        return ""
    if not seen.at:
        return f"Nothing could be read yet: {seen.problem}."
    return f"Last seen at {render_time(seen.at)}; the source does not answer: {seen.problem}."


def packed(text: str) -> bytes:
    machine = zlib.compressobj(LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)  # 16: with gzip's header
    return machine.compress(text.encode()) + machine.flush()


def _json(text: str) -> Response:
    if len(text) > COMPRESSED_FROM and "gzip" in request.headers.get("Accept-Encoding", ""):
        return Response(packed(text), mimetype="application/json", headers={"Content-Encoding": "gzip"})
    return Response(text, mimetype="application/json")


def _problem_page(text: str) -> str:
    style = tag("style", ":root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;margin:24px}")
    head = tag("head", tag("title", "No dashboard"), style)
    said = tag("p", "There is nothing to draw: ", clean(text, 600), ".")
    return f"<!doctype html>\n{tag('html', head, tag('body', tag('main', said)), lang='en')}\n"
