"""What the demonstration tells: its incidents in sentences, and a message drawn plainly."""

from __future__ import annotations

from nephoscope.localcloud.demo.happenings import SENTENCES, Happens, happenings
from nephoscope.localcloud.demo.message_page import render_message
from nephoscope.localcloud.fleet import Fleet
from nephoscope.localcloud.incidents import Happening, Incident
from nephoscope.model.scope import Cloud

START = 1_795_435_200


def test_every_kind_of_incident_has_its_sentences() -> None:
    assert set(SENTENCES) == set(Happening)


def test_what_begins_and_ends_is_told_in_order_and_machines_by_their_names() -> None:
    script = (
        Incident(Happening.CPU_SATURATED, 300, 900, ("a", "b", "c", "d")),
        Incident(Happening.LATE_POINTS, 60, 300, region="eu-west-1", seconds=240),
        Incident(Happening.TERMINATED, 120, 180, ("a",)),
        Incident(Happening.THROTTLED, 7_000, 8_000, region="x", share=0.5),
    )
    fleets = {Cloud.AWS: Fleet(1, START, (), (), script)}
    assert list(happenings(fleets, {"a": "web-1", "b": "web-2"}, START + 1_000)) == [
        Happens(START + 60, Cloud.AWS, True, "eu-west-1 publishes points 4 min late"),
        Happens(START + 120, Cloud.AWS, True, "terminated: web-1"),
        Happens(START + 300, Cloud.AWS, True, "out of CPU: web-1, web-2, c and 1 more"),
        Happens(START + 300, Cloud.AWS, False, "eu-west-1 publishes in time again"),
        Happens(START + 900, Cloud.AWS, False, "CPU to spare again: web-1, web-2, c and 1 more"),
    ]


def test_a_message_is_drawn_with_its_links_and_no_name_writes_markup() -> None:
    links = "<https://x.example/?a=1&amp;b='\"|In &lt;b&gt;> · <!channel>"
    body = {
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": "CRITICAL &lt;script&gt;"}},
            {"type": "section", "fields": [{"type": "plain_text", "text": "Rule: a &amp; b"}]},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": links}]},
        ]
    }
    page = render_message(body, "c<h>at")
    assert "<h1>CRITICAL &lt;script&gt;</h1>" in page
    assert "<dt>Rule:</dt> <dd>a &amp; b</dd>" in page
    assert '<a href="https://x.example/?a=1&amp;b=&#x27;&quot;">In &lt;b&gt;</a> · &lt;!channel&gt;' in page
    assert "<title>What the channel c&lt;h&gt;at received</title>" in page
