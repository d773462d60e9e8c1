"""Who may see the page: names of this machine on loopback, a token elsewhere; and what the page may load."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from flask import Flask
from flask.testing import FlaskClient

from nephoscope.model.resource import Resource
from nephoscope.pipeline.looking.course import Read
from nephoscope.pipeline.looking.look import Look
from nephoscope.pipeline.looking.shown import Seen
from nephoscope.views.web.guard import Guard, host_of, is_loopback, new_token
from nephoscope.views.web.server import make_app

TOKEN = "a-token-of-some-length"


class Nothing:
    """Doors behind which nothing is."""

    every = 5.0

    def now(self) -> Seen:
        return Seen(None, "nobody is there")

    def machine(self, look: Look, resource: Resource, span: str) -> Read:
        return Read()

    def origins(self) -> Mapping[str, str]:
        return {"rendered": "As a run would draw it"}

    def dashboard(self, origin: str, span: str) -> str:
        return "<!doctype html><title>drawn</title>"


def visitor(token: str = "") -> FlaskClient:
    return make_app("acme", Nothing(), Guard(token)).server.test_client()


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8050", "localhost:9000", "[::1]:8050", "LOCALHOST", "localhost."]
)
def test_this_machines_names_are_answered(host: str) -> None:
    assert visitor().get("/state", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8050", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "x[", ""],
)
@pytest.mark.parametrize("path", ["/", "/state", "/rows", "/drawn", "/_dash-layout", "/assets/style.css"])
def test_a_foreign_name_that_leads_here_is_not(host: str, path: str) -> None:
    answer = visitor().get(path, headers={"Host": host})
    assert (answer.status_code, b"nobody is there" in answer.data) in ((421, False), (400, False))


def test_without_the_token_nothing_is_answered() -> None:
    for path in ("/", "/state", "/rows", "/drawn", "/_dash-layout", "/_dash-dependencies", "/assets/page.js"):
        assert {path: visitor(TOKEN).get(path).status_code} == {path: 403}
        assert {path: visitor(TOKEN).get(f"{path}?token=another").status_code} == {path: 403}
    assert visitor(TOKEN).post("/_dash-update-component", json={}).status_code == 403
    assert TOKEN.encode() not in visitor(TOKEN).get("/").data


def test_the_token_in_the_address_becomes_a_cookie_that_no_script_and_no_other_site_has() -> None:
    client = visitor(TOKEN)
    entered = client.get(f"/machines?q=web&token={TOKEN}")
    assert (entered.status_code, entered.headers["Location"]) == (303, "/machines?q=web")
    cookie = entered.headers["Set-Cookie"]
    assert re.search(r"; HttpOnly(;|$)", cookie)
    assert re.search(r"; SameSite=Lax(;|$)", cookie)
    assert client.get("/state").status_code == 200
    client.set_cookie("nephoscope", "another")
    assert client.get("/state").status_code == 403


def test_a_cookie_in_another_script_is_no_error() -> None:
    client = visitor(TOKEN)
    assert client.get("/state?token=%C3%A9%F0%9F%94%91").status_code == 403


def test_tokens_are_long_and_new_and_stand_in_no_text() -> None:
    assert len({new_token() for _ in range(50)}) == 50
    assert len(new_token()) >= 32
    assert TOKEN not in repr(Guard(TOKEN))


@pytest.mark.parametrize(
    ("bind", "local"),
    [
        ("127.0.0.1", True),
        ("127.0.0.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.1.2.3", False),
        ("my-host", False),
    ],
)
def test_only_loopback_needs_no_token(bind: str, local: bool) -> None:
    assert is_loopback(bind) is local


def test_a_host_is_read_without_its_port() -> None:
    assert host_of("[::1]:8050") == "::1"
    assert host_of("a.example:1") == "a.example"
    assert host_of("") == ""


def test_a_page_loads_only_from_here_and_stands_in_no_other_sites_frame() -> None:
    policy = visitor().get("/").headers["Content-Security-Policy"]
    said = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert said["default-src"] == "'none'"
    assert re.fullmatch(r"'self'( 'sha256-[^']+')+", said["script-src"])
    assert said["connect-src"] == "'self'"
    assert said["frame-ancestors"] == "'none'"
    drawn = visitor().get("/drawn").headers["Content-Security-Policy"]
    assert "default-src 'none'" in drawn
    assert "script" not in drawn
    assert "frame-ancestors 'self'" in drawn


def test_the_page_names_no_other_host() -> None:
    """What its text asks a browser to load: addresses within this server."""
    text = visitor().get("/").get_data(as_text=True)
    loaded = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert len(loaded) > 8
    assert [one for one in loaded if not one.startswith(("/", "data:"))] == []


def test_dashs_own_server_is_protected_whatever_it_adds() -> None:
    """The guard stands before every route, those of Dash included."""
    app = make_app("acme", Nothing(), Guard(TOKEN)).server
    assert isinstance(app, Flask)
    with app.test_client() as client:
        for rule in app.url_map.iter_rules():
            if not rule.arguments and "GET" in (rule.methods or ()):
                assert {rule.rule: client.get(rule.rule).status_code} == {rule.rule: 403}
