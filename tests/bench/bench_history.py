"""Keeping history: documents a second into a real Elasticsearch beside the official client's streaming bulk helper, and
what a sender holds in memory; then asking: `history` on a day of many points, its seconds, bytes and memory.

    python tests/bench/bench_history.py [--documents 100000] [--rounds 3] [--many 1000000] [--points 10000000]

Both sides write the same documents into indices of the same template, in turns; ours makes them from series while it
sends, the helper has them as dictionaries already. The helper goes as it comes (500 documents a body) and with bodies
as large as ours. The sender's memory is that of a process of its own. Prints its figures as one JSON object, and lines
for people on standard error.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # for what several rooms of the tests use

from elasticsearch import Elasticsearch, helpers

from history_world import MIDNIGHT, TODAY, SystemClock, ask, open_sink, points, seconds
from nephoscope.app.history import open_reader, read_history
from nephoscope.localcloud.elastic.server import ElasticServer
from nephoscope.model.config import Config, Gather, GatherAws, PublishCloudWatch, PublishElasticsearch
from nephoscope.pipeline.asking.question import ask as ask_question
from nephoscope.sinks.elasticsearch.bodies import BODY_BYTES, BODY_DOCUMENTS

MINUTES = 1_440
"""Points of a machine in a day."""
EACH = 100
"""Points of each machine: a run sends few of many."""
PATIENCE = 3_600.0
MOST_GROWTH = 1.1


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--documents", type=int, default=100_000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--many", type=int, default=1_000_000)
    arguments.add_argument(
        "--points", type=int, default=10_000_000, help="that are kept when history is asked; 0: none"
    )
    arguments.add_argument("--ask", nargs=3, metavar=("URL", "INDEX", "MACHINES"), help="be who asks")
    arguments.add_argument("--send", nargs=2, metavar=("URL", "COUNT"), help="be the sender; what it held, in MB")
    given = arguments.parse_args()
    if given.send:
        sys.stdout.write(json.dumps(sent(given.send[0], int(given.send[1]))))
        return
    if given.ask:
        url, index, machines = given.ask
        sys.stdout.write(json.dumps(asked(url, index, int(machines))))
        return
    with ElasticServer(heap=1024) as server:
        figures = {
            "server": server.distribution.name,
            **race(server.url, given.documents, given.rounds),
            **memory(server.url, given.documents, given.many),
            **({"asked": asking(server.url, given.points)} if given.points else {}),
        }
    tell(figures)


# --- documents a second -------------------------------------------------------------------------------------------


def race(url: str, count: int, rounds: int) -> dict[str, Any]:
    """Rates of each round; the first round warms up the server and is not counted."""
    dictionaries = [(each.id, json.loads(each.source)) for each in points(count // EACH, EACH)]
    sides: dict[str, Callable[[str], int]] = {
        "ours": lambda prefix: ours(url, prefix, count),
        "helper": lambda prefix: theirs(url, prefix, dictionaries, {}),
        "helper_large": lambda prefix: theirs(
            url, prefix, dictionaries, {"chunk_size": BODY_DOCUMENTS, "max_chunk_bytes": BODY_BYTES}
        ),
    }
    rates: dict[str, list[float]] = {side: [] for side in sides}
    for turn in range(rounds + 1):
        for side, write in sides.items():
            prefix = f"{side.replace('_', '-')}-{turn}"
            prepare(url, prefix)
            began = time.perf_counter()
            taken = write(prefix)
            spent = time.perf_counter() - began
            check(url, prefix, taken, count)
            if turn:
                rates[side].append(count / spent)
    best = [max(pair) for pair in zip(rates["helper"], rates["helper_large"], strict=True)]
    ratios = sorted(mine / other for mine, other in zip(rates["ours"], best, strict=True))
    return {
        "documents": count,
        "documents_a_second": {side: round(statistics.median(each)) for side, each in rates.items()},
        "ratio": round(statistics.median(ratios), 2),
        "ratios": [round(each, 2) for each in ratios],
    }


def prepare(url: str, prefix: str) -> None:
    sink = open_sink(url, index=prefix)
    sink.prepare(MIDNIGHT, seconds(60))
    sink.close()


def ours(url: str, prefix: str, count: int) -> int:
    sink = open_sink(url, index=prefix)
    taken = sink.write_documents(points(count // EACH, EACH), seconds(PATIENCE))
    sink.close()
    return taken.taken


def theirs(url: str, prefix: str, dictionaries: list[tuple[str, Any]], more: dict[str, int]) -> int:
    def actions() -> Iterator[dict[str, Any]]:
        for name, source in dictionaries:
            yield {
                "_op_type": "create",
                "_index": f"{prefix}-metrics-{TODAY}",
                "_id": name,
                "_source": source,
            }

    with Elasticsearch(url, http_compress=True, request_timeout=60) as client:
        return sum(well for well, _ in helpers.streaming_bulk(client, actions(), **more))


def check(url: str, prefix: str, taken: int, count: int) -> None:
    """Nothing is faster than what is not done. The index goes, so that the next one finds an idle server."""
    sink = open_sink(url, index=prefix)
    ask(sink, "POST", f"/{prefix}-metrics/_refresh")
    found = ask(sink, "GET", f"/{prefix}-metrics/_count")["count"]
    if not taken == found == count:
        raise SystemExit(f"{prefix}: {taken} taken and {found} found of {count}")
    ask(sink, "DELETE", f"/{prefix}-metrics-{TODAY}")
    sink.close()


# --- memory, wire, disk -------------------------------------------------------------------------------------------


def memory(url: str, few: int, many: int) -> dict[str, Any]:
    """Raises SystemExit where memory grows with the documents."""
    first, second = (in_its_own_process(url, count) for count in (few, many))
    sink = open_sink(url, index=f"memory-{many}")
    ask(sink, "POST", f"/memory-{many}-metrics/_forcemerge", max_num_segments="1")
    found = ask(sink, "GET", f"/memory-{many}-metrics/_stats/store,docs")["_all"]["primaries"]
    sink.close()
    growth = second["peak_mb"] / first["peak_mb"]
    if growth > MOST_GROWTH:
        raise SystemExit(f"the sender held {first['peak_mb']} MB of {few} documents and {second['peak_mb']} of {many}")
    return {
        "sender": [first, second],
        "growth": round(growth, 3),
        "disk_bytes_a_document": round(found["store"]["size_in_bytes"] / found["docs"]["count"], 1),
    }


def in_its_own_process(url: str, count: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, __file__, "--send", url, str(count)], stdout=subprocess.PIPE, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def sent(url: str, count: int) -> dict[str, Any]:
    """As a function sends; of `count` documents in all."""
    sink = open_sink(url, index=f"memory-{count}")
    sink.prepare(MIDNIGHT, seconds(60))
    began = time.perf_counter()
    taken = sink.write_documents(points(count // EACH, EACH), seconds(PATIENCE))
    spent = time.perf_counter() - began
    if taken.taken != count:
        raise SystemExit(f"{taken.taken} of {count}: {taken.problem}")
    traffic = sink.client.traffic
    sink.close()
    return {
        "documents": count,
        "peak_mb": round(peak_kilobytes() / 1024, 1),
        "documents_a_second": round(count / spent),
        "sent_bytes_a_document": round(taken.sent_bytes / count, 1),
        "received_bytes_a_document": round(traffic.received / count, 1),
    }


# --- asking -------------------------------------------------------------------------------------------------------

QUESTIONS: dict[str, dict[str, Any]] = {
    "average of all": {"by": "none"},
    "p95 by region": {"by": "region", "statistic": "p95"},
    "the worst 40 machines": {"by": "host", "most": 40},
    "every machine": {"by": "host"},
}
"""Those that hold more come later: the peak of each is the process's until then."""


