"""`nephoscope doctor` on the server of history: what it is, and what is in the way; nothing is written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.elastic.fake import FakeElastic, Fault, refused

CONFIGURED = """\
fleet: acme
gather: {{aws: {{regions: [eu-west-1], resources: [instance]}}}}
publish: {{cloudwatch: {{region: eu-west-1}}, elasticsearch: {{url: "{url}", api_key: "${{env:HISTORY_KEY}}"}}}}
"""


def findings(shell: Any, url: str) -> tuple[int, list[dict[str, str]]]:
    shell.write(CONFIGURED.format(url=url))
    done = shell("doctor", "--json", HISTORY_KEY="CANARY-key")
    assert "CANARY-key" not in done.stdout + done.stderr
    return done.returncode, [each for each in json.loads(done.stdout) if each["check"] == "history"]


def test_a_server_that_is_well(shell: Any, aws: LocalAws) -> None:
    with FakeElastic() as fake:
        code, (found,) = findings(shell, fake.url)
        assert code == 0
        assert found["verdict"] == "well"
        assert found["where"] == f"Elasticsearch at 127.0.0.1:{fake.port}"
        assert found["detail"] == (
            "Elasticsearch 8.19.20; the first run puts its index templates; whether it may write only a run would tell"
        )
        assert {each.method for each in fake.asked} <= {"GET", "POST"}
        assert fake.documents == {}


RIGHTS = Fault(
    body=json.dumps(
        {
            "has_all_requested": False,
            "cluster": {"monitor": True, "manage_index_templates": False},
            "index": {"nephoscope-*": {"create_doc": False, "create_index": True}},
        }
    ).encode()
)


@pytest.mark.parametrize(
    ("faults", "detail"),
    [
        (
            [None, RIGHTS],
            "Elasticsearch 8.19.20; its API key lacks manage_index_templates, create_doc on nephoscope-*",
        ),
        (
            [refused(401, "security_exception", "unable to authenticate")],
            "denied: GET /: unable to authenticate",
        ),
        (
            [Fault(body=b'{"version": {"number": "7.17.0"}}')],
            "rejected: Elasticsearch 7.17.0 is not supported: Elasticsearch 8 or 9, or OpenSearch 2 or 3, is needed",
        ),
        (
            [None, None, None, Fault(200, b'{"nephoscope-metrics-2026.11.26": {"mappings": {"properties": {}}}}')],
            "Elasticsearch 8.19.20; made without our template, so that nobody finds what is in it: "
            "nephoscope-metrics-2026.11.26",
        ),
    ],
)
def test_what_is_in_the_way_is_said(shell: Any, aws: LocalAws, faults: list[Fault | None], detail: str) -> None:
    with FakeElastic() as fake:
        fake.fails(*faults)
        code, (found,) = findings(shell, fake.url)
        assert (code, found["verdict"], found["detail"]) == (1, "failed", detail)


def test_a_server_that_is_not_there(shell: Any, aws: LocalAws) -> None:
    code, (found,) = findings(shell, "http://127.0.0.1:9")
    assert (code, found["verdict"]) == (1, "failed")
    assert found["detail"] == "unavailable: the connection was refused"
