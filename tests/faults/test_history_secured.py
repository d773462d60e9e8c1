"""A server that wants to know who asks: Elasticsearch with its own security, TLS under an own CA, users and roles.

Its stripped build cannot make API keys, for their index needs words of a module that is not there; email_words/ adds
them, where there is a compiler.
"""

from __future__ import annotations

import base64
import hashlib
import io
import logging
import ssl
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

sys.path.insert(0, str(Path(__file__).parents[1]))  # for what several rooms of the tests use

from history_world import MIDNIGHT, TODAY, Plain, ask, open_sink, points, seconds
from nephoscope.localcloud.elastic.fake import FakeElastic, Fault
from nephoscope.localcloud.elastic.server import ElasticServer
from nephoscope.model.config import PublishElasticsearch
from nephoscope.model.errors import DeliveryError
from nephoscope.sinks.elasticsearch.inspection import inspect
from secured_history import (
    KEY,
    WORDS,
    Entering,
    Secured,
    add_email_words,
    asked_as,
    asks_as_the_clerk,
    entrances,
    find_compiler,
    keeps_with_few_rights,
    reading,
    running,
    why,
)

ENCODED = base64.b64encode(KEY.encode()).decode()
ROLES = b"""
keeping:
  cluster: [monitor, manage_index_templates]
  indices:
    - names: ['nephoscope-*']
      privileges: [create_index, create_doc, view_index_metadata, delete_index]
reading:
  cluster: [monitor]
  indices:
    - names: ['nephoscope-*']
      privileges: [read, view_index_metadata]
states-only:
  cluster: [monitor, manage_index_templates]
  indices:
    - names: ['nephoscope-states-*']
      privileges: [create_index, create_doc, view_index_metadata, delete_index]
    - names: ['nephoscope-*']
      privileges: [view_index_metadata]
"""


def hashed(password: str) -> str:
    """As Elasticsearch's own tools write it: {PBKDF2}rounds$salt$hash, SHA-512, 32 bytes."""
    salt = b"0123456789abcdef0123456789abcdef"
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 1000, 32)
    return f"{{PBKDF2}}1000${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def secured(authority: trustme.CA) -> Iterator[Secured]:
    own = authority.issue_cert("127.0.0.1", "localhost")
    users = {name.lower(): WORDS[name] for name in ("KEEPER", "CLERK", "BOSS")} | {"states": WORDS["CLERK"]}
    server = ElasticServer(
        settings={
            "xpack.security.enabled": "true",
            "xpack.security.enrollment.enabled": "false",
            "xpack.security.http.ssl.enabled": "true",
            "xpack.security.http.ssl.key": "http.key",
            "xpack.security.http.ssl.certificate": "http.pem",
            "http.max_content_length": "1mb",
        },
        files={
            "http.key": own.private_key_pem.bytes(),
            "http.pem": b"".join(each.bytes() for each in own.cert_chain_pems),
            "users": "".join(f"{name}:{hashed(word)}\n" for name, word in users.items()).encode(),
            "users_roles": b"superuser:boss\nkeeping:keeper\nreading:clerk\nstates-only:states\n",
            "roles.yml": ROLES,
        },
        prepare=add_email_words if find_compiler() else lambda _home: None,
    )
    with running(server, authority.cert_pem.bytes().decode()) as found:
        yield found


@pytest.fixture
def entering(secured: Secured) -> Iterator[Entering]:
    with entrances(secured) as found:
        yield found


@pytest.fixture
def kept(entering: Entering) -> None:
    """Templates stand, and today's index does."""
    sink = entering(user="keeper", password="${env:KEEPER}")
    sink.prepare(MIDNIGHT, seconds(20))
    assert sink.write_documents(points(1, 1), seconds(20)).owed == {}


def test_a_role_of_few_rights_is_enough(entering: Entering) -> None:
    """The rights that the documentation names."""
    keeps_with_few_rights(entering)


def test_a_role_that_reads_is_enough_to_ask(entering: Entering) -> None:
    asks_as_the_clerk(entering)
    with pytest.raises(DeliveryError, match=r"\[indices:data/read/search\] is unauthorized"):
        reading(entering(user="keeper", password="${env:KEEPER}")).read_metrics("acme", seconds(10))


