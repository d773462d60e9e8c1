"""The custom widget's own style: readable on the console's light and dark ground, and in a widget as wide as a phone.

Where there is little room a row becomes a card: each cell on a line, with its column's title before it.
"""

from __future__ import annotations

RULES = (
    ".nephoscope{font-size:13px;line-height:1.4;--good:#1d8102;--bad:#c22b0e;--warn:#a35200;--info:#0060a8;"
    "container-type:inline-size}"
    ".nephoscope.dark{--good:#6cc04a;--bad:#ff7566;--warn:#ffb04d;--info:#6cb2ff}"
    ".nephoscope table{border-collapse:collapse;width:100%}"
    ".nephoscope th{text-align:left;font-weight:600;opacity:.8;padding:2px 10px 3px 0;white-space:nowrap}"
    ".nephoscope td{padding:4px 10px 4px 0;border-top:1px solid rgba(128,128,128,.25);vertical-align:top;"
    "overflow-wrap:anywhere}"
    ".nephoscope p{margin:2px 0 6px}.nephoscope h4{margin:0;font-size:13px}"
    ".nephoscope cwdb-action{display:none}.nephoscope .said{font-weight:600}"
    ".nephoscope .btn,.nephoscope .place{white-space:nowrap}"
    ".nephoscope .faint{opacity:.72;font-size:12px}"
    ".nephoscope .calm{color:var(--good);font-weight:600}"
    ".nephoscope .over-text{color:var(--bad);font-weight:600}"
    ".nephoscope .side{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(440px,100%),1fr));gap:14px 32px}"
    ".nephoscope .side td:first-child{width:46%}"
    ".nephoscope .answer{display:flex;flex-wrap:wrap;align-items:baseline;gap:2px 14px;padding:8px 12px;"
    "border-left:5px solid var(--tone);background:rgba(128,128,128,.1);border-radius:4px}"
    ".nephoscope .answer strong{font-size:18px;color:var(--tone)}"
    ".nephoscope .answer.well{--tone:var(--good)}.nephoscope .answer.critical{--tone:var(--bad)}"
    ".nephoscope .answer.warning,.nephoscope .answer.unknown{--tone:var(--warn)}"
    ".nephoscope .answer.info{--tone:var(--info)}"
    ".nephoscope .badge{display:inline-block;border-radius:3px;padding:0 7px;color:#fff;background:#0060a8;"
    "white-space:nowrap}"
    ".nephoscope .badge.critical{background:#c22b0e}.nephoscope .badge.warning{background:#8f4700}"
    ".nephoscope .bar{display:inline-block;position:relative;width:84px;height:9px;margin-right:4px;"
    "background:rgba(128,128,128,.28);border-radius:4px}"
    ".nephoscope .bar i{display:block;height:9px;border-radius:4px;background:#1f77b4}"
    ".nephoscope .bar i.over{background:#d62728}"
    ".nephoscope .bar u{position:absolute;top:-3px;width:2px;height:15px;background:currentColor;opacity:.65}"
    "@container (max-width:560px){.nephoscope thead{position:absolute;left:-9999px}"
    ".nephoscope tr{display:block;border-top:1px solid rgba(128,128,128,.35);padding:6px 0}"
    ".nephoscope td,.nephoscope .side td:first-child{display:flex;gap:8px;border:0;padding:1px 0;width:auto}"
    ".nephoscope td:empty{display:none}"
    ".nephoscope td::before{content:attr(data-label);flex:0 0 92px;opacity:.72;font-size:12px}"
    ".nephoscope td>*{min-width:0}}"
)
