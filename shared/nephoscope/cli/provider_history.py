"""History that is read from the providers for `backtest` and `plot`: its price first, then day by day."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from nephoscope.app.outside import Outside
from nephoscope.app.recording import read_recordings, write_recordings
from nephoscope.catalog.loader import Catalog
from nephoscope.cli.call import Call, CallError
from nephoscope.cli.reading import AT_ONCE, SECONDS, Looked
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Gap, SeriesRequest, Usage
from nephoscope.model.time import DAY
from nephoscope.pipeline.replay import Read, Recording
from nephoscope.pipeline.wording import render_duration

SPEND = 1.0
_BILLED = {
    Cloud.AWS: "cloudwatch.get_metric_data_metric",
    Cloud.GCP: "monitoring.time_series_returned",
    Cloud.AZURE: "azure_monitor.metrics_call",
}


def add_spend_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--spend", type=float, default=SPEND, metavar="USD", help=f"read no more than that; default: {SPEND:.2f}"
    )


def check_price(call: Call, requests: Mapping[Scope, Sequence[SeriesRequest]], catalog: Catalog, less: str) -> None:
    """Say what it will cost at list price, at most; refuse what is too dear. less: what makes it less. Raises
    CallError."""
    number = sum(map(len, requests.values()))
    usd = sum(catalog.cost(_BILLED[scope.cloud], len(asked)) for scope, asked in requests.items())
    asked_for = [request for asked in requests.values() for request in asked]
    span = max((each.end for each in asked_for), default=0) - min((each.start for each in asked_for), default=0)
    days = f"{number:,} series-days" if span > DAY else f"{number:,} series"
    call.terminal.note(f"reading {days} over {render_duration(span)}: {usd:.2f} USD at list price, at most")
    if usd > call.args.spend:
        said = f"reading that would cost up to {usd:.2f} USD, more than --spend {call.args.spend:.2f}"
        raise CallError(said, f"--spend {usd + 0.01:.2f} allows it; {less}")


def read_windows(
    call: Call, outside: Outside, requests: Mapping[Scope, Sequence[SeriesRequest]]
) -> dict[Scope, list[Read]]:
    """Day by day and scope by scope, several at a time; says what was called."""
    jobs = [(scope, window) for scope, asked in requests.items() for window in _by_window(asked)]
    reads: dict[Scope, list[Read]] = {}
    usage = Usage()

    def read(scope: Scope, window: tuple[SeriesRequest, ...]) -> Read:
        deadline = call.deadline(SECONDS)
        return Read(window, outside.readers[scope.cloud].read_series(scope, outside.config, window, deadline))

    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        with call.terminal.progress("reading history", len(jobs)) as bar:
            running = {pool.submit(read, scope, window): scope for scope, window in jobs}
            for future in as_completed(running):
                done = future.result()
                reads.setdefault(running[future], []).append(done)
                usage += done.readings.usage
                bar.step()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # after Ctrl-C nobody waits for calls under way
    _say_usage(call, usage)
    return reads


def _by_window(requests: Sequence[SeriesRequest]) -> list[tuple[SeriesRequest, ...]]:
    """What ends at the same time can be asked together."""
    windows: dict[tuple[int, int], list[SeriesRequest]] = {}
    for request in requests:
        windows.setdefault((request.end, request.period), []).append(request)
    return [tuple(window) for window in windows.values()]


def _say_usage(call: Call, usage: Usage) -> None:
    calls = ", ".join(f"{number:,} {action}" for action, number in sorted(usage.calls.items()))
    call.terminal.note(f"calls made: {calls or 'none'}")


def keep(call: Call, recordings: Sequence[Recording]) -> None:
    """Into the file of --record. Raises CallError."""
    try:
        write_recordings(call.args.record, recordings)
    except OSError as error:
        raise CallError(f"cannot write {call.args.record}: {error.strerror}") from error
    call.terminal.note(f"kept in {call.args.record}")


def recorded(path: Path) -> tuple[Recording, ...]:
    """What was kept. Raises CallError, ConfigError with the line that cannot be understood."""
    try:
        return read_recordings(path)
    except OSError as error:
        raise CallError(f"cannot read {path}: {error.strerror}") from error


def gaps_of(looked: Looked, reads: Mapping[Scope, Sequence[Read]]) -> tuple[Gap, ...]:
    found = [gap for each in reads.values() for one in each for gap in one.readings.gaps]
    return tuple(dict.fromkeys((*looked.gaps, *found)))
