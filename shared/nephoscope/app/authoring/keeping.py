"""The meaning of `publish.elasticsearch`: where history is kept, as whom, for how long."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from nephoscope.app.authoring.document import Keys, Text
from nephoscope.app.authoring.findings import Findings
from nephoscope.app.authoring.quantities import UnclearError, parse_duration
from nephoscope.app.authoring.reading import text_of, texts_of
from nephoscope.app.authoring.references import check_reference, is_reference
from nephoscope.app.authoring.values import check_text, metrics_of, no_doubles, value_of
from nephoscope.model.config import PublishElasticsearch
from nephoscope.model.metric import Metric
from nephoscope.model.time import DAY
from nephoscope.pipeline.documents import label_of

TAGS = ("env", "environment", "team", "owner", "service", "app", "role", "project")
"""Names of tags that stand with each document where nothing is said; a tag is found by its name whatever its case."""

LEAST_KEEP = DAY
_INDEX = re.compile(r"[a-z0-9][a-z0-9_.-]{0,99}")
_HOST = re.compile(r"[^\s/@]+")
_PEM = "-----BEGIN CERTIFICATE-----"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def read_elasticsearch(
    keys: Keys, beside: Path, metrics: Mapping[str, Metric], findings: Findings
) -> PublishElasticsearch | None:
    """beside: the folder in which the file of `ca` is looked for. None where there is no address."""
    url = text_of(keys, "url")
    check_text(url, "url", _check_url, findings)
    for name in ("api_key", "password"):
        check_text(text_of(keys, name), name, check_reference, findings)
    _check_who(keys, findings)
    index = value_of(text_of(keys, "index"), "nephoscope")
    if not _INDEX.fullmatch(index) and (text := text_of(keys, "index")):
        said = f'index: "{index}" may have small letters, digits and - _ . only, and begins with a letter or digit'
        findings.problem(text.place, said)
    shown = texts_of(keys, "tags")
    if shown:
        no_doubles(shown, "tag", findings)
        _check_labels(shown, findings)
    if url is None:
        return None
    return PublishElasticsearch(
        url=url.value.rstrip("/"),
        api_key=value_of(text_of(keys, "api_key")),
        user=value_of(text_of(keys, "user")),
        password=value_of(text_of(keys, "password")),
        ca=_authority(text_of(keys, "ca"), beside, findings),
        index=index,
        keep=_keep(text_of(keys, "keep"), findings),
        metrics=metrics_of(keys, "metrics", metrics, (), findings),
        tags=TAGS if shown is None else tuple(dict.fromkeys(text.value for text in shown)),
        shards=_number(text_of(keys, "shards"), "shards", 1, findings) or 1,
        replicas=_number(text_of(keys, "replicas"), "replicas", 0, findings),
    )


def _check_labels(tags: Iterable[Text], findings: Findings) -> None:
    """Two tags that would stand under one name in each document."""
    known: dict[str, str] = {}
    for tag in tags:
        first = known.setdefault(label_of(tag.value), tag.value)
        if first != tag.value:
            findings.problem(tag.place, f"tags: {first} and {tag.value} would both be labels.{label_of(tag.value)}")


def _check_url(text: str) -> None:
    """Raises UnclearError, which never repeats what may be a secret."""
    if is_reference(text):
        return check_reference(text)
    try:
        url = urlsplit(text)
        host = url.hostname or ""
        port = url.port
    except ValueError as error:
        raise UnclearError("this is not a well-formed URL") from error
    if port == 0:
        raise UnclearError("this is not a well-formed URL")
    if url.scheme not in ("http", "https") or not _HOST.fullmatch(host):
        raise UnclearError("expected https://HOST:PORT, or a reference such as ${ssm:/nephoscope/elasticsearch}")
    if "@" in url.netloc:
        raise UnclearError(f"the address of {host} holds a user or a password; write user: and password: instead")
    if url.query or url.fragment:
        raise UnclearError(f"the address of {host} ends with its port or path; no ? and no #")
    if url.scheme == "http" and host not in _LOOPBACK:
        raise UnclearError(f"http to {host} would send keys and data in the clear; use https, and ca: for an own CA")
    return None


def _check_who(keys: Keys, findings: Findings) -> None:
    api_key, user, password = (keys.key(name) for name in ("api_key", "user", "password"))
    if api_key and (user or password):
        findings.problem(api_key.place, "elasticsearch: api_key, or user and password; not both")
    elif bool(user) != bool(password) and (one := user or password):
        findings.problem(one.place, "elasticsearch: user and password belong together")


def _authority(text: Text | None, beside: Path, findings: Findings) -> str:
    """The certificates' text: they are no secret, and the functions' package has no other files."""
    if text is None:
        return ""
    try:
        found = (beside / text.value).read_text(encoding="ascii")
    except OSError as error:
        findings.problem(text.place, f"ca: {text.value} cannot be read: {error.strerror}")
        return ""
    except ValueError:
        found = ""
    if _PEM not in found:
        findings.problem(text.place, f"ca: {text.value} is no PEM file of certificates: it has no {_PEM}")
        return ""
    try:
        ssl.create_default_context(cadata=found)
    except ssl.SSLError:
        findings.problem(text.place, f"ca: {text.value} has a certificate that cannot be read")
        return ""
    return found


def _keep(text: Text | None, findings: Findings) -> int:
    if text is None:
        return 90 * DAY
    if text.value == "forever":
        return 0
    try:
        seconds = parse_duration(text.value)
    except UnclearError as unclear:
        findings.problem(text.place, f"keep: {unclear}, or forever")
        return 90 * DAY
    if seconds < LEAST_KEEP or seconds % DAY:
        findings.problem(text.place, f"keep: {text.value} is not whole days; history is deleted a day at a time")
    return seconds


def _number(text: Text | None, name: str, least: int, findings: Findings) -> int | None:
    if text is None:
        return None
    if text.value.isascii() and text.value.isdigit() and least <= int(text.value) <= 100:
        return int(text.value)
    findings.problem(text.place, f'{name}: "{text.value}" is no number from {least} to 100')
    return None
