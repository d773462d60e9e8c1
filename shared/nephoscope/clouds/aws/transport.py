"""botocore's own hooks, where its answers are taken before it builds objects of everything in them.

botocore spends nine tenths of its time on parts of the answer that nobody asked for. It stays what it is good at
(credentials, signing, endpoints, connections); the body of the two large answers is taken in `before-parse`, reduced
to what is read here, and handed on as `customized_response_dict` **in the shape that botocore would have given**, only
with times as they came (seconds, or ISO text). So there is one reading of an answer: where a hook does not know what
it got (another protocol, another root), it leaves the body alone and botocore's own parser answers in the same shape.

Source: botocore.endpoint (before-parse, customized_response_dict), botocore.httpsession (read_timeout in context).
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from xml.etree import ElementTree

Taken = Mapping[str, Any]
_OK = 200
_CHUNK = 1 << 16
MOST_UNZIPPED = 1 << 26
"""Bytes, ten times the largest page that a provider gives: a few kilobytes may unfold to gigabytes."""
_EC2 = "{http://ec2.amazonaws.com/doc/2016-11-15/}"


def attach(client: Any, read_timeout: Callable[[], float | None]) -> None:
    """Hook into one client: answers may come gzipped, no call waits longer than `read_timeout()` seconds for a byte,
    and the large answers are taken here."""
    service = client.meta.service_model.service_id.hyphenize()

    def shorten(context: dict[str, Any], **_: Any) -> None:
        seconds = read_timeout()
        if seconds is not None:
            context["read_timeout"] = seconds

    client.meta.events.register(f"before-call.{service}", shorten)
    if service in _ZIPPED:
        client.meta.events.register(f"before-send.{service}", _accept_gzip)
    client.meta.events.register(f"before-parse.{service}", _take)


_ZIPPED = frozenset({"ec2", "cloudwatch"})
"""Services whose answers may come gzipped. Not S3: botocore looks into its 200s for an error before our hook has
unzipped them, and takes what it cannot read for one."""


def _accept_gzip(request: Any, **_: Any) -> None:
    """After signing: what a proxy may change must not be signed."""
    request.headers["Accept-Encoding"] = "gzip"


def _take(
    operation_model: Any, response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
) -> None:
    """before-parse: put a plain body in place of a gzipped one, and take it where we know better than botocore."""
    _unzip(response_dict)
    body = response_dict["body"]
    if not isinstance(body, bytes):
        return
    if "json" in response_dict["headers"].get("content-type", ""):
        _take_json(operation_model.name, response_dict, customized_response_dict)
    elif response_dict["status_code"] == _OK and operation_model.name in _XML:
        taken = _XML[operation_model.name](body)
        if taken is not None:
            customized_response_dict.update(taken)
            response_dict["body"] = b"<taken/>"


def _unzip(response_dict: dict[str, Any]) -> None:
    headers = response_dict["headers"]
    if headers.get("content-encoding", "").lower() != "gzip" or not isinstance(response_dict["body"], bytes):
        return
    try:
        response_dict["body"] = unzip(response_dict["body"])
    except (OSError, EOFError, zlib.error):
        response_dict["body"] = b""  # cut off on its way, or a flood: no answer, and the reader says so


def unzip(body: bytes) -> bytes:
    """Raises OSError, EOFError or zlib.error for what is cut off, no gzip, or more than MOST_UNZIPPED."""
    with gzip.GzipFile(fileobj=io.BytesIO(body)) as unzipped:
        plain = unzipped.read(MOST_UNZIPPED + 1)
    if len(plain) > MOST_UNZIPPED:
        raise OSError(f"more than {MOST_UNZIPPED} bytes")
    return plain


def _take_json(operation: str, response_dict: dict[str, Any], customized: dict[str, Any]) -> None:
    """botocore reads a body that is no JSON object as an empty answer, or stumbles over it. Either way the reader finds
    nothing under the name that it expects."""
    try:
        answer = json.loads(response_dict["body"] or b"{}")
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        response_dict["body"] = b"{}"
    elif response_dict["status_code"] == _OK and operation in _JSON:
        customized.update(answer)
        response_dict["body"] = b"{}"


_JSON = frozenset({"GetMetricData", "ListMetrics", "GetResources"})
"""Operations whose JSON is used as it stands: names are those of botocore's shapes, times are epoch seconds."""


