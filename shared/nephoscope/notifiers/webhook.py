"""Webhooks: a body in the channel's format, signed where the channel has a key, posted to a judged address.

The URL is a secret, and what a receiver says may hold anything. So errors are built from our own words only, and never
raised while a foreign exception is handled: a certificate's error names the host, a bad answer's quotes the answer.

The standard library's HTTP client, not urllib3: urllib3's pool writes each URL's path to the log at DEBUG, and which
release of it a Lambda runtime brings is not ours to choose. Neither follows redirects or reads proxies here.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
from collections.abc import Buffer, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from nephoscope.model.alert import Notification
from nephoscope.model.config import Channel
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.secret import Secret
from nephoscope.model.time import Deadline
from nephoscope.notifiers import signing
from nephoscope.notifiers.answers import meaning_of, parse_retry_after
from nephoscope.notifiers.endpoint import (
    Connect,
    Endpoint,
    Resolve,
    Unsendable,
    connect_to,
    judged_addresses,
    parse_endpoint,
    resolve_name,
)
from nephoscope.notifiers.formats import FORMATS
from nephoscope.ports import Clock, SecretReader

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
LEAST_SECONDS = 0.5
MOST_READ = 65_536
"""Seconds for one address, for all of a try, and below which none is begun; bytes of an answer, headers included."""
