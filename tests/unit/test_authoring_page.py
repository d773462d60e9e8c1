"""`page`: where people reach nephoscope's own page, and the links that messages carry then."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from nephoscope.app.authoring.compile import Compiled, compile_file
from nephoscope.app.config import dump_config, load_config
from nephoscope.catalog.loader import load_catalog
from nephoscope.model.errors import ConfigError
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.scope import Cloud, Scope
from nephoscope.notifiers.formats.slack import render_slack
from nephoscope.notifiers.formats.telling import links, own_links
from nephoscope.pipeline.links import links_for
from tests.unit.test_format_bodies import FIRED

HEAD = "fleet: acme\ngather: {aws: {regions: [eu-west-1]}}\ntell: {chat: {sns: arn:aws:sns:eu-west-1:111111111111:a}}\n"
EXPECTED = "expected the address at which people reach `nephoscope web`, as https://nephoscope.example"
CPU = load_catalog().metrics["cpu.utilization"]
ODD = Resource(Scope(Cloud.AZURE, "0a1b", "westeurope"), Kind.INSTANCE, "/subscriptions/0a1b/vm&x=<ü> #1?")


def compiled(text: str, folder: Path) -> Compiled:
    (folder / "nephoscope.yaml").write_text(HEAD + text, encoding="utf-8")
    return compile_file(folder / "nephoscope.yaml", {})


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("", ""),
        ("page: https://nephoscope.example", "https://nephoscope.example"),
        ("page: https://nephoscope.example/watch/", "https://nephoscope.example/watch"),
        ("page: http://10.0.0.5:8080/", "http://10.0.0.5:8080"),
    ],
)
def test_the_page_is_kept_without_its_last_slash(text: str, page: str, tmp_path: Path) -> None:
    config = compiled(text, tmp_path).config
    assert config.page == page
    assert load_config(dump_config(config)).page == page


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("nephoscope.example", EXPECTED),
        ("ftp://nephoscope.example", EXPECTED),
        ("https://", EXPECTED),
        ("https://x.example:99999", EXPECTED),
        ('"https://x.example/a b"', EXPECTED),
        ("https://ana:secret@x.example", "holds a name or a password, which would stand in every message"),
        ("https://x.example/?a=1", "the address of a page only, without ? and #"),
        ("https://x.example/" + "a" * 200, "has more than 200 characters"),
    ],
)
def test_what_is_no_address_is_refused_and_a_password_not_repeated(value: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        compiled(f"page: {value}", tmp_path)
    assert [str(each) for each in caught.value.problems] == [f"{tmp_path}/nephoscope.yaml:4:7: page: {said}"]


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1", "[::1]:8080"])
def test_an_address_of_each_readers_own_machine_is_odd(host: str, tmp_path: Path) -> None:
    (warning,) = compiled(f'page: "http://{host}"', tmp_path).warnings
    assert "each reader's own machine" in str(warning)


def test_a_message_leads_to_the_plot_of_its_metric() -> None:
    machine = Resource(Scope(Cloud.AWS, "111111111111", "eu-west-1"), Kind.INSTANCE, "i-0abc")
    assert links_for(machine, CPU, page="https://n.example")["plot"] == (
        "https://n.example/machine?scope=aws%23111111111111%23eu-west-1&id=i-0abc&metric=cpu.utilization"
    )
    assert "plot" not in links_for(machine, CPU)
    assert "plot" not in links_for(machine, page="https://n.example")
    assert "plot" not in links_for(replace(machine, kind=Kind.GROUP), CPU, page="https://n.example")


def test_whatever_an_id_holds_the_page_is_asked_for_it() -> None:
    parts = urlsplit(links_for(ODD, CPU, page="https://n.example/watch")["plot"])
    assert (parts.netloc, parts.path, parts.fragment) == ("n.example", "/watch/machine", "")
    assert parse_qs(parts.query) == {
        "scope": ["azure#0a1b#westeurope"],
        "id": ["/subscriptions/0a1b/vm&x=<ü> #1?"],
        "metric": ["cpu.utilization"],
    }


def test_the_plot_stands_behind_the_metric_and_in_groups_too() -> None:
    urls = {name: f"https://x.example/{name}" for name in ("instance", "metric", "plot", "dashboard")}
    told = replace(FIRED, links=urls, runbook="https://x.example/runbook")
    assert [word for word, _ in links(told)] == ["Runbook", "Instance", "Metric", "Plot", "Dashboard"]
    assert [word for word, _ in own_links(told)] == ["Instance", "Metric", "Plot"]


def test_slack_leaves_out_the_last_links_where_there_is_no_room() -> None:
    """Five of 595 characters, whose every second is written &amp;: a context block has 3,000."""
    long = "https://x.example/" + "&a" * 288
    told = replace(FIRED, links=dict.fromkeys(("instance", "metric", "plot", "dashboard"), long), runbook=long)
    body = render_slack(told)
    (shown,) = [block["elements"][0]["text"] for block in body["blocks"] if "|Runbook>" in json.dumps(block)]
    assert len(shown) <= 3000
    assert shown.count("<https://") >= 1
    assert shown.endswith(">")
