"""curl against //examples:object_store: 256 MiB each way, and what else people do with a store."""

import hashlib
import json
import os
import re
import subprocess
import sys
import threading

from peers_support import (Server, case, check, check_equal, check_in, main, patience_seconds, run,
                           sha256_of, write_content)

store_program = sys.argv[1]
content_octets = 256 * 1024 * 1024
delivered = ("S11", "S12", "S13")


class Curl:
    """A run of curl: `status` and the answer's fields, its own exit status, and the content."""

    def __init__(self, *arguments):
        ended = run("curl", "-sS", "--no-progress-meter", "-w", "%{stderr}\n%{json}", *arguments)
        self.exit = ended.returncode
        self.content = ended.stdout
        self.said = ended.stderr.decode()
        self.status = json.loads(self.said.splitlines()[-1])["http_code"]

    def check(self, status):
        check_equal(f"curl's exit status ({self.said})", self.exit, 0)
        check_equal("status", self.status, status)
        return self


def fields_of(path):
    """The fields of the last head that `curl -D path` has kept, by their names in lower case."""
    with open(path, encoding="latin-1", newline="") as file:
        head = file.read().strip("\r\n").split("\r\n\r\n")[-1]
    pairs = (line.split(":", 1) for line in head.split("\r\n")[1:])
    return {name.lower(): value.strip() for name, value in pairs}


def store_in(directory, *options):
    root = os.path.join(directory, "objects")
    os.mkdir(root)
    return root, Server(store_program, "--listen", "127.0.0.1:0", "--root", root, "--access-log",
                        "-", *options)


def upload_and_download(directory, *how):
    root, server = store_in(directory)
    film, head, back = (os.path.join(directory, name) for name in ("film", "head", "back"))
    digest = write_content(film, content_octets, seed=1)
    with server:
        url = server.url + "/o/film"
        Curl(*how, "-D", head, "-T", film, url).check(201)
        check_equal("ETag", fields_of(head)["etag"], f'"{digest}"')
        check_equal("hash of the stored object", sha256_of(os.path.join(root, "film")), digest)
        put = server.next_outcome()
        check_in("verdict of the upload", put["id"], delivered)
        check_equal("octets received", put["receive"]["body"], content_octets)
        check_equal("target", (put["method"], put["target"]), ("PUT", "/o/film"))
        Curl("-o", back, url).check(200)
        check_equal("hash of the download", sha256_of(back), digest)
        get = server.next_outcome()
        check_in("verdict of the download", get["id"], delivered)
        check_equal("octets sent", get["send"]["body_accepted"], content_octets)
        check_equal("drained", server.drain(), (0, []))
    print(f"SHA-256 of file, object, ETag and download: {digest}")
    return put


@case("curl: 256 MiB with a length come back as they were sent")
def with_length(directory):
    put = upload_and_download(directory, "-H", "Expect:")
    check_equal("framing", put["receive"]["framing"], "length")
    check_equal("declared", put["receive"]["declared"], content_octets)


@case("curl: 256 MiB in chunks come back as they were sent")
def in_chunks(directory):
    put = upload_and_download(directory, "-H", "Expect:", "-H", "Transfer-Encoding: chunked")
    check_equal("framing", put["receive"]["framing"], "chunked")


@case("curl: 256 MiB that the store was asked for first come back as they were sent")
def asked_first(directory):
    upload_and_download(directory, "-H", "Expect: 100-continue", "--expect100-timeout", "90")


@case("curl: the store answers ranges, conditions, HEAD, DELETE and lists")
def small_things(directory):
    _, server = store_in(directory)
    film, head = os.path.join(directory, "film"), os.path.join(directory, "head")
    digest = write_content(film, 1_000_003, seed=2)
    with open(film, "rb") as file:
        content = file.read()
    with server:
        url = server.url + "/o/a/film"
        Curl("-T", film, url).check(201)
        Curl("-T", film, url).check(204)
        part = Curl("-D", head, "-r", "1000-500999", url).check(206)
        check_equal("a range", hashlib.sha256(part.content).hexdigest(),
                    hashlib.sha256(content[1000:501000]).hexdigest())
        check_equal("its place", fields_of(head)["content-range"], "bytes 1000-500999/1000003")
        check_equal("the last octets", Curl("-r", "-7", url).check(206).content, content[-7:])
        Curl("-r", "2000000-", url).check(416)
        Curl("-I", "-D", head, url).check(200)
        check_equal("length by HEAD", fields_of(head)["content-length"], "1000003")
        check_equal("ETag by HEAD", fields_of(head)["etag"], f'"{digest}"')
        same = Curl("-H", f'If-None-Match: "{digest}"', url).check(304)
        check_equal("content of a 304", same.content, b"")
        Curl("-H", 'If-None-Match: "other"', url).check(200)
        Curl("-H", "If-None-Match: *", "-T", film, url).check(412)
        Curl(server.url + "/o/nobody").check(404)
        listed = json.loads(Curl(server.url + "/o/?prefix=a/").check(200).content)["objects"]
        check_equal("listed", [(one["key"], one["size"]) for one in listed], [("a/film", 1000003)])
        Curl("-X", "DELETE", url).check(204)
        Curl(url).check(404)
        Curl("-X", "DELETE", url).check(404)
        listed = json.loads(Curl(server.url + "/o/?prefix=").check(200).content)["objects"]
        check_equal("listed at the end", listed, [])


