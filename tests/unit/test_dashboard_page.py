"""The page that draws a dashboard: self-contained, escaped, with every widget and a word where something is missing."""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser

import pytest

from nephoscope.model.publish import Dashboard
from nephoscope.views.dashboard_alarms import AlarmState
from nephoscope.views.dashboard_data import Drawn, WidgetData, expand, queries_of
from nephoscope.views.dashboard_page import draw, number
from nephoscope.views.markdown import render_markdown

NOON = 1_795_435_200
NASTY = "<script>alert(1)</script>\"'&"
VOID = {"meta", "line", "br"}


class Balance(HTMLParser):
    """Counts tags, and that each one that opens is closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def widget(kind: str, **properties: object) -> dict[str, object]:
    return {"type": kind, "x": 0, "y": 0, "width": 12, "height": 6, "properties": properties}


def page(
    *widgets: dict[str, object],
    data: object = None,
    custom: object = None,
    alarms: dict[str, AlarmState] | None = None,
    **body: object,
) -> str:
    dashboard = Dashboard("acme", {"widgets": list(widgets), **body})
    return draw([dashboard], data or {}, custom or {}, alarms=alarms)  # type: ignore[arg-type]


def line(label: str = "web", *values: float, color: str = "") -> Drawn:
    return Drawn(label, tuple(NOON + 300 * n for n in range(len(values))), values, color, 300)


def test_a_page_is_whole_html_that_asks_nobody_for_anything() -> None:
    html = page(widget("text", markdown="# hi"), widget("metric", title="CPU", metrics=[]))
    assert html.startswith('<!doctype html>\n<html lang="en">')
    seen = Balance(html).seen
    assert "script" not in {tag for tag, _ in seen}
    assert not [attrs for _, attrs in seen if "src" in attrs]
    assert not re.search(r"url\(|@import|<link", html)
    assert "default-src &#x27;none&#x27;" in html or "default-src 'none'" in html


def test_foreign_text_stays_text() -> None:
    series = WidgetData((line(NASTY, 1.0, 2.0),))
    html = page(widget("metric", title=NASTY, metrics=[]), widget("text", markdown=NASTY), data={("acme", 0): series})
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 3
    Balance(html)


def test_a_custom_widgets_html_is_drawn_without_what_could_do_harm() -> None:
    html = page(
        widget("custom", title="alerts"),
        custom={("acme", 0): f'<style>*{{}}</style><p onclick="x()">fine {NASTY}</p></section></main><b>out'},
    )
    seen = Balance(html).seen
    assert "<p>fine " in html
    assert not [attrs for _, attrs in seen if "onclick" in attrs]
    assert "script" not in {tag for tag, _ in seen}
    assert html.count("<style>") == 1
    assert html.index("<b>out</b>") < html.index("</section>")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (WidgetData((), "throttled"), "Could not be read: throttled"),
        (WidgetData(()), "No data in this range."),
        (None, "Not asked for."),
    ],
)
def test_what_is_missing_is_said(data: WidgetData | None, said: str) -> None:
    assert said in page(widget("metric", title="CPU", metrics=[]), data={("acme", 0): data} if data else {})


def test_a_single_value_shows_the_newest_with_its_course() -> None:
    html = page(
        widget("metric", title="Machines", view="singleValue", metrics=[]),
        data={("acme", 0): WidgetData((line("running", 3.0, 1_234.0), line("gone")))},
    )
    assert '<b>1,234</b><span title="running"><bdi>running</bdi></span>' in html
    assert '<b>–</b><span title="gone"><bdi>gone</bdi></span>' in html
    assert html.count("<polyline") == 1


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (19_840.0, "19,840"), (99.97, "99.97"), (99.9962, "99.9962"), (12.3456, "12.35"), (0.5, "0.5")],
)
def test_a_number_that_stands_alone_is_counted_out_and_nearly_all_is_not_all(value: float, text: str) -> None:
    assert number(value) == text


def test_a_long_legend_is_cut() -> None:
    series = WidgetData(tuple(line(f"machine {n}", 1.0, 2.0) for n in range(40)))
    html = page(widget("metric", title="CPU", metrics=[]), data={("acme", 0): series})
    assert "and 28 more" in html


def test_the_titles_make_an_outline() -> None:
    graph = widget("metric", title="graph", metrics=[])
    html = page(
        widget("text", markdown="# fleet"),
        widget("custom", title="alerts"),
        widget("text", markdown="## places\nwhere"),
        graph,
        widget("text", markdown="### cpu"),
        graph,
    )
    assert re.findall(r"<(h\d)", html) == ["h1", "h2", "h2", "h3", "h3", "h4"]


def test_what_the_variables_are_set_to_is_shown() -> None:
    values = [{"value": "acme", "label": "all 2 regions"}, {"value": NASTY}]
    variable = {"type": "pattern", "pattern": "ANY", "id": "any", "label": "Region", "inputType": "select"}
    hidden = {**variable, "id": "hidden", "label": "unseen", "visible": False}
    html = page(
        widget("text", markdown="of ANY"),
        variables=[{**variable, "values": values, "defaultValue": "acme"}, {**hidden, "defaultValue": NASTY}],
    )
    assert "<dt>Region</dt><dd><bdi>all 2 regions</bdi></dd>" in html
    assert "unseen" not in html
    assert "of acme" in html


ARN = "arn:aws:cloudwatch:eu-west-1:111111111111:alarm:nephoscope-prod-"


def test_alarms_are_drawn_the_wrong_ones_first_in_words() -> None:
    names = ("CollectFails", "NoHeartbeat", "OwedTooLong", "gone")
    states = {
        f"{ARN}CollectFails": AlarmState("OK", NOON),
        f"{ARN}NoHeartbeat": AlarmState("ALARM", NOON, "Threshold <crossed>"),
        f"{ARN}OwedTooLong": AlarmState("INSUFFICIENT_DATA"),
    }
    html = page(widget("alarm", title="alarms", alarms=[f"{ARN}{name}" for name in names]), alarms=states)
    shown = [re.sub(r"<[^>]+>", " ", one).split() for one in re.findall(r"<li class.*?</li>", html)]
    assert [" ".join(one) for one in shown] == [
        "NoHeartbeat ✖ in alarm since 23 Nov 12:00",
        "OwedTooLong ? too few data",
        "CollectFails ✔ ok since 23 Nov 12:00",
        "gone there is no such alarm",
    ]
    assert "Threshold &lt;crossed&gt;" in html


def test_alarms_that_nobody_asked_for_are_not_said_to_be_missing() -> None:
    html = page(widget("alarm", title="alarms", alarms=[f"{ARN}NoHeartbeat"]))
    assert "shown in the console only" in html
    assert "nephoscope-prod-NoHeartbeat" in html


STRANGE = {
    "right-to-left": "שרת-ייצור",
    "emoji": "👩\u200d🚀" * 20,
    "255 characters": "ö" * 255,
    "markup": NASTY,
    "an attribute's end": '"><img src=x onerror=y>',
}


@pytest.mark.parametrize("name", STRANGE.values(), ids=STRANGE)
def test_strange_names_are_shown_as_they_are_and_keep_to_themselves(name: str) -> None:
    shown = widget("metric", title=name, metrics=[], view="timeSeries")
    html = page(shown, data={("acme", 0): WidgetData((line(name, 1.0, 2.0),))})
    seen = Balance(html).seen
    assert {"script", "img"}.isdisjoint({tag for tag, _ in seen})
    assert html.count(f"<bdi>{escape(name)}</bdi>") == 2  # the title and the legend


def test_a_page_of_nothing_says_so() -> None:
    assert "There is no dashboard yet." in draw([], {})


def test_markdown_of_our_text_widgets() -> None:
    html = render_markdown(
        "# acme\nWatched in **AWS**.\n\n- one\n- `two`\n\n[part](#dashboards:name=a-2) [x](javascript:y)"
    )
    assert html == (
        "<h1>acme</h1><p>Watched in <strong>AWS</strong>.</p><ul><li>one</li><li><code>two</code></li></ul>"
        '<p><a href="#dashboards:name=a-2">part</a> [x](javascript:y)</p>'
    )


def test_abbreviations_of_a_metrics_array_are_written_out() -> None:
    metrics = [
        ["AWS/EC2", "CPUUtilization", "InstanceId", "i-1", {"label": "one"}],
        [".", ".", ".", "i-2"],
        ["...", "i-3", {"stat": "p90"}],
        [{"expression": "m1*2"}],
        [".", "NetworkIn", ".", "."],
    ]
    assert list(expand(metrics)) == [
        (["AWS/EC2", "CPUUtilization", "InstanceId", "i-1"], {"label": "one"}),
        (["AWS/EC2", "CPUUtilization", "InstanceId", "i-2"], {}),
        (["AWS/EC2", "CPUUtilization", "InstanceId", "i-3"], {"stat": "p90"}),
        ([], {"expression": "m1*2"}),
        (["AWS/EC2", "NetworkIn", "InstanceId", "i-3"], {}),
    ]


def test_queries_follow_the_widget_and_the_lines_own_options() -> None:
    properties = {
        "region": "eu-west-1",
        "period": 60,
        "stat": "Maximum",
        "metrics": [
            ["ns", "lag", "fleet", "acme", {"id": "lag", "visible": False}],
            [{"expression": "lag*2", "id": "twice", "label": "twice", "region": "us-east-1"}],
        ],
    }
    assert queries_of(properties) == {
        "eu-west-1": [
            {
                "Id": "lag",
                "ReturnData": False,
                "MetricStat": {
                    "Metric": {
                        "Namespace": "ns",
                        "MetricName": "lag",
                        "Dimensions": [{"Name": "fleet", "Value": "acme"}],
                    },
                    "Period": 60,
                    "Stat": "Maximum",
                },
            }
        ],
        "us-east-1": [{"Id": "twice", "ReturnData": True, "Label": "twice", "Expression": "lag*2", "Period": 60}],
    }