def test_bodies_are_as_large_as_the_server_takes(entering: Entering) -> None:
    """http.max_content_length is 1 MB here, and what a body is unpacked counts."""
    sink = entering(user="keeper", password="${env:KEEPER}")
    sink.prepare(MIDNIGHT, seconds(20))
    huge = next(iter(points(1, 1)))._replace(id="huge", source='{"a": "' + "x" * 1_200_000 + '"}')
    taken = sink.write_documents([*points(10, 1_000), huge], seconds(30))
    assert (taken.taken, taken.dead, taken.owed, taken.problem) == (10_000, 1, {}, "")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"user": "keeper", "password": "${env:WRONG}"},
            "denied (GET /: unable to authenticate user [keeper] for REST request [/])",
        ),
        ({}, "denied (GET /: missing authentication credentials for REST request [/])"),
        (
            {"api_key": "${env:KEY}"},
            "denied (GET /: unable to authenticate with provided credentials and anonymous access is not allowed for "
            "this request)",
        ),
    ],
)
def test_who_is_not_known_is_told_so(entering: Entering, more: dict[str, str], said: str) -> None:
    assert why(entering(**more)) == said


@pytest.mark.usefixtures("kept")
def test_what_is_not_granted_is_named(entering: Entering) -> None:
    reader = entering(user="clerk", password="${env:CLERK}")
    assert why(reader).startswith(
        f"denied (POST /_index_template/_simulate_index/nephoscope-metrics-{TODAY}: action [indices:admin/"
    )
    taken = reader.write_documents(points(1, 2), seconds(10))
    assert (taken.owed, taken.requests) == ({"cpu": 2}, 1), "asked once: it stays denied"
    assert "denied" in taken.problem and "[create_doc," in taken.problem


def test_what_a_role_lacks_is_known_before_anything_is_written(entering: Entering, secured: Secured) -> None:
    def lacking(**more: str) -> tuple[str, ...] | None:
        where = PublishElasticsearch(url=secured.server.url, ca=secured.ca, **more)
        return inspect(entering(**more).client, where, MIDNIGHT, seconds(10)).lacking

    assert lacking(user="keeper", password="${env:KEEPER}") == ()
    assert lacking(user="clerk", password="${env:CLERK}") == (
        "manage_index_templates", "create_doc on nephoscope-*", "create_index on nephoscope-*",
        "delete_index on nephoscope-*",
    )  # fmt: skip


@pytest.mark.usefixtures("kept")
def test_an_index_that_is_not_granted_keeps_no_other_from_being_written(entering: Entering) -> None:
    sink = entering(user="states", password="${env:CLERK}")
    metrics = list(points(1, 2, lot="metrics"))
    states = [each._replace(kind=type(each.kind)("states"), lot="states") for each in metrics]
    taken = sink.write_documents([*metrics, *states], seconds(20))
    assert (taken.taken, taken.owed) == (2, {"metrics": 2})
    assert taken.problem.startswith(f"{sink.client.name}: denied (action [indices:data/write/bulk[s]] is unauthorized")
    assert f"nephoscope-metrics-{TODAY}" in taken.problem and taken.problem.count("denied") == 1


def test_a_certificate_of_a_ca_that_is_not_ours(entering: Entering) -> None:
    stranger = trustme.CA().cert_pem.bytes().decode()
    said = "unavailable (its certificate is not trusted; ca: names the file of its CA)"
    assert why(entering(ca=stranger, user="keeper", password="${env:KEEPER}")) == said
    assert why(entering(ca="", user="keeper", password="${env:KEEPER}")) == said, "nor one of the machine's"


def test_a_certificate_of_another_name(entering: Entering, secured: Secured) -> None:
    said = "unavailable (its certificate is not trusted; ca: names the file of its CA)"
    assert why(entering(url=f"https://127.0.0.2:{secured.server.port}")) in (
        said,
        "unavailable (the connection was refused)",
    )


def test_http_where_it_speaks_https(entering: Entering, secured: Secured) -> None:
    url = f"http://127.0.0.1:{secured.server.port}"
    said = why(entering(url=url, user="keeper", password="${env:KEEPER}"))
    assert said == "unavailable (it ended the connection without an answer; does it speak https, not http?)"


def test_https_where_it_speaks_http() -> None:
    with FakeElastic() as fake:
        sink = open_sink(fake.url.replace("http:", "https:"))
        assert why(sink) == "unavailable (TLS failed; does it speak http, not https?)"


# --- API keys -----------------------------------------------------------------------------------------------------


RIGHTS = {
    "keeping": (
        ["monitor", "manage_index_templates"],
        ["create_index", "create_doc", "view_index_metadata", "delete_index"],
    ),
    "reading": (["monitor"], ["read", "view_index_metadata"]),
}
"""Of the cluster and of our indices, as the documentation names them."""


