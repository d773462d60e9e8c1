"""Webhooks: a body in the channel's format, signed where the channel has a key, posted to a judged address.

The URL is a secret, and what a receiver says may hold anything. So errors are built from our own words only, and never
raised while a foreign exception is handled: a certificate's error names the host, a bad answer's quotes the answer.

The standard library's HTTP client, not urllib3: urllib3's pool writes each URL's path to the log at DEBUG, and which
release of it a Lambda runtime brings is not ours to choose. http.client follows no redirect and reads no proxy.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from nephoscope import __version__
from nephoscope.model.config import Channel
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.group import Message
from nephoscope.model.secret import Secret
from nephoscope.model.time import Deadline
from nephoscope.notifiers import signing
from nephoscope.notifiers.answers import meaning_of, parse_retry_after
from nephoscope.notifiers.endpoint import (
    Connect,
    Endpoint,
    EndpointError,
    Resolve,
    connect_to,
    judged_addresses,
    parse_endpoint,
    resolve_name,
)
from nephoscope.notifiers.formats import FORMATS, Format
from nephoscope.notifiers.line import Line
from nephoscope.ports import Clock, SecretReader

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
LEAST_SECONDS = 0.5
"""For one address; for all of a try; and what must be left for one to begin."""

_DRAIN_SECONDS = 1.0

_FAILURES: tuple[tuple[type[Exception], Reason, str], ...] = (
    (TimeoutError, Reason.TIMEOUT, "no answer in time"),
    (socket.gaierror, Reason.UNAVAILABLE, "the name could not be resolved"),
    (ssl.SSLCertVerificationError, Reason.UNAVAILABLE, "the certificate is not valid for the name"),
    (ssl.SSLError, Reason.UNAVAILABLE, "TLS failed"),
    (ConnectionRefusedError, Reason.UNAVAILABLE, "the connection was refused"),
    (ConnectionError, Reason.UNAVAILABLE, "the connection was cut"),
    (http.client.HTTPException, Reason.MALFORMED, "the answer is not HTTP"),
    (OSError, Reason.UNAVAILABLE, "no connection"),
)
"""The first row that fits decides. All are worth another try: nothing was said about the message itself."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of one try: a status with its Retry-After, or the failure that there was instead."""

    status: int = 0
    retry_after: str | None = None
    failure: Reason | None = None
    detail: str = ""


def open_notifier(
    channel: Channel,
    secrets: SecretReader,
    clock: Clock,
    *,
    resolve: Resolve = resolve_name,
    connect: Connect = connect_to,
) -> Webhook:
    """No call is made and no secret read before the first `send`. Raises DeliveryError for a format without a row."""
    form = FORMATS.get(channel.format)
    if form is None:
        raise DeliveryError(destination=channel.name, reason=Reason.REJECTED, detail="no such format")
    return Webhook(channel, form, secrets, clock, resolve, connect)


