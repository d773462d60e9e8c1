"""`nephoscope web` as a process of its own: it serves, says where, asks for a token, and needs its extra."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

WITHOUT = """
import sys
sys.modules["dash"] = None
from nephoscope.cli.main import main
sys.exit(main(["web", "--port", "0"]))
"""
UNTOUCHED = """
import sys
from nephoscope.cli.main import main
try:
    main(["--help"])
except SystemExit:
    pass
print([name for name in ("dash", "flask", "plotly", "waitress") if name in sys.modules])
"""


@contextmanager
def serving(shell: Any, *arguments: str) -> Iterator[str]:
    """The address that it prints. It is ended as a person ends it."""
    process = shell.start("web", "--port", "0", *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield process.stdout.readline().strip()
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert "Traceback" not in err


def state(address: str) -> dict[str, Any]:
    return dict(json.loads(fetched(f"{address}state")))


def fetched(address: str) -> bytes:
    with urllib.request.urlopen(address) as answer:  # noqa: S310 - the address that it printed
        return bytes(answer.read())


def test_it_shows_what_a_run_has_remembered(shell: Any, noon: int) -> None:
    assert shell("run").returncode in (0, 1)  # a message may find no receiver
    with serving(shell) as address:
        assert urlsplit(address).hostname == "127.0.0.1"
        assert state(address)["number"] == 1
        rows = json.loads(fetched(f"{address}rows"))
        assert rows["count"] == 40
        assert set(rows["words"]["region"]) == {"eu-central-1", "eu-west-1"}


def test_before_the_first_run_it_stands_and_says_what_to_do(shell: Any) -> None:
    with serving(shell) as address:
        said = str(state(address)["banner"])
    assert said.startswith("Nothing could be read yet: there is no nephoscope.sqlite; do a first run")
    assert shell.files == ["nephoscope.yaml"]  # looking makes no file


def test_for_others_it_prints_a_token_once_and_asks_for_it(shell: Any) -> None:
    with serving(shell, "--bind", "0.0.0.0") as address:
        split = urlsplit(address)
        assert split.query.startswith("token=")
        connection = HTTPConnection("127.0.0.1", split.port)
        connection.request("GET", "/state")
        refused = connection.getresponse()
        assert refused.status == 403
        refused.read()
        connection.request("GET", f"/state?{split.query}")
        entered = connection.getresponse()
        assert entered.status == 303
        connection.close()


def test_an_address_that_is_taken_is_said_to_be(shell: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = shell("web", "--port", str(port))
    assert done.returncode == 2
    assert f"cannot serve on 127.0.0.1:{port}: Address already in use" in done.stderr
    assert "--port 0 takes any that is free" in done.stderr


def test_a_body_that_is_not_there_is_a_wrong_call(shell: Any) -> None:
    done = shell("web", "--dashboard", "nowhere.json")
    assert (done.returncode, "there is no file nowhere.json" in done.stderr) == (2, True)
    done = shell("web", "--port", "99999")
    assert (done.returncode, "'99999' is no port: 0 to 65535" in done.stderr) == (2, True)


def test_without_its_extra_it_says_which_and_the_others_do_not_need_it(shell: Any) -> None:
    done = python(shell, WITHOUT)
    assert done.returncode == 2
    assert "the page needs dash" in done.stderr
    assert "pip install 'nephoscope[cli,web]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert python(shell, UNTOUCHED).stdout.splitlines()[-1] == "[]"


def python(shell: Any, program: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program]
    return subprocess.run(
        command, cwd=shell.folder, env=shell.environment, capture_output=True, text=True, check=False, timeout=60
    )
