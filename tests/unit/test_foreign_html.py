"""HTML from elsewhere, made anew: what is read stays, what could do harm does not, and nothing leaves its place."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nephoscope.views.foreign_html import harmless

ATTACKS = {
    "script": ("<p>a<script>alert(1)</script>b</p>", "<p>ab</p>"),
    "script in capitals": ("<SCRIPT>alert(1)</SCRIPT>b", "b"),
    "script that is not closed": ("a<script>alert(1)", "a"),
    "event": ('<p onclick="x()" onmouseover=y>a</p>', "<p>a</p>"),
    "picture": ('<img src="https://evil.example/x.png" onerror=y>a', "a"),
    "frame": ('<iframe src="https://evil.example">b</iframe>a', "a"),
    "form": ('<form action="https://evil.example"><input name=x>a</form>', "a"),
    "style": ("<style>body{display:none}</style>a", "a"),
    "style of a tag": ('<p style="position:fixed;inset:0">a</p>', "<p>a</p>"),
    "more behind a width": ('<i style="width:10%;position:fixed">a</i>', "<i>a</i>"),
    "more before a width": ('<i style="position:fixed;width:10%">a</i>', "<i>a</i>"),
    "link to a script": ('<a href="javascript:x()">a</a>', ""),
    "link that is not safe": ('<a href="http://evil.example">a</a>', ""),
    "a tag of its own": ("<evil-thing>a</evil-thing>", "a"),
    "an end that was not begun": ("</div></section></body>a", "a"),
    "a begin that is not ended": ("<div><b>a", "<div><b>a</b></div>"),
    "ends in disorder": ("<div><b>a</div>b</b>", "<div><b>a</b></div>b"),
    "a comment": ("<!-- <script> -->a", "a"),
    "a picture in words of its own": ('<svg><use href="#x"/><text>b</text></svg>a', "a"),
    "the console's action": (
        '<a class="btn">Acknowledge</a><cwdb-action action="call" endpoint="arn">{"a":1}</cwdb-action>',
        "",
    ),
    "escaped script": ("&lt;script&gt;alert(1)&lt;/script&gt;", "&lt;script&gt;alert(1)&lt;/script&gt;"),
}


@pytest.mark.parametrize(("foreign", "left"), ATTACKS.values(), ids=ATTACKS)
def test_what_could_do_harm_is_left_out(foreign: str, left: str) -> None:
    assert harmless(foreign) == left


def test_what_is_read_stays() -> None:
    shown = (
        '<table><thead><tr><th scope="col">A</th></tr></thead><tbody><tr><td data-label="A">1 &amp; 2<br>3</td></tr>'
        '</tbody></table><span class="bar"><i style="width:42%"></i><u style="left:90%"></u></span>'
        '<a href="https://x.example/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer">x</a>'
    )
    assert harmless(shown) == shown


class Balance(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: set[str] = set()
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        assert not [key for key, _ in attrs if key.startswith("on") or key in ("src", "srcdoc", "action")]
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


TAGS = "<div> </div> <b> </b> <script> </script> <a href=https://x> </a> <svg> </svg> <br> <style> </style> <template>"
BROKEN = """<td > < " ' <!-- --> </ <br/> &lt; &#60;script&#62; x <![CDATA[ ]]> <?x </template> \x00"""
PIECES = st.sampled_from([*TAGS.split(" "), *BROKEN.split(" "), "<p onload=x ", "style=left:1%", " "])


@given(st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=80))
def test_whatever_comes_is_balanced_and_known(foreign: str) -> None:
    made = harmless(foreign)
    assert Balance(made).names <= {"div", "b", "a", "td", "br", "p", "i", "u"} | {"h1", "em", "ol", "ul", "li", "tr"}
    assert harmless(made) == made
