"""What the tests with real peers share: cases, programs under test, content, raw sockets.

Nothing here waits for a while: programs are waited for by their lines and their ends, sockets by
their octets, and every such wait has the bound `patience_seconds`.
"""

import contextlib
import hashlib
import json
import os
import queue
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

patience_seconds = 100
piece_octets = 1024 * 1024

_cases = []


def case(sentence):
    """Registers a function as a test; it is given an empty directory of its own."""
    def register(function):
        _cases.append((sentence, function))
        return function
    return register


def main():
    """Runs the cases, or those whose sentence holds $CASE; yields the exit status."""
    wanted = os.environ.get("CASE", "")
    failed = 0
    for sentence, function in _cases:
        if wanted not in sentence:
            continue
        begun = time.monotonic()
        directory = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))
        try:
            function(directory)
            verdict = "ok"
        except BaseException:  # Also what is not an Exception ends only this case.
            traceback.print_exc(file=sys.stdout)
            verdict = "FAILED"
            failed += 1
        finally:
            shutil.rmtree(directory, ignore_errors=True)
        print(f"{verdict:6} {time.monotonic() - begun:6.2f} s  {sentence}", flush=True)
    return 1 if failed else 0


def check_equal(what, actual, expected):
    if actual != expected:
        raise AssertionError(f"{what}: {actual!r}, and not {expected!r}")


def check_in(what, actual, expected):
    if actual not in expected:
        raise AssertionError(f"{what}: {actual!r}, and none of {expected!r}")


def check(what, holds):
    if not holds:
        raise AssertionError(what)


def write_content(path, octets, seed):
    """A file of content that no other seed gives; yields its SHA-256."""
    generator = random.Random(seed)
    sha256 = hashlib.sha256()
    with open(path, "wb") as file:
        while octets > 0:
            piece = generator.randbytes(min(octets, piece_octets))
            sha256.update(piece)
            file.write(piece)
            octets -= len(piece)
    return sha256.hexdigest()


def sha256_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def run(*command, **options):
    """Runs a program to its end."""
    return subprocess.run(command, capture_output=True, timeout=patience_seconds, **options)


class Server:
    """A program under test that says on its first line where it listens, then what became of each
    exchange, a line of JSON each."""

    def __init__(self, *command, **options):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, **options)
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        said = self.next_line()
        check(f"the first line tells where it listens: {said!r}", said.startswith("listening on "))
        self.url = said.split()[-1]
        self.port = None if self.url.startswith("unix:") else int(self.url.rsplit(":", 1)[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.decode())
        self.lines.put(None)

    def next_line(self):
        try:
            line = self.lines.get(timeout=patience_seconds)
        except queue.Empty:
            raise AssertionError("the server says nothing") from None
        check("the server goes on", line is not None)
        return line.rstrip("\n")

    def next_outcome(self):
        return json.loads(self.next_line())

    def drain(self):
        """Asks it to end; yields its exit status and the outcomes that nobody had asked for."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(patience_seconds)
        rest = []
        while (line := self.lines.get(timeout=patience_seconds)) is not None:
            rest.append(json.loads(line))
        return status, rest


class Transfer:
    """What a run of //examples:transfer ended with: its exit status, and its last outcome."""

    def __init__(self, program, *arguments, **options):
        ended = run(program, *arguments, "--json", **options)
        self.status = ended.returncode
        self.said = ended.stderr.decode(errors="replace")
        lines = ended.stdout.splitlines()
        check(f"one outcome is told: {ended.stdout[:200]!r} {self.said}", len(lines) == 1)
        self.outcome = json.loads(lines[0])

    def check(self, status, verdict_id):
        told = f"{self.outcome['id']} {self.outcome['cause']} {self.said}"
        check_equal(f"verdict ({told})", self.outcome["id"], verdict_id)
        check_equal(f"exit status ({told})", self.status, status)


def connect(port):
    connection = socket.create_connection(("127.0.0.1", port), timeout=patience_seconds)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def reset(connection):
    """Closes it so that the peer gets a reset, and not the FIN of an end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def receive_all(connection):
    """What comes until the peer's FIN."""
    octets = bytearray()
    while piece := connection.recv(65536):
        octets += piece
    return bytes(octets)


def receive_to_any_end(connection):
    """What comes until the peer's FIN or reset."""
    octets = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            octets += piece
    return bytes(octets)


def receive_head(connection):
    """A head, and what came with it."""
    octets = bytearray()
    while b"\r\n\r\n" not in octets:
        piece = connection.recv(65536)
        check(f"a head comes to its end: {bytes(octets)!r}", piece)
        octets += piece
    head, _, rest = bytes(octets).partition(b"\r\n\r\n")
    return head, rest


def receive_exactly(connection, octets):
    received = bytearray()
    while len(received) < octets:
        piece = connection.recv(min(octets - len(received), 262144))
        check(f"{octets} octets come, and not {len(received)}", piece)
        received += piece
    return bytes(received)


class Adversary:
    """A server of raw octets: `script` is given each connection, and its number from 0."""

    def __init__(self, script):
        self.script = script
        self.failure = None
        self.connections = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.thread.join(patience_seconds)
        if kind is None and self.failure is not None:
            raise self.failure

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.settimeout(patience_seconds)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections.append(connection)
            try:
                with connection:
                    self.script(connection, len(self.connections) - 1)
            except Exception as failure:
                self.failure = failure
