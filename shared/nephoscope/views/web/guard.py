"""Who may see the page.

On loopback it is this machine's own: whoever is logged in here. But a page on the internet can have its own name lead
to 127.0.0.1 and then read what answers there (DNS rebinding); its requests carry that name as their host, so only the
names of loopback are answered. Elsewhere a token is asked for: once in the address, then by a cookie that no script
reads. Links in messages lead here from other sites, so it is sent along with those (Lax); nothing here can be changed.
Source: OWASP, "Session Management Cheat Sheet" (HttpOnly, SameSite); RFC 9110, 7.2 (Host).
"""

from __future__ import annotations

import ipaddress
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from flask import Flask, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

COOKIE = "nephoscope"
COOKIE_SECONDS = 12 * 3600
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_FORBIDDEN = "This page needs its token: open the address that `nephoscope web` printed.\n"
_MISDIRECTED = "This page answers to localhost and 127.0.0.1 only.\n"


def is_loopback(bind: str) -> bool:
    """Whether nobody but this machine reaches the address."""
    if bind == "localhost":
        return True
    try:
        return ipaddress.ip_address(bind).is_loopback
    except ValueError:
        return False


def new_token() -> str:
    return secrets.token_urlsafe(24)


@dataclass(frozen=True, slots=True)
class Guard:
    """token: asked for where it is not empty; otherwise the host's name is looked at."""

    token: str = field(default="", repr=False)

    def protect(self, server: Flask) -> None:
        server.before_request(self._check)

    def _check(self) -> AnyResponse | None:
        if not self.token:
            return None if host_of(request.host) in LOOPBACK_NAMES else _refusal(_MISDIRECTED, 421)
        if self._is(request.cookies.get(COOKIE, "")):
            return None
        if self._is(request.args.get("token", "")):
            return self._let_in()
        return _refusal(_FORBIDDEN, 403)

    def _is(self, said: str) -> bool:
        return secrets.compare_digest(said.encode(), self.token.encode())

    def _let_in(self) -> AnyResponse:
        """To the same page without the token: it should stand in no history and no bookmark."""
        rest = [(key, value) for key, value in request.args.items(multi=True) if key != "token"]
        answer = redirect(request.path + (f"?{urlencode(rest)}" if rest else ""), 303)
        answer.set_cookie(COOKIE, self.token, max_age=COOKIE_SECONDS, httponly=True, samesite="Lax", path="/")
        return answer


def host_of(header: str) -> str:
    """The name in a Host header, without its port: `[::1]:8050` is `::1`."""
    try:
        return (urlsplit(f"//{header}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _refusal(text: str, code: int) -> Response:
    return Response(text, code, mimetype="text/plain")