@pytest.mark.skipif(find_compiler() is None, reason="no API key can be made: apt-get install openjdk-17-jdk-headless")
@pytest.mark.parametrize("form", ["shown", "sent"])
def test_a_key_of_few_rights_is_enough_until_it_is_revoked(entering: Entering, form: str) -> None:
    """Written as Kibana shows it, and as it is sent."""
    boss = entering(user="boss", password="${env:BOSS}")

    def key(role: str) -> str:
        cluster, own = RIGHTS[role]
        rights = {"cluster": cluster, "indices": [{"names": [f"{form}-*"], "privileges": own}]}
        made = ask(boss, "POST", "/_security/api_key", {"name": form, "role_descriptors": {role: rights}})
        return str(made["encoded"] if form == "sent" else f"{made['id']}:{made['api_key']}")

    kept = {"secrets": {"KEY": key("keeping")}, "api_key": "${env:KEY}", "index": form}
    sink = entering(**kept)
    sink.prepare(MIDNIGHT, seconds(20))
    assert sink.write_documents(points(2, 10), seconds(20)).owed == {}
    where = PublishElasticsearch(url="", api_key=".", index=form)
    assert inspect(sink.client, where, MIDNIGHT, seconds(10)).lacking == ()
    ask(boss, "POST", f"/{form}-metrics/_refresh")
    reader = entering(secrets={"KEY": key("reading")}, api_key="${env:KEY}", index=form)
    asked_as(reader, machines=2, each=10, index=form)
    assert "is unauthorized for API key" in reader.write_documents(points(1, 1), seconds(10)).problem

    ask(boss, "DELETE", "/_security/api_key", {"name": form})
    assert why(entering(**kept)).startswith("denied (GET /: unable to authenticate with provided credentials")


@pytest.mark.parametrize("written", [KEY, ENCODED, f" {ENCODED}\n"])
def test_an_api_key_is_shown_as_it_is_wanted(authority: trustme.CA, written: str) -> None:
    """`id:key` and its base64, as Kibana shows them. Source: Elasticsearch API, "Create an API key"."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with FakeElastic(tls=context, knows=lambda shown: shown == f"ApiKey {ENCODED}") as fake:
        sink = open_sink(fake.url, Plain(KEY=written), api_key="${env:KEY}", ca=authority.cert_pem.bytes().decode())
        sink.prepare(MIDNIGHT, seconds(10))
        assert sink.write_documents(points(1, 3), seconds(10)).taken == 3
        sink.close()


# --- secrets ------------------------------------------------------------------------------------------------------


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Everything that any logger says at DEBUG."""
    text = io.StringIO()
    root, handler = logging.getLogger(), logging.StreamHandler(text)
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.setLevel(before)
    root.removeHandler(handler)


def everything(error: BaseException | None) -> str:
    said = []
    while error is not None:
        said += [str(error), repr(error), repr(vars(error)), "".join(traceback.format_exception(error))]
        error = error.__cause__ or error.__context__
    return "\n".join(said)


WAYS: dict[str, tuple[dict[str, str], Fault | None]] = {
    "denied": ({"api_key": "${env:KEY}"}, None),
    "denied user": ({"user": "CANARYuser", "password": "${env:WORD}"}, None),
    "no key": ({"api_key": "${env:LINES}"}, None),
    "no address": ({"url": "${env:URL}"}, None),
    "no port": ({"url": "${env:PORT}"}, None),
    "echo": ({"api_key": "${env:KEY}"}, Fault(500, b'{"error": {"reason": "https://u:CANARY-word@h/ is away"}}')),
    "reset": ({"api_key": "${env:KEY}"}, Fault(reset=True)),
    "garbage": ({"api_key": "${env:KEY}"}, Fault(body=b"\x00")),
    "moved": ({"api_key": "${env:KEY}"}, Fault(302, headers={"Location": "https://u:CANARY-word@h/"})),
}


@pytest.mark.parametrize(("more", "fault"), WAYS.values(), ids=WAYS)
def test_no_secret_is_ever_said(
    written: io.StringIO, capfd: pytest.CaptureFixture[str], more: dict[str, str], fault: Fault | None
) -> None:
    secrets = Plain(
        KEY=KEY,
        WORD="CANARY-word",
        LINES="CANARY\r\nX: 1",
        URL="https://u:CANARY-word@h:9200/CANARY-path?CANARY-query",
        PORT="https://canary-host:CANARY-port",
    )
    with FakeElastic(knows=lambda _: False) as fake:
        fake.always = fault
        sink = open_sink(**({"url": fake.url, "secrets": secrets} | more))
        with pytest.raises(DeliveryError) as caught:
            sink.prepare(MIDNIGHT, seconds(2))
        taken = sink.write_documents(points(1, 1), seconds(0.5))
        sink.close()
    assert taken.owed == {"cpu": 1}
    allowed = "CANARYuser"  # a user's name is no secret
    printed = capfd.readouterr()
    for text in (everything(caught.value), repr(taken), written.getvalue(), *printed, repr(vars(sink.client))):
        for canary in ("CANARY", ENCODED, base64.b64encode(b"CANARYuser:CANARY-word").decode()):
            assert canary.lower() not in text.replace(allowed, "").lower(), text[:2000]
