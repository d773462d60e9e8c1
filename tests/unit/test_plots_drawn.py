"""Pictures as files: whatever names and series there are, without a warning; the same bytes each time."""

from __future__ import annotations

import io
import math
import subprocess
import sys
from array import array
from datetime import UTC
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.rule import Severity
from nephoscope.pipeline.plotting.picture import Asked, Picture, compose
from nephoscope.pipeline.plotting.spans import Span
from nephoscope.pipeline.plotting.tracks import Track
from nephoscope.views.plots.drawing import draw, render, write_picture
from nephoscope.views.plots.lettering import drawable, fitted
from nephoscope.views.plots.panel import span_words
from nephoscope.views.plots.themes import DARK, LIGHT
from tests.plot_world import BEGIN, CPU_HOT, EU, HOUR, machine, track

ODD = (
    "web_$1_$2$",
    "$\\frac{1}{0}$",
    "_leading_underscore",
    "מסד־נתונים-1",
    "قاعدة البيانات",
    "🔥 prod 👩‍👩‍👧‍👦",
    "数据库-一",
    "a" * 255,
    "<b>&amp;</b>",
    "web\n1\x00\x1b[31m",
    "\ud800 lone",
    "%s {name} \\n",
)


def picture(tracks: list[Track], **more: object) -> Picture:
    metric = load_catalog().metrics["cpu.utilization"]
    asked: dict[str, object] = {"rules": [CPU_HOT], "begin": BEGIN, "end": BEGIN + HOUR, "zone": UTC} | more
    return compose(Asked([metric], {metric.name: tracks}, **asked))  # type: ignore[arg-type]


def shown(what: Picture) -> Image.Image:
    image = Image.open(io.BytesIO(render(what))).convert("RGB")
    assert image.size == (1280, 720)
    return image


def has(image: Image.Image, colour: str) -> bool:
    """Whether the colour itself is somewhere, not only a mixture with what is beneath."""
    wanted = tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return wanted in {pixel for _, pixel in image.getcolors(maxcolors=2**20) or []}


@pytest.mark.parametrize("form", ["png", "svg"])
def test_any_name_is_drawn_without_a_warning(form: str) -> None:
    """As names of lines, of panels, and in the titles."""
    tracks = [track([0.5, 0.6, 0.7], name) for name in ODD]
    assert len(render(picture(tracks, by="name", about=" ".join(ODD)), form)) > 5_000
    for some in (tracks[:6], tracks[6:], tracks[5:6]):
        assert len(render(picture(some), form)) > 5_000


def test_what_the_font_lacks_is_one_square() -> None:
    assert drawable("🔥🔥 prod") == "□ prod"
    assert drawable("👩‍👩‍👧‍👦") == "□"
    assert drawable("naïve Ω ж א ا") == "naïve Ω ж א ا"


def test_text_is_cut_to_its_room() -> None:
    cut = fitted("m" * 255, 8, 90)
    assert cut.endswith("…")
    assert 5 < len(cut) < 20
    assert fitted("web-1", 8, 90) == "web-1"


def test_no_text_leaves_the_picture() -> None:
    """In the figure's own pixels, for the widest names there are."""
    figure = draw(picture([track([0.1 * n] * 30, f"{'W' * 200}{n}") for n in range(1, 6)], about="x" * 500))
    figure.canvas.draw()
    width = figure.bbox.width
    texts = [*figure.texts, *(text for axes in figure.axes for text in (*axes.texts, *axes.get_xticklabels()))]
    boxes = [text.get_window_extent() for text in texts]
    assert texts
    assert all(box.x0 >= 0 and box.x1 <= width for box in boxes)


def test_nothing_at_all_one_point_and_only_gaps_are_pictures() -> None:
    empty = shown(picture([]))
    assert not has(empty, LIGHT.lines[0])
    assert has(shown(picture([track([0.5])])), LIGHT.lines[0])
    nothing = Track(machine(), "cpu.utilization", 60, (), array("q", []), array("d", []))
    assert not has(shown(picture([nothing])), LIGHT.lines[0])


