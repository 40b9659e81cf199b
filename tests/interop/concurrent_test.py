"""500 uploads at once into //examples:object_store, each to its own key: all are stored as they
were sent, and what the server needs for each is measured."""

import hashlib
import os
import random
import re
import resource
import sys

from peers_support import (Server, case, check, check_equal, connect, main,
                           receive_exactly, receive_head, sha256_of)

store_program = sys.argv[1]
uploads = 500
kib = 1024
memory_octets_max = 64 * kib


class Upload:
    """One upload on its own connection: its head, then its first half, then the rest."""

    def __init__(self, port, number):
        generator = random.Random(number)
        content = generator.randbytes(generator.randrange(64 * kib, 1024 * kib + 1))
        half = len(content) // 2
        self.key = f"upload-{number}"
        self.octets = len(content)
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.first, self.rest = content[:half], content[half:]
        self.connection = connect(port)
        self.connection.sendall(
            f"PUT /o/{self.key} HTTP/1.1\r\nHost: store\r\nContent-Length: {self.octets}\r\n"
            "Expect: 100-continue\r\n\r\n".encode())

    def wait_until_read(self):
        """The store says 100 when its handler asks for the first octet."""
        head, rest = receive_head(self.connection)
        check_equal("the interim answer", (head, rest), (b"HTTP/1.1 100 Continue", b""))

    def send_half(self):
        self.connection.sendall(self.first)

    def send_rest(self):
        self.connection.sendall(self.rest)

    def check_answer(self):
        head, _ = receive_head(self.connection)
        check(f"created: {head!r}", head.startswith(b"HTTP/1.1 201 "))
        etag = re.search(rb'\r\nETag: "(\w+)"', head, re.IGNORECASE)
        check_equal(f"ETag of {self.key}", etag and etag[1].decode(), self.sha256)

    def check_download(self):
        self.connection.sendall(f"GET /o/{self.key} HTTP/1.1\r\nHost: store\r\n\r\n".encode())
        head, content = receive_head(self.connection)
        check(f"found: {head!r}", head.startswith(b"HTTP/1.1 200 "))
        content += receive_exactly(self.connection, self.octets - len(content))
        check_equal(f"hash of {self.key} as it comes back",
                    hashlib.sha256(content).hexdigest(), self.sha256)


class Memory:
    """What a process holds of its own, and the most that it ever had in memory."""

    def __init__(self, process):
        with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
            told = dict(line.split(":", 1) for line in file)
        self.own, self.peak = (int(told[name].split()[0]) * kib for name in ("RssAnon", "VmHWM"))


@case("concurrent: 500 uploads that overlap are each stored whole, in bounded memory")
def five_hundred(directory):
    root = os.path.join(directory, "objects")
    os.mkdir(root)
    log = os.path.join(directory, "log")
    with Server(store_program, "--listen", "127.0.0.1:0", "--root", root, "--access-log",
                log) as server:
        before = Memory(server.process)
        all_of_them = [Upload(server.port, number) for number in range(uploads)]
        for step in (Upload.wait_until_read, Upload.send_half):
            for upload in all_of_them:
                step(upload)
        check_equal("objects when all are half sent", os.listdir(root), [])
        half = Memory(server.process)
        for step in (Upload.send_rest, Upload.check_answer):
            for upload in all_of_them:
                step(upload)
        after = Memory(server.process)
        check_equal("objects", len(os.listdir(root)), uploads)
        for upload in all_of_them:
            check_equal(f"hash of {upload.key}", sha256_of(os.path.join(root, upload.key)),
                        upload.sha256)
            upload.check_download()
            upload.connection.close()
        check_equal("drained", server.drain()[0], 0)
    with open(log, encoding="ascii") as file:
        check_equal("outcomes told", sum(1 for _ in file), 2 * uploads)
    own, peak = (half.own - before.own) // uploads, (after.peak - before.peak) // uploads
    octets = sum(upload.octets for upload in all_of_them)
    print(f"{uploads} uploads, {octets} octets, all hashes equal; memory per upload: "
          f"{own} octets of its own when all are half sent, {peak} at the peak")
    check(f"within {memory_octets_max} octets per upload", max(own, peak) <= memory_octets_max)


if __name__ == "__main__":
    files_max = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files_max, files_max))
    sys.exit(main())
