"""The local page in a real browser: from the address to the overview and to the table's first rows, and from a
keystroke to the filtered ones, at 2,000 and 20,000 machines.

    python tests/bench/bench_web.py [--rounds 5]

The server is `nephoscope web`'s own, on this machine and in a process of its own; the memory is SQLite, and its first
look has been read (that is measured too). `cold`: a browser that has never seen the page; `warm`: one that has its
scripts. The best of the rounds is given beside the median, for this machine does other things as well; and the seconds
that the page's own thread was at work until its rows stood, which do not depend on these.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from nephoscope.localcloud.browser import ARGUMENTS, EXECUTABLE
from web_memory import an_outside, fleet_of, remember, served

SIZES = (2_000, 20_000)
OVERVIEW = "table.fleet"
FIRST_ROWS = ".ag-center-cols-container .ag-row a"
KEYSTROKES = "api-prod"
TYPED = """
([letters]) => new Promise((done) => {
  const field = document.getElementById("words");
  const times = [];
  const next = (place) => {
    if (place > letters.length) return done(times);
    const before = document.getElementById("matches").textContent;
    const begun = performance.now();
    const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
    set.call(field, letters.slice(0, place));
    field.dispatchEvent(new Event("input", { bubbles: true }));
    const wait = () => requestAnimationFrame(() => requestAnimationFrame(() => {
      const first = nephoscopeGrid.getDisplayedRowAtIndex(0)?.data;
      const row = document.querySelector(".ag-center-cols-container .ag-row[row-index='0'] a");
      const right = first?.search.includes(letters.slice(0, place)) && row?.textContent === first.name;
      if (!right && performance.now() - begun < 5000) return wait();
      times.push(performance.now() - begun);
      setTimeout(() => next(place + 1), 50);
    }));
    wait();
  };
  next(1);
})
"""


def serve(folder: str, size: int, said: Any, end: Any) -> None:
    outside = an_outside(Path(folder))
    remember(outside, fleet_of(size))
    with served(outside, every=10) as page:
        said.put(page.url)
        end.wait()


def measure(browser: Any, size: int, rounds: int) -> dict[str, Any]:
    said, end = multiprocessing.Queue(), multiprocessing.Event()
    with tempfile.TemporaryDirectory() as folder:
        server = multiprocessing.Process(target=serve, args=(folder, size, said, end))
        server.start()
        url = said.get(timeout=120)
        began = time.perf_counter()
        fetch(f"{url}/state")
        first_look = time.perf_counter() - began
        sent = len(fetch(f"{url}/rows"))
        views = [opening(browser, f"{url}/", OVERVIEW) for _ in range(rounds)]
        cold = [opening(browser, f"{url}/machines", FIRST_ROWS) for _ in range(rounds)]
        warm, work, keys = again(browser, url, rounds)
        end.set()
        server.join()
    return {
        "machines": size,
        "first_look_seconds": round(first_look, 2),
        "rows_kilobytes": sent // 1024,
        "overview_cold_seconds": best_and_median(views),
        "first_rows_cold_seconds": best_and_median(cold),
        "first_rows_warm_seconds": best_and_median(warm),
        "first_rows_work_seconds": best_and_median(work),
        "keystroke_milliseconds": best_and_median(keys, 1) | {"worst": round(max(keys), 1)},
    }


def fetch(address: str) -> bytes:
    asked = urllib.request.Request(address, headers={"Accept-Encoding": "gzip"})  # noqa: S310 - our own server's
    with urllib.request.urlopen(asked) as answer:  # noqa: S310
        return bytes(answer.read())


def opening(browser: Any, address: str, selector: str) -> float:
    """In a browser that has never been there."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    took, _ = seconds_to(context.new_page(), address, selector)
    context.close()
    return took


def again(browser: Any, url: str, rounds: int) -> tuple[list[float], list[float], list[float]]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    seconds_to(context.new_page(), f"{url}/machines", FIRST_ROWS)
    took: list[float] = []
    work: list[float] = []
    keys: list[float] = []
    for _ in range(rounds):
        page = context.new_page()
        seconds, worked = seconds_to(page, f"{url}/machines", FIRST_ROWS)
        took.append(seconds)
        work.append(worked)
        keys += page.evaluate(TYPED, [KEYSTROKES])
        page.close()
    context.close()
    return took, work, keys


def seconds_to(page: Any, address: str, selector: str) -> tuple[float, float]:
    """On the wall, and at work in the page's main thread."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    began = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.wait_for_selector(selector)
    took = time.perf_counter() - began
    metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    return took, float(metrics["TaskDuration"])


def best_and_median(figures: list[float], digits: int = 2) -> dict[str, float]:
    return {"best": round(min(figures), digits), "median": round(statistics.median(figures), digits)}


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--rounds", type=int, default=5)
    rounds = arguments.parse_args().rounds
    if not EXECUTABLE.exists():
        sys.stderr.write(f"no {EXECUTABLE}: the page is not measured\n")
        sys.stdout.write("[]\n")
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=list(ARGUMENTS))
        found = [measure(browser, size, rounds) for size in SIZES]
        browser.close()
    said = [
        f"{'page':>8} {'first look s':>12} {'rows kB':>8} {'overview':>8} {'cold s':>8} {'warm s':>8} {'work s':>8} "
        f"{'key ms':>8} {'worst':>8}"
    ]
    for one in found:
        key = one["keystroke_milliseconds"]
        said.append(
            f"{one['machines']:8,} {one['first_look_seconds']:12.2f} {one['rows_kilobytes']:8,} "
            f"{one['overview_cold_seconds']['best']:8.2f} "
            f"{one['first_rows_cold_seconds']['best']:8.2f} {one['first_rows_warm_seconds']['best']:8.2f} "
            f"{one['first_rows_work_seconds']['best']:8.2f} "
            f"{key['median']:8.1f} {key['worst']:8.1f}"
        )
    sys.stderr.write("\n".join(said) + "\n")
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    main()
