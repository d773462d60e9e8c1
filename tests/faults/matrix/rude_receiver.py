"""A webhook's other end on real sockets that reads a message and then does what a script says, and counts what it took.

A message is taken when all of it was read and the script does not refuse it: then it has arrived, whatever the sender
learns of that.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Manner = Callable[[socket.socket], None]


@dataclass(frozen=True)
class Behaviour:
    """takes: the message counts as arrived. lies: the sender cannot know that it did: a fault in the send window."""

    act: Manner
    takes: bool
    lies: bool = False


def say(text: bytes) -> Manner:
    return lambda connection: connection.sendall(text)


def answer(status: int, *headers: str) -> Behaviour:
    lines = [f"HTTP/1.1 {status} Told", *headers, "Content-Length: 0", "", ""]
    if status in (204, 304) or status < 200:
        lines = [f"HTTP/1.1 {status} Told", *headers, "", ""]
    return Behaviour(say("\r\n".join(lines).encode()), takes=200 <= status < 300)


def reset(connection: socket.socket) -> None:
    """RST instead of FIN: what was sent before it may never be read."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang(connection: socket.socket) -> None:
    """Until the sender hangs up."""
    with suppress(OSError):
        while connection.recv(65_536):
            pass


def then(*manners: Manner) -> Manner:
    def act(connection: socket.socket) -> None:
        for manner in manners:
            manner(connection)

    return act


TAKES = answer(200)
RESETS = Behaviour(reset, takes=True, lies=True)
CLOSES = Behaviour(lambda _connection: None, takes=True, lies=True)
TIMES_OUT = Behaviour(hang, takes=True, lies=True)
CUT_IN_STATUS = Behaviour(say(b"HTTP/1.1 20"), takes=True, lies=True)
CUT_IN_HEADERS = Behaviour(say(b"HTTP/1.1 200 OK\r\nContent-Le"), takes=True)
CUT_IN_BODY = Behaviour(say(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"), takes=True)
RESETS_IN_BODY = Behaviour(then(say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), reset), takes=True, lies=True)
NO_HTTP = Behaviour(say(b"SSH-2.0-OpenSSH_9.2\r\n"), takes=True, lies=True)
"""CUT_IN_HEADERS: the status was said, and it is 2xx. RESETS_IN_BODY: a reset may overtake what was said before it."""

Script = Callable[[str], Behaviour]
"""What becomes of the message of this id."""


@dataclass
class RudeReceiver:
    """taken: ids in the order of their arrival. asked: ids of all requests. lied: arrivals that the sender cannot know
    of."""

    port: int
    script: Script = lambda _name: TAKES
    taken: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    lied: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def meet(self, connection: socket.socket) -> None:
        name = _read_request(connection)
        if not name:
            return
        behaviour = self.script(name)
        with self.lock:
            self.asked.append(name)
            self.taken += [name] if behaviour.takes else []
            self.lied += behaviour.lies
        behaviour.act(connection)


@contextmanager
def rude_receiver() -> Iterator[RudeReceiver]:
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    receiver = RudeReceiver(listener.getsockname()[1])
    threads: list[threading.Thread] = []

    def one(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(5)
            receiver.meet(connection)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threads.append(threading.Thread(target=one, args=(listener.accept()[0],), daemon=True))
                threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield receiver
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in (accepting, *threads):
            thread.join(timeout=5)


def _read_request(connection: socket.socket) -> str:
    """The webhook-id of a whole request; empty where it broke off."""
    name, length = "", 0
    with connection.makefile("rb") as request:
        while (line := request.readline()).strip():
            field_name, _, value = line.partition(b":")
            if field_name.lower() == b"webhook-id":
                name = value.strip().decode()
            if field_name.lower() == b"content-length":
                length = int(value)
        return name if len(request.read(length)) == length else ""


@contextmanager
def deaf_port() -> Iterator[int]:
    """Where connecting never ends: the queue of those who wait is full, and nobody takes them from it."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        waiting = []
        for _ in range(4):
            caller = socket.socket()
            caller.setblocking(False)
            with suppress(BlockingIOError):
                caller.connect(("127.0.0.1", port))
            waiting.append(caller)
        yield port
        for caller in waiting:
            caller.close()