class Webhook:
    """One channel's receiver. Safe to use from several threads."""

    def __init__(
        self,
        channel: Channel,
        form: Format,
        secrets: SecretReader,
        clock: Clock,
        resolve: Resolve,
        connect: Connect,
    ) -> None:
        self._channel = channel
        self._format = form
        self._secrets = secrets
        self._clock = clock
        self._resolve = resolve
        self._connect = connect

    def send(self, message: Message, deadline: Deadline) -> None:
        """Post once. The secrets are read each time (their reader caches), so that a new key serves at once."""
        endpoint = self._endpoint()
        key = self._read_secret(self._channel.key) if self._channel.key else None
        body = self._format.body(message, key)
        headers = self._headers(endpoint, message.id, body)
        now = deadline.monotonic()
        limit = Deadline(min(deadline.at, now + TOTAL_SECONDS), deadline.monotonic)
        if limit.remaining < LEAST_SECONDS:
            raise self._error(Reason.DEADLINE, "no time left to send")
        self._judge(self._try(endpoint, body, headers, limit))

    def _judge(self, heard: Heard) -> None:
        if heard.failure:
            raise self._error(heard.failure, heard.detail, heard.failure is not Reason.ADDRESS_REFUSED)
        meaning = meaning_of(heard.status)
        if meaning.reason:
            raise DeliveryError(
                destination=self._channel.name,
                reason=meaning.reason,
                detail=f"status {heard.status}",
                status=heard.status,
                retry_after=parse_retry_after(heard.retry_after, self._clock.wall()),
                retryable=meaning.retryable,
            )

    def _endpoint(self) -> Endpoint:
        url = self._read_secret(self._channel.webhook)
        try:
            return parse_endpoint(url, allow_http=self._channel.allow_http)
        except EndpointError as error:
            raise self._error(error.reason, error.detail) from error

    def _headers(self, endpoint: Endpoint, message_id: str, body: bytes) -> dict[str, str]:
        return {
            "Host": endpoint.host_header,
            "User-Agent": f"nephoscope/{__version__}",
            "Content-Type": self._format.content_type,
            "Accept-Encoding": "identity",
            "Connection": "close",
            **signing.headers(self._keys(), message_id, int(self._clock.wall()), body),
        }

    def _keys(self) -> Sequence[bytes]:
        if not self._channel.secret:
            return ()
        secret = self._read_secret(self._channel.secret)
        try:
            return signing.parse_keys(secret)
        except signing.SigningKeyError as error:
            raise self._error(Reason.MALFORMED, str(error)) from error

    def _read_secret(self, reference: str) -> Secret:
        try:
            return self._secrets.read_secret(reference)
        except DeliveryError as error:
            raise self._error(error.reason, error.detail, error.retryable, error.retry_after) from error

    def _try(self, endpoint: Endpoint, body: bytes, headers: Mapping[str, str], limit: Deadline) -> Heard:
        """Failures as values: the foreign exception ends here, with whatever it says."""
        try:
            with self._dial(endpoint, limit) as line:
                return _exchange(line, endpoint, body, headers)
        except EndpointError as error:
            return Heard(failure=error.reason, detail=error.detail)
        except (OSError, http.client.HTTPException) as error:
            reason, detail = next((reason, detail) for kind, reason, detail in _FAILURES if isinstance(error, kind))
            return Heard(failure=reason, detail=detail)

    def _dial(self, endpoint: Endpoint, limit: Deadline) -> Line:
        found = self._resolve(endpoint.name, endpoint.port, limit.remaining)
        plain = self._reach(judged_addresses(found, allow_private=self._channel.allow_private), endpoint.port, limit)
        if not endpoint.tls:
            return Line(plain, limit)
        try:
            plain.settimeout(max(limit.remaining, 0.001))
            return Line(self._tls.wrap_socket(plain, server_hostname=endpoint.name), limit)
        except BaseException:
            plain.close()
            raise

    def _reach(self, addresses: Sequence[str], port: int, limit: Deadline) -> socket.socket:
        failure: OSError = socket.gaierror(socket.EAI_NONAME, "no address")
        for address in addresses:
            if limit.remaining <= 0:
                raise TimeoutError
            try:
                return self._connect(address, port, min(CONNECT_SECONDS, limit.remaining))
            except OSError as error:
                failure = error
        raise failure

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        return context

    def _error(
        self, reason: Reason, detail: str, retryable: bool | None = None, retry_after: float | None = None
    ) -> DeliveryError:
        return DeliveryError(
            destination=self._channel.name, reason=reason, detail=detail, retryable=retryable, retry_after=retry_after
        )


def _exchange(line: Line, endpoint: Endpoint, body: bytes, headers: Mapping[str, str]) -> Heard:
    connection = http.client.HTTPConnection(endpoint.name, endpoint.port)
    connection.sock = line
    connection.request("POST", endpoint.target, body, dict(headers))
    response = connection.getresponse()
    heard = Heard(response.status, response.getheader("Retry-After"))
    # The answer is given; what follows changes nothing. A little is taken in, so that the receiver can finish writing.
    with suppress(OSError, http.client.HTTPException):
        line.hurry(_DRAIN_SECONDS)
        response.read()
    response.close()
    return heard
