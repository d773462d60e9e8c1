"""`python -m nephoscope.localcloud`: a local AWS in the foreground, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.aws.ministack import HOME_ACCOUNT, HOME_REGION, MinistackError
from nephoscope.localcloud.fleet import Fleet, simulate

_REGIONS = (HOME_REGION, "eu-west-1", "us-east-1")


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when it was stopped, 1 when it could not start."""
    options = _parser().parse_args(arguments)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    aws = LocalAws(_fleet(options), port=options.port, region=options.region)
    try:
        with aws:
            _announce(aws, options.ledger)
            ended.wait()
            if options.ledger:
                options.ledger.write_text(aws.ledger.to_json())
    except (OSError, MinistackError) as error:
        sys.stderr.write(f"the local AWS did not start: {error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m nephoscope.localcloud", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="of the front on 127.0.0.1 (0: a free one)")
    parser.add_argument("--seed", type=int, default=1, help="which fleet (default 1)")
    parser.add_argument("--instances", type=int, default=60, help="how many machines (default 60)")
    parser.add_argument("--minutes", type=int, default=45, help="length of the story of incidents (default 45)")
    parser.add_argument("--region", default=HOME_REGION, help=f"where the functions run (default {HOME_REGION})")
    parser.add_argument("--regions", default=",".join(_REGIONS), help="of the fleet, with commas between")
    parser.add_argument("--accounts", default=HOME_ACCOUNT, help="of the fleet, with commas between")
    parser.add_argument("--quiet", action="store_true", help="a fleet in which nothing goes wrong")
    parser.add_argument("--ledger", type=Path, help="write every call to this file when it ends")
    return parser


def _fleet(options: argparse.Namespace) -> Fleet:
    """A fleet that starts at this minute."""
    now = int(time.time())
    return simulate(
        options.seed,
        options.instances,
        options.regions.split(","),
        options.accounts.split(","),
        start=now - now % 60,
        minutes=options.minutes,
        script=() if options.quiet else None,
    )


def _announce(aws: LocalAws, ledger: Path | None) -> None:
    """What to export, on standard output, so that a shell can read it; the rest is for the person."""
    for name, value in aws.environment().items():
        sys.stdout.write(f"export {name}={value}\n")
    sys.stdout.flush()
    sys.stderr.write(f"local AWS at {aws.url}: {len(aws.fleet.instances)} machines; Ctrl-C ends it\n")
    if ledger:
        sys.stderr.write(f"every call will be written to {ledger}\n")


if __name__ == "__main__":
    sys.exit(main())