@case("curl: an upload that passes --max-body gets its 413 while it sends, and leaves nothing")
def too_large(directory):
    root, server = store_in(directory, "--max-body", "1048576")
    film = os.path.join(directory, "film")
    write_content(film, content_octets // 4, seed=3)
    with server:
        for how in ("Expect: 100-continue", "Transfer-Encoding: chunked", "X-With: length"):
            for _ in range(5):
                quiet = () if how.startswith("Expect") else ("-H", "Expect:")
                Curl(*quiet, "-H", how, "-T", film, server.url + "/o/film").check(413)
                told = server.next_outcome()
                check_equal("status told", told["status"], 413)
                check("no more was taken in than is allowed",
                      told["receive"]["body"] <= 1048576 + 262144)
        check_equal("objects", os.listdir(root), [])
        check_equal("drained", server.drain()[0], 0)


class FedCurl:
    """A curl that uploads what it is fed, and traces what it has sent."""

    def __init__(self, *arguments):
        command = ["curl", "-sS", "--trace-ascii", "-", "-H", "Expect:", "-T", "-", *arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def feed(self, content):
        """Yields how many octets it has sent: all of these, and of their framing."""
        def write():
            self.process.stdin.write(content)
            self.process.stdin.flush()
        writing = threading.Thread(target=write)
        writing.start()
        sent = 0
        while sent < len(content):
            line = self.process.stdout.readline()
            check(f"curl goes on after {sent} octets", line)
            if found := re.match(rb"=> Send data, (\d+) bytes", line):
                sent += int(found[1])
        writing.join(patience_seconds)
        return sent

    def kill(self):
        self.process.kill()
        self.process.wait(patience_seconds)
        self.process.stdin.close()
        self.process.stdout.close()


@case("curl: killed in mid-upload, nothing is left, and the log says at which octet it ended")
def killed(directory):
    root, server = store_in(directory)
    with server:
        curl = FedCurl("-H", "Transfer-Encoding:", "-H", f"Content-Length: {content_octets}",
                       server.url + "/o/film")
        try:
            sent = curl.feed(b"x" * 4 * 1024 * 1024)
        finally:
            curl.kill()
        told = server.next_outcome()
        check_equal("verdict", told["id"], "S4")
        check_equal("octets received", told["receive"]["body"], sent)
        check_equal("declared", told["receive"]["declared"], content_octets)
        check_equal("asked", (told["method"], told["target"]), ("PUT", "/o/film"))
        check_equal("cause", told["cause"], {"party": "peer", "mechanism": "fin", "phase": "body"})
        check_equal("objects", os.listdir(root), [])
        Curl(server.url + "/o/film").check(404)
        server.next_outcome()
        check_equal("drained", server.drain(), (0, []))
    print(f"cut after {sent} octets, as the log says")


@case("curl: at SIGTERM the store finishes the upload that is under way, and ends with 0")
def drained(directory):
    root, server = store_in(directory)
    octets = 4 * 1024 * 1024
    with server:
        curl = FedCurl(server.url + "/o/film")
        curl.feed(b"a" * octets)
        server.process.terminate()
        rest, _ = curl.process.communicate(b"b" * octets, patience_seconds)
        check_equal("curl's exit status", curl.process.returncode, 0)
        check("201 was the answer", b"HTTP/1.1 201" in rest)
        told = server.next_outcome()
        check_in("verdict", told["id"], delivered)
        check_equal("octets received", told["receive"]["body"], 2 * octets)
        check_equal("exit status", server.process.wait(patience_seconds), 0)
    digest = hashlib.sha256(b"a" * octets + b"b" * octets).hexdigest()
    check_equal("hash of the stored object", sha256_of(os.path.join(root, "film")), digest)


if __name__ == "__main__":
    sys.exit(main())