def asking(url: str, count: int) -> dict[str, Any]:
    """A day of one metric, a point a minute of each machine; asked by a process of its own."""
    machines, index = max(1, count // MINUTES), f"asked-{count}"
    sink = open_sink(url, index=index)
    sink.prepare(MIDNIGHT, seconds(60))
    taken = sink.write_documents(points(machines, MINUTES, MIDNIGHT - 60 * MINUTES), seconds(PATIENCE))
    if taken.taken != machines * MINUTES:
        raise SystemExit(f"{taken.taken} of {machines * MINUTES}: {taken.problem}")
    ask(sink, "POST", f"/{index}-metrics/_refresh")
    sink.close()
    words = [sys.executable, __file__, "--ask", url, index, str(machines)]
    found: dict[str, Any] = json.loads(subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout)
    return found


def asked(url: str, index: str, machines: int) -> dict[str, Any]:
    """Each question once, as `nephoscope history` asks it; fails where the points are not all in the answer."""
    config = Config(
        "acme",
        Gather(60, GatherAws(("eu-west-1",))),
        PublishCloudWatch("eu-west-1", "acme"),
        history=PublishElasticsearch(url=url, index=index),
    )
    begin, end = MIDNIGHT - 60 * MINUTES, MIDNIGHT
    figures: dict[str, Any] = {"points": machines * MINUTES, "machines": machines, "questions": {}}
    for name, words in QUESTIONS.items():
        reader = open_reader(config, {}, SystemClock())
        statistic = words.get("statistic", "avg")
        wanted = ask_question("acme", "cpu.utilization", statistic, words["by"], (), begin, end, 0)
        began = time.perf_counter()
        history = read_history(reader, wanted, seconds(PATIENCE), most=words.get("most", 0))
        spent = time.perf_counter() - began
        if not history.courses or history.groups != (machines if words["by"] == "host" else 1):
            raise SystemExit(f"{name}: {history.groups} groups of {machines} machines")
        traffic = reader.client.traffic
        figures["questions"][name] = {
            "seconds": round(spent, 2),
            "requests": traffic.requests,
            "received_kb": round(traffic.received / 1024, 1),
            "peak_mb": round(peak_kilobytes() / 1024, 1),
            "values": sum(len(course.values) for course in history.courses),
        }
        reader.close()
    return figures


def peak_kilobytes() -> int:
    """Of this program alone: getrusage counts what its parent held when it was started, too."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM:")))


def tell(figures: dict[str, Any]) -> None:
    rates = figures["documents_a_second"]
    first, second = figures["sender"]
    said = [
        f"history into {figures['server']}, {figures['documents']:,} documents a turn: {rates['ours']:,} a second;",
        f"the official helper {rates['helper']:,}, with bodies as large as ours {rates['helper_large']:,}: "
        f"{figures['ratio']} times the better of them ({figures['ratios'][0]} to {figures['ratios'][-1]})",
        f"the sender held {first['peak_mb']} MB at {first['documents']:,} documents and {second['peak_mb']} MB at "
        f"{second['documents']:,}: {figures['growth']} times",
        f"a document is {second['sent_bytes_a_document']} bytes on the way there, "
        f"{second['received_bytes_a_document']} on the way back, {figures['disk_bytes_a_document']} on disk",
    ]
    if found := figures.get("asked"):
        said.append(f"asked of {found['points']:,} points of {found['machines']:,} machines:")
        said += [
            f"  {name}: {each['seconds']} s, {each['requests']} requests, {each['received_kb']:,} kB, "
            f"{each['values']:,} values, {each['peak_mb']} MB"
            for name, each in found["questions"].items()
        ]
    sys.stderr.write("\n".join(said) + "\n")
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