# --- EC2's XML ---------------------------------------------------------------------------------------------------


def take_instances(body: bytes) -> Taken | None:
    """DescribeInstances: of each instance what nephoscope shows, in botocore's names; None where it is not that."""
    return _walk(body, "DescribeInstancesResponse", "instancesSet", "reservationSet", _reservation, "Reservations")


def take_statuses(body: bytes) -> Taken | None:
    """DescribeInstanceStatus: id, state and the three checks of each instance; None where it is not that."""
    return _walk(body, "DescribeInstanceStatusResponse", "item", "instanceStatusSet", _status, "InstanceStatuses")


_XML: Mapping[str, Callable[[bytes], Taken | None]] = {
    "DescribeInstances": take_instances,
    "DescribeInstanceStatus": take_statuses,
}


def _walk(
    body: bytes,
    root: str,
    wanted: str,
    whole: str,
    read: Callable[[ElementTree.Element], Mapping[str, Any] | None],
    name: str,
) -> Taken | None:
    """Read each `wanted` element as it ends and let it go, so that a page of 1,000 never stands in memory as a tree.

    `whole` is the list that a true answer has, were it empty.
    """
    found: list[Mapping[str, Any]] = []
    taken: dict[str, Any] = {}
    seen = ""
    try:
        for element in _ended(body):
            seen = element.tag
            if seen == _EC2 + wanted:
                record = read(element)
                if record is not None:
                    found.append(record)
                    element.clear()
            elif seen == _EC2 + whole:
                taken[name] = found
            elif seen == _EC2 + "nextToken":
                taken["NextToken"] = element.text or ""
    except ElementTree.ParseError:
        return None
    return taken if seen == _EC2 + root and name in taken else None


def _ended(body: bytes) -> Iterator[ElementTree.Element]:
    parser: ElementTree.XMLPullParser[ElementTree.Element] = ElementTree.XMLPullParser(("end",))
    for start in range(0, len(body), _CHUNK):
        parser.feed(body[start : start + _CHUNK])
        yield from map(_element, parser.read_events())
    parser.close()
    yield from map(_element, parser.read_events())


def _element(event: Any) -> ElementTree.Element:
    """Of an `end` event, which is a pair of the word and the element."""
    element: ElementTree.Element = event[1]
    return element


def _reservation(instances: ElementTree.Element) -> Mapping[str, Any]:
    return {"Instances": [_instance(item) for item in instances]}


def _instance(item: ElementTree.Element) -> Mapping[str, Any]:
    parts = {part.tag: part for part in item}
    record: dict[str, Any] = {
        name: part.text or "" for tag, name in _TEXTS.items() if (part := parts.get(tag)) is not None
    }
    for tag, inner, name, inner_name in _NESTED:
        part = parts.get(tag)
        value = None if part is None else part.findtext(inner)
        if value is not None:
            record[name] = {inner_name: value}
    tags = parts.get(_EC2 + "tagSet")
    if tags is not None:
        record["Tags"] = [{"Key": tag.findtext(_KEY, ""), "Value": tag.findtext(_VALUE, "")} for tag in tags]
    return record


def _status(item: ElementTree.Element) -> Mapping[str, Any] | None:
    """None for the items of lists within a status (details, scheduled events), which have no instance's id."""
    instance = item.findtext(_EC2 + "instanceId")
    if instance is None:
        return None
    record: dict[str, Any] = {"InstanceId": instance}
    for tag, name in _CHECKS.items():
        word = item.findtext(f"{_EC2}{tag}/{_EC2}status")
        if word is not None:
            record[name] = {"Status": word}
    return record


_KEY, _VALUE = f"{_EC2}key", f"{_EC2}value"
_TEXTS = {
    f"{_EC2}instanceId": "InstanceId",
    f"{_EC2}instanceType": "InstanceType",
    f"{_EC2}launchTime": "LaunchTime",
}
_NESTED = (
    (f"{_EC2}instanceState", f"{_EC2}name", "State", "Name"),
    (f"{_EC2}placement", f"{_EC2}availabilityZone", "Placement", "AvailabilityZone"),
    (f"{_EC2}monitoring", f"{_EC2}state", "Monitoring", "State"),
)
_CHECKS = {"systemStatus": "SystemStatus", "instanceStatus": "InstanceStatus", "attachedEbsStatus": "AttachedEbsStatus"}
