"""A webhook's URL taken apart, and the way to it: one resolution, every address judged, a connection to one of them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from urllib.parse import urlsplit

from nephoscope.model.errors import Reason
from nephoscope.model.secret import Secret
from nephoscope.notifiers.address import allowed, place_of

Resolve = Callable[[str, int, float], Sequence[str]]
"""(name, port, seconds) -> numeric addresses, in the resolver's order. Raises OSError."""

Connect = Callable[[str, int, float], socket.socket]
"""(numeric address, port, seconds) -> a connected socket. Raises OSError."""

_PORTS = {"https": 443, "http": 80}
_LONGEST_NAME = 253


class EndpointError(Exception):
    """A URL that nothing may be sent to. The text says what is wrong with it and holds no part of it."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}")


@dataclass(frozen=True, slots=True, repr=False)
class Endpoint:
    """name: as it stands in Host, SNI and certificate, in ASCII. target: path and query; a secret, like all of it."""

    tls: bool
    name: str
    port: int
    target: str

    @property
    def host_header(self) -> str:
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port == _PORTS["https" if self.tls else "http"] else f"{name}:{self.port}"


def parse_endpoint(url: Secret, *, allow_http: bool) -> Endpoint:
    """Raises EndpointError for what is no plain web address, and for http where it is not allowed."""
    text = url.reveal().strip()
    if not text.isascii() or any(character <= " " or character == "\x7f" for character in text):
        raise EndpointError(Reason.MALFORMED, "the address holds blanks or characters that are not ASCII")
    try:
        parts = urlsplit(text)
        name, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        parts = None
    if parts is None:  # raised here, so that the parser's own words about the URL are no context of it
        raise EndpointError(Reason.MALFORMED, "the address is not a URL")
    if parts.scheme not in _PORTS:
        raise EndpointError(Reason.MALFORMED, "the address does not begin with https://")
    if parts.scheme == "http" and not allow_http:
        raise EndpointError(Reason.ADDRESS_REFUSED, "plain http is not allowed for this channel (allow_http)")
    if not name or len(name) > _LONGEST_NAME or "@" in parts.netloc:
        raise EndpointError(Reason.MALFORMED, "the address has no usable host name; names of users do not belong in it")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Endpoint(parts.scheme == "https", name, _PORTS[parts.scheme] if port is None else port, target)


def judged_addresses(found: Sequence[str], *, allow_private: bool) -> tuple[str, ...]:
    """All of them, in their order, where all are allowed. Raises EndpointError as soon as one is not: a name that leads
    outside and inside at once is no name to trust."""
    for address in found:
        if not allowed(address, allow_private=allow_private):
            place = place_of(address).replace("_", "-")
            hint = "" if allow_private else "; see allow_private"
            raise EndpointError(Reason.ADDRESS_REFUSED, f"the name leads to a {place} address{hint}")
    return tuple(dict.fromkeys(found))


def resolve_name(name: str, port: int, seconds: float) -> Sequence[str]:
    """By the system's resolver, which knows no time limit: it is asked in a thread that is left alone when it takes
    too long. Raises OSError; TimeoutError after `seconds`."""
    answers: SimpleQueue[Sequence[str] | OSError] = SimpleQueue()
    threading.Thread(target=lambda: answers.put(_look_up(name, port)), daemon=True).start()
    try:
        answer = answers.get(timeout=max(seconds, 0.001))
    except Empty:
        raise TimeoutError("the name was not resolved in time") from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def _look_up(name: str, port: int) -> Sequence[str] | OSError:
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except UnicodeError:  # an empty label, or one of more than 63 characters
        return socket.gaierror(socket.EAI_NONAME, "not a host name")
    except OSError as error:
        return error
    return [str(row[4][0]) for row in found]


def connect_to(address: str, port: int, seconds: float) -> socket.socket:
    """A TCP connection to a numeric address: nothing is resolved any more. Raises OSError."""
    return socket.create_connection((address, port), timeout=seconds)
