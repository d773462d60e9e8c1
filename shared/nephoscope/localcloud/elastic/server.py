"""One node on 127.0.0.1, in a folder of its own; it ends with its parent. It refuses root: then it runs as nobody."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Self

from nephoscope.localcloud.aws.ministack import free_port
from nephoscope.localcloud.elastic.distribution import (
    ELASTICSEARCH_8,
    Distribution,
    NotStartedError,
    UnavailableError,
    fetch,
    find_java,
)

READY_SECONDS = 120.0
STOP_SECONDS = 20.0
_ROOT = 0
_EXECUTABLE = 0o755


class ElasticServer:
    """A context manager; stop and start keep the data and the port. settings: further lines of its configuration file.
    heap: megabytes."""

    def __init__(
        self,
        distribution: Distribution = ELASTICSEARCH_8,
        *,
        settings: Mapping[str, object] | None = None,
        files: Mapping[str, bytes] | None = None,
        heap: int = 512,
        prepare: Callable[[Path], None] = lambda _home: None,
    ) -> None:
        """files: what stands beside its configuration file, by name or path. prepare: does the rest in the unpacked
        folder, before the first start. Raises nothing; `start` does."""
        self.distribution = distribution
        self.port = 0
        self._settings = dict(settings or {})
        self._files = dict(files or {})
        self._heap = heap
        self._prepare = prepare
        self._home: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self._is_tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def _is_tls(self) -> bool:
        names = ("xpack.security.http.ssl.enabled", "plugins.security.ssl.http.enabled")
        return any(str(self._settings.get(name, "")).lower() == "true" for name in names)

    @property
    def running(self) -> bool:
        return self._process is not None

    def __enter__(self) -> Self:
        try:
            if not self.running:
                self.start()
        except UnavailableError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self._log is not None:
            self._log.close()
        if self._home is not None:
            shutil.rmtree(self._home.parent, ignore_errors=True)

    def start(self) -> None:
        """Up and answering. Raises UnavailableError where it cannot be had or does not come up."""
        java = find_java(self.distribution)
        if self._home is None:
            plugin = self.distribution.plugin
            self._home = self._unpacked(fetch(self.distribution), fetch(plugin) if plugin else None)
            self._prepare(self._home)
            self.port = free_port()
            self._log = (self._home / "log").open("ab")
            self._configure(self._home)
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "--", str(self._home / "bin" / self.distribution.product)],
            cwd=self._home,
            env=self._environment(java),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=self._user(),
            group=self._user(),
        )
        until = time.monotonic() + READY_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                tail = (self._home / "log").read_text(errors="replace")[-1500:]
                self.stop()
                raise NotStartedError(f"{self.distribution.name} did not start\n{tail}")
            time.sleep(0.2)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As a machine ends whose plug is pulled."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for each in (how, signal.SIGKILL):
            try:
                os.killpg(process.pid, each)
            except ProcessLookupError:
                break
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            if not _has_group(process.pid):
                break
            time.sleep(0.2)

    def _unpacked(self, archive: Path, plugin: Path | None) -> Path:
        folder = Path(tempfile.mkdtemp(prefix=f"nephoscope-{self.distribution.product}-"))
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(folder)
        home = folder / self.distribution.name
        for path in [*(home / "bin").iterdir(), *(home / "lib").rglob("bin/*")]:
            path.chmod(_EXECUTABLE)
        for part in ("data", "logs"):
            (home / part).mkdir(exist_ok=True)
        if plugin is not None and self.distribution.plugin is not None:
            name = self.distribution.plugin.product
            with zipfile.ZipFile(plugin) as packed:
                packed.extractall(home / "plugins" / name)
            shutil.move(home / "plugins" / name / "config", home / "config" / name)
        return home

    def _configure(self, home: Path) -> None:
        settings = {
            "cluster.name": "nephoscope-local",
            "discovery.type": "single-node",
            "network.host": "127.0.0.1",
            "http.port": self.port,
            "transport.port": free_port(),
            "path.data": str(home / "data"),
            "path.logs": str(home / "logs"),
            "cluster.routing.allocation.disk.threshold_enabled": "false",
            **({"xpack.security.enabled": "false"} if self.distribution.product == "elasticsearch" else {}),
            **self._settings,
        }
        lines = [f"{name}: {value}" for name, value in settings.items()]
        (home / "config" / f"{self.distribution.product}.yml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        for name, content in self._files.items():
            (home / "config" / name).write_bytes(content)
        home.parent.chmod(_EXECUTABLE)
        if (user := self._user()) is not None:
            for path in [home, *home.rglob("*")]:
                os.chown(path, user, user)

    def _environment(self, java: Path) -> dict[str, str]:
        prefix = "ES" if self.distribution.product == "elasticsearch" else "OPENSEARCH"
        options = f"-Xms{self._heap}m -Xmx{self._heap}m"
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            f"{prefix}_JAVA_HOME": str(java),
            f"{prefix}_JAVA_OPTS": options,
            f"{prefix}_PATH_CONF": str(self._home / "config") if self._home else "",
            "HOME": str(self._home),
            "ES_TMPDIR": str(self._home / "logs") if self._home else "",
        }

    def _user(self) -> int | None:
        """Whose process it is, and whose group alike; None: our own."""
        return pwd.getpwnam("nobody").pw_uid if os.getuid() == _ROOT else None

    def _answers(self) -> bool:
        """Whether it has chosen itself for a master: before that it refuses what is written."""
        address = f"{self.url}/_cluster/health?wait_for_status=yellow&timeout=1s"
        try:
            anyone = ssl._create_unverified_context() if self._is_tls else None  # noqa: S323 - our own child
            with urllib.request.urlopen(address, timeout=3, context=anyone) as answer:  # noqa: S310 - our own address
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            return error.code == 401
        except OSError:
            return False


def _has_group(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
