"""How the page of a dashboard looks: CloudWatch's grid of 24 columns, one column on a phone, light and dark."""

from __future__ import annotations

from nephoscope.views.widget_style import RULES

_LIGHT = (
    "--page:#f2f3f3;--card:#fff;--ink:#16191f;--soft:#4f5660;--edge:#d5dbdb;--grid:#e6e9ea;--link:#0558a8;"
    "--bad:#c22b0e;--good:#176b02;--warn:#8f4700;--glow:none;--shade:.10"
)
_DARK = (
    "--page:#0f1b2a;--card:#182433;--ink:#e9ebed;--soft:#b3bdc8;--edge:#354150;--grid:#2b3747;--link:#7cbcff;"
    "--bad:#ff7566;--good:#6cc04a;--warn:#ffb04d;--glow:brightness(1.35);--shade:.20"
)

STYLE = (
    f":root{{color-scheme:light dark;{_LIGHT}}}"
    f"@media(prefers-color-scheme:dark){{:root{{{_DARK}}}}}"
    "*{box-sizing:border-box}"
    "body{margin:0;padding:16px;background:var(--page);color:var(--ink);"
    "font:14px/1.45 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}"
    "article{max-width:1600px;margin:0 auto 24px}"
    ".board{display:grid;grid-template-columns:repeat(24,minmax(0,1fr));gap:8px}"
    "section.widget{grid-column:var(--x)/span var(--w);grid-row:var(--y)/span var(--h);min-width:0;"
    "background:var(--card);border:1px solid var(--edge);border-radius:8px;padding:8px 12px;"
    "display:flex;flex-direction:column;overflow-wrap:anywhere}"
    "section.widget.text,section.widget.bare{background:none;border:0;padding:2px;justify-content:center}"
    "section.widget.text{margin-top:10px}"
    "h1,h2,h3,h4,h5,p{margin:0}h1{font-size:24px;line-height:1.25}h2{font-size:19px}"
    ".text h3{font-size:15px}"
    ".name{font-size:13px;font-weight:600;margin-bottom:6px;line-height:1.3}"
    ".text p,.faint,.empty,footer{color:var(--soft)}.problem{color:var(--bad);overflow-wrap:anywhere}"
    ".empty{margin:auto;text-align:center;padding:12px}a{color:var(--link)}"
    ".variables{display:flex;flex-wrap:wrap;gap:6px 12px;margin:0 0 10px;font-size:13px}"
    ".variables div{display:flex;gap:6px;background:var(--card);border:1px solid var(--edge);border-radius:8px;"
    "padding:3px 10px}.variables dt{color:var(--soft)}.variables dd{margin:0;font-weight:600}"
    # graphs: the plot stretches between its scale and its times
    ".plot{position:relative;margin:6px 0 20px 44px;flex:none}"
    ".plot svg,.course svg{display:block;width:100%;height:100%;overflow:visible}"
    ".plot .scale,.plot .time,.plot .mark{position:absolute;font-size:11px;line-height:1;color:var(--soft);"
    "white-space:nowrap}"
    ".plot .scale{right:100%;margin-right:6px;transform:translateY(-50%)}"
    ".plot .time{top:100%;margin-top:6px;transform:translateX(-50%)}"
    ".plot .mark{right:4px;transform:translateY(calc(-100% - 2px));color:var(--ink);max-width:100%;overflow:hidden;"
    "text-overflow:ellipsis;padding:1px 3px;border-radius:3px;"
    "background:color-mix(in srgb,var(--card) 75%,transparent)}"
    ".plot .mark.under{transform:translateY(3px)}"
    ".grid{stroke:var(--grid);stroke-width:1}"
    ".line,.spark,.dot{fill:none;filter:var(--glow)}.line,.spark{stroke-width:1.8;stroke-linejoin:round}"
    ".dot{stroke-width:6;stroke-linecap:round}.area{fill-opacity:.4;stroke-width:1;filter:var(--glow)}"
    ".threshold{stroke-width:1.4;stroke-dasharray:6 4;filter:var(--glow)}.shade{fill-opacity:var(--shade)}"
    ".legend{list-style:none;display:flex;flex-wrap:wrap;gap:2px 14px;margin:2px 0 0;padding:0;font-size:12px;"
    "color:var(--soft)}"
    ".legend li{max-width:100%;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}"
    ".legend i{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:5px;filter:var(--glow)}"
    # numbers
    ".tiles{display:grid;flex:1;align-items:center;gap:10px 14px;"
    "grid-template-columns:repeat(auto-fit,minmax(66px,1fr))}"
    ".tile{min-width:0;text-align:center}"
    ".tile span{display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:2;overflow:hidden}"
    ".tile b{display:block;font-size:clamp(20px,2.5vw,32px);line-height:1.15;font-weight:600;white-space:nowrap}"
    ".tile span{color:var(--soft);font-size:12px}.course{height:30px;margin-top:4px}"
    # alarms
    ".alarms{list-style:none;margin:0;padding:0;display:grid;gap:8px;"
    "grid-template-columns:repeat(auto-fill,minmax(min(170px,100%),1fr))}"
    ".alarms li{border:1px solid var(--edge);border-left:5px solid var(--tone);border-radius:4px;padding:2px 8px;"
    "min-width:0;overflow-wrap:anywhere}"
    ".alarms b{display:block;font-size:13px}.alarms span{display:block;font-size:12px;color:var(--tone)}"
    ".alarms .faint{color:var(--soft)}"
    ".alarms .ok{--tone:var(--good)}.alarms .alarm{--tone:var(--bad)}.alarms .insufficient_data{--tone:var(--warn)}"
    ".alarms .unknown{--tone:var(--soft)}"
    "footer{text-align:center;font-size:12px}"
    + RULES
    + ".nephoscope .faint{opacity:1}"
    + "@media(prefers-color-scheme:dark){"
    ".nephoscope{--good:#6cc04a;--bad:#ff7566;--warn:#ffb04d;--info:#6cb2ff}"
    ".nephoscope .bar i{background:#4ba3e3}.nephoscope .bar i.over{background:#ff6b5e}}"
    # one column, in reading order
    "@media(max-width:760px){body{padding:8px}section.widget,section.widget.text{grid-column:1/-1;grid-row:auto}"
    ".tile b{font-size:26px}h1{font-size:21px}}"
    "@media print{body{background:#fff}section.widget{break-inside:avoid}}"
)