def test_a_gap_is_empty_in_the_picture() -> None:
    """Two hours' line with its middle missing: no pixel of the line's colour in the middle third."""
    values = [0.5] * 20 + [None] * 20 + [0.5] * 20
    image = shown(picture([track(values)], rules=[]))
    left, right = 0.085 * 1280, 0.785 * 1280
    middle = (left + (right - left) * 0.36, 200, left + (right - left) * 0.64, 600)
    assert not has(image.crop(tuple(map(int, middle))), LIGHT.lines[0])
    assert has(image, LIGHT.lines[0])


def test_the_same_picture_is_the_same_bytes_in_another_process() -> None:
    code = (
        "from tests.unit.test_plots_drawn import picture, track, render; import hashlib, sys;"
        "one = picture([track([0.1, None, 0.9] * 20)]);"
        "print(*(hashlib.sha256(render(one, form)).hexdigest() for form in ('png', 'svg')))"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1
    assert len(runs.pop().split()) == 2


def test_twenty_thousand_machines_are_bands() -> None:
    times = array("q", range(BEGIN, BEGIN + HOUR, 300))
    many = [
        Track(machine(f"m{n}"), "cpu.utilization", 300, (), times, array("d", [(n % 1000) / 1000] * 12))
        for n in range(20_000)
    ]
    one = picture(many)
    ((panel,),) = one.rows
    assert panel.band is not None
    assert panel.band.median[0] == pytest.approx(49.95)
    assert (len(panel.named), panel.others) == (1, ())
    assert has(shown(one), LIGHT.band)


def test_an_alert_is_shaded_named_and_told_in_words() -> None:
    told = Span("cpu-hot", Severity.CRITICAL, EU, "i-web-1", (), BEGIN + 600, BEGIN + 1200)
    one = picture([track([0.5] * 60)], spans=[told])
    assert span_words(one.rows[0][0]) == "cpu-hot fired"
    assert has(shown(one), LIGHT.severities[Severity.CRITICAL])


def test_dark_is_dark() -> None:
    image = Image.open(io.BytesIO(render(picture([track([0.5] * 60)]), theme=DARK))).convert("RGB")
    assert image.getpixel((2, 2)) == (0x16, 0x19, 0x1D)


def test_an_svg_is_well_formed_and_has_a_title() -> None:
    root = ET.fromstring(render(picture([track([0.5] * 60, "<script>")]), "svg"))  # noqa: S314 - our own
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "cpu.utilization of <script>" in "".join(root.itertext())


def test_drawing_leaves_no_global_figure_and_no_pyplot() -> None:
    code = (
        "from tests.unit.test_plots_drawn import picture, track, render; import sys;"
        "render(picture([track([0.5])])); print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_picture_goes_into_a_file_of_its_kind(tmp_path: Path) -> None:
    write_picture(picture([track([0.5] * 60)]), tmp_path / "a.PNG")
    assert (tmp_path / "a.PNG").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="png, svg"):
        render(picture([]), "jpg")


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_what_is_written_stands_out_from_the_page(theme: object) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1 for text; 1.4.11: 3 to 1 for lines that carry a meaning."""
    page = luminance(theme.page)  # type: ignore[attr-defined]
    written = [theme.ink, theme.faint, *theme.severities.values()]  # type: ignore[attr-defined]
    assert all(contrast(luminance(colour), page) >= 4.5 for colour in written)
    drawn = [*theme.lines[:2], theme.band]  # type: ignore[attr-defined]
    assert all(contrast(luminance(colour), page) >= 3 for colour in drawn)


def luminance(colour: str) -> float:
    """Source: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: float, other: float) -> float:
    light, dark = max(one, other), min(one, other)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_measured_right() -> None:
    assert contrast(luminance("#000000"), luminance("#ffffff")) == pytest.approx(21)
    assert math.isclose(contrast(luminance("#777777"), luminance("#ffffff")), 4.48, abs_tol=0.01)
