"""ministack as a child process: its own directory, a free port on 127.0.0.1, stopped with its parent."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Self

HOME_ACCOUNT = "111111111111"
HOME_REGION = "eu-central-1"
OWN_SECRET = "local"  # noqa: S105 - of every key here that no session has: a key of no account
LAMBDA_TOKEN = "local-lambda"  # noqa: S105 - a name, by which the front knows the calls of functions
_READY_SECONDS = 20.0
_TRIES = 3


class MinistackError(RuntimeError):
    """The emulator did not come up; the text ends with the last lines of its log."""


def free_port() -> int:
    """A port on 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def sdk_environment(url: str, account: str = HOME_ACCOUNT, region: str = HOME_REGION) -> dict[str, str]:
    """What an SDK must see to talk to `url` and nothing else. The access key is the account's number: that is how
    ministack, and our front, know for which account a call is."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": OWN_SECRET,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


class Ministack:
    """A context manager. sdk_url: where the Lambdas that it runs send their calls; its own address when empty.
    auth: check signatures and identity policies. settings: further variables of ministack's own."""

    def __init__(
        self,
        *,
        sdk_url: str = "",
        region: str = HOME_REGION,
        auth: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.region = region
        self.port = 0
        self._sdk_url = sdk_url
        self._auth = auth
        self._settings = dict(settings or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._home: Path | None = None
        self._log: IO[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self, account: str = HOME_ACCOUNT) -> dict[str, str]:
        return sdk_environment(self.url, account, self.region)

    def client(self, service: str, region: str = "", account: str = HOME_ACCOUNT) -> Any:
        """A boto3 client for `service` here. Any: the caller knows which of 400 clients it asked for."""
        return open_client(self.url, service, region or self.region, account)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Raises MinistackError."""
        self._home = Path(tempfile.mkdtemp(prefix="nephoscope-ministack-"))
        self._log = (self._home / "log").open("ab")
        for _ in range(_TRIES):
            self.port = free_port()
            if self._came_up():
                return
        tail = self.log_text()[-2000:]
        self.stop()
        raise MinistackError(f"ministack did not start on 127.0.0.1:{self.port}\n{tail}")

    def _came_up(self) -> bool:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "nephoscope.localcloud.aws.child"],
            env=self._child_environment(),
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        until = time.monotonic() + _READY_SECONDS
        while self._process.poll() is None and time.monotonic() < until:
            if self._answers("GET", "/_ministack/health"):
                return True
            time.sleep(0.02)
        self._end()
        return False

    def _child_environment(self) -> dict[str, str]:
        home = str(self._home)
        return {
            **{key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "MINISTACK_"))},
            **sdk_environment(self._sdk_url or self.url, region=self.region),
            "AWS_SESSION_TOKEN": LAMBDA_TOKEN,
            "AUTH": "true" if self._auth else "false",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_REGION": self.region,
            "MINISTACK_ACCOUNT_ID": HOME_ACCOUNT,
            "LAMBDA_EXECUTOR": "local",
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
            "TMPDIR": home,
            "S3_DATA_DIR": f"{home}/s3",
            "STATE_DIR": f"{home}/state",
            **self._settings,
        }

    def reset(self) -> None:
        """Forget every table, queue, topic, function and stack."""
        if not self._answers("POST", "/_ministack/reset"):
            raise MinistackError("ministack did not take a reset")

    def log_text(self) -> str:
        return (self._home / "log").read_text(errors="replace") if self._home else ""

    def stop(self) -> None:
        self._end()
        if self._log:
            self._log.close()
        if self._home:
            shutil.rmtree(self._home, ignore_errors=True)

    def _answers(self, method: str, path: str) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(timeout=3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin:
            process.stdin.close()


def open_client(url: str, service: str, region: str, account: str) -> Any:
    """A boto3 client whose every call goes to `url`, as `account`."""
    import boto3  # noqa: PLC0415 - the fleet and the ledger are used without it

    return boto3.client(  # type: ignore[call-overload]
        service,
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=account,
        aws_secret_access_key=OWN_SECRET,
    )
