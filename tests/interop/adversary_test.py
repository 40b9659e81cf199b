"""A server of raw octets that does to //examples:transfer and //tests/interop:test_client what a
server should not: each time the outcome must say just what happened."""

import hashlib
import json
import os
import socket
import subprocess
import sys

from peers_support import (Adversary, Transfer, case, check, check_equal, check_in, main,
                           patience_seconds, receive_exactly, receive_head, receive_to_any_end,
                           reset, sha256_of, write_content)

transfer_program, client_program = sys.argv[1:]
head_of_100000 = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"


def get(adversary, directory, *options):
    return Transfer(transfer_program, "get", adversary.url + "/film",
                    os.path.join(directory, "back"), *options)


def check_cut(directory, octets, end, mechanism):
    def script(connection, _):
        receive_head(connection)
        connection.sendall(head_of_100000 + b"x" * octets)
        end(connection)

    with Adversary(script) as adversary:
        told = get(adversary, directory)
    told.check(5, "C11")
    received = told.outcome["receive"]
    check_equal("verdict", told.outcome["verdict"], "truncated")
    check_equal("octets received", received["body"], octets)
    check_equal("octets declared", received["declared"], 100000)
    check_equal("octets of the head", received["head"], len(head_of_100000))
    check_equal("mechanism", told.outcome["cause"]["mechanism"], mechanism)
    check_equal("files left", os.listdir(directory), [])


@case("adversary: a response cut by FIN is truncated at exactly that octet")
def cut_by_fin(directory):
    for octets in (0, 1, 4095, 65536, 99999):
        check_cut(directory, octets, socket.socket.close, "fin")


@case("adversary: a response cut by a reset is truncated at exactly that octet")
def cut_by_reset(directory):
    for octets in (0, 1, 4095, 30000):
        check_cut(directory, octets, reset, "reset")


@case("adversary: a request that was read and not answered may have been processed")
def unanswered(directory):
    for end, mechanism in ((socket.socket.close, "fin"), (reset, "reset")):
        def script(connection, _):
            receive_head(connection)
            end(connection)

        with Adversary(script) as adversary:
            told = get(adversary, directory)
        told.check(4, "C5")
        check_equal("retry", told.outcome["retry"], "idempotent_only")
        check_equal("mechanism", told.outcome["cause"]["mechanism"], mechanism)
        check_equal("octets received", told.outcome["receive"]["body"], 0)


@case("adversary: half a head is no answer")
def half_a_head(directory):
    def script(connection, _):
        receive_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-")

    with Adversary(script) as adversary:
        get(adversary, directory).check(4, "C9")


@case("adversary: where nobody listens, nothing was sent")
def nobody(directory):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/film"
        told = Transfer(transfer_program, "get", url, os.path.join(directory, "back"))
    told.check(3, "C2")
    check_equal("retry", told.outcome["retry"], "never_on_wire")
    check_equal("octets sent", told.outcome["send"]["wire_accepted"], 0)


class Client:
    """A run of test_client, which keeps its connections from one request to the next."""

    def __init__(self):
        self.process = subprocess.Popen([client_program], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(patience_seconds)
        self.process.stdin.close()
        self.process.stdout.close()

    def request(self, method, url, **options):
        line = json.dumps({"method": method, "url": url, "timeout_ms": 30000, **options})
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        check_equal("the client's exit status", self.process.wait(patience_seconds), 0)


ok = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@case("adversary: a used connection that dies after the request was sent is told apart")
def unanswered_on_a_used_connection(_):
    def script(connection, number):
        receive_head(connection)
        connection.sendall(ok)
        if number == 0:
            receive_head(connection)
        else:
            receive_to_any_end(connection)

    with Adversary(script) as adversary, Client() as client:
        check_equal("the first", client.request("GET", adversary.url)["id"], "C13")
        posted = client.request("POST", adversary.url)
        check_equal("the second", posted["id"], "C4")
        check_equal("reused", posted["connection"]["reused"], True)
        check_equal("retry", posted["retry"], "idempotent_only")
        check_equal("attempts at what may not be repeated", len(posted["attempts"]), 1)
        client.end()
    check_equal("connections", len(adversary.connections), 1)


@case("adversary: what may be repeated is repeated once, and both attempts are told")
def repeated(_):
    def script(connection, number):
        receive_head(connection)
        connection.sendall(ok)
        if number == 0:
            receive_head(connection)
        else:
            receive_to_any_end(connection)

    with Adversary(script) as adversary, Client() as client:
        client.request("GET", adversary.url)
        told = client.request("GET", adversary.url)
        client.end()
    check_equal("verdicts", [one["id"] for one in told["attempts"]], ["C4", "C13"])
    check_equal("the last", (told["id"], told["connection"]["reused"]), ("C13", False))
    check_equal("its content", told["body_sha256"], hashlib.sha256(b"ok").hexdigest())
    check_equal("connections", len(adversary.connections), 2)


@case("adversary: a used connection that died while idle costs no request")
def died_while_idle(_):
    def script(connection, _):
        receive_head(connection)
        connection.sendall(ok)

    with Adversary(script) as adversary, Client() as client:
        for _ in range(20):
            told = client.request("GET", adversary.url)
            check_equal("the last attempt", told["id"], "C13")
            for attempt in told["attempts"][:-1]:
                check_in("an attempt on a dead connection", attempt["id"], ("C3", "C4"))
                if attempt["id"] == "C3":
                    check_equal("octets accepted", attempt["wire_accepted"], 0)
        client.end()


@case("adversary: an early 413 is heard in each of 50 uploads, though a reset follows it")
def answered_early(directory):
    film = os.path.join(directory, "film")
    write_content(film, 64 * 1024 * 1024, seed=1)

    def script(connection, _):
        receive_head(connection)
        receive_exactly(connection, 1024 * 1024)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 6\r\n\r\nlarge\n")

    with Adversary(script) as adversary:
        for _ in range(50):
            told = Transfer(transfer_program, "put", film, adversary.url + "/o/film")
            told.check(22, "C7")
            check_equal("status", told.outcome["status"], 413)
            check("not all was sent", told.outcome["send"]["body_accepted"] < 64 * 1024 * 1024)
            check("the connection is not used again",
                  not told.outcome["connection"]["reusable"])
    check_equal("connections", len(adversary.connections), 50)


@case("adversary: a response that comes octet by octet is complete")
def drips(directory):
    content = bytes(range(256))

    def script(connection, _):
        receive_head(connection)
        for octet in b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100;a=b\r\n" + \
                content + b"\r\n0\r\nTrailer: t\r\n\r\n":
            connection.sendall(bytes((octet,)))

    with Adversary(script) as adversary:
        told = get(adversary, directory)
    told.check(0, "C13")
    check_equal("octets received", told.outcome["receive"]["body"], 256)
    check_equal("hash", sha256_of(os.path.join(directory, "back")),
                hashlib.sha256(content).hexdigest())


@case("adversary: what is not HTTP is malformed, wherever it begins")
def garbage(directory):
    for octets in (b"\x00\xffgarbage\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 2x0 OK\r\n\r\n",
                   b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
                   b"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello",
                   b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
                   b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"):
        def script(connection, _):
            receive_head(connection)
            connection.sendall(octets)
            receive_to_any_end(connection)

        with Adversary(script) as adversary:
            get(adversary, directory).check(1, "C10")
        check_equal(f"files left after {octets}", os.listdir(directory), [])


@case("adversary: content that ends with its connection is complete, but not proven")
def close_delimited(directory):
    def script(connection, _):
        receive_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 70000)

    with Adversary(script) as adversary:
        told = get(adversary, directory)
    told.check(1, "C12")
    check_equal("octets received", told.outcome["receive"]["body"], 70000)
    check_equal("framing", told.outcome["receive"]["framing"], "close")


@case("adversary: content that ends with a reset is truncated")
def close_delimited_by_reset(directory):
    def script(connection, _):
        receive_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 30000)
        reset(connection)

    with Adversary(script) as adversary:
        told = get(adversary, directory)
    told.check(5, "C11")
    check_equal("octets received", told.outcome["receive"]["body"], 30000)


@case("adversary: a 417 instead of a 100 leaves the content untouched")
def expectation_rejected(directory):
    film = os.path.join(directory, "film")
    write_content(film, 100000, seed=2)
    after_head = []

    def script(connection, _):
        head, rest = receive_head(connection)
        check("it asks first", b"expect: 100-continue" in head.lower())
        connection.sendall(b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n")
        after_head.append(rest + receive_to_any_end(connection))

    with Adversary(script) as adversary:
        told = Transfer(transfer_program, "put", film, adversary.url, "--expect-continue")
    told.check(22, "C8")
    check_equal("octets of content accepted", told.outcome["send"]["body_accepted"], 0)
    check_equal("octets after the head", after_head, [b""])


@case("adversary: a server that never says 100 gets the content all the same")
def never_continued(directory):
    film = os.path.join(directory, "film")
    digest = write_content(film, 100000, seed=2)
    got = []

    def script(connection, _):
        _, rest = receive_head(connection)
        got.append(rest + receive_exactly(connection, 100000 - len(rest)))
        connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")

    with Adversary(script) as adversary:
        told = Transfer(transfer_program, "put", film, adversary.url, "--expect-continue")
    told.check(0, "C13")
    check_equal("hash of what came", hashlib.sha256(got[0]).hexdigest(), digest)


@case("adversary: a server that never answers is given up after --timeout")
def never_answers(directory):
    def script(connection, _):
        receive_head(connection)
        receive_to_any_end(connection)

    with Adversary(script) as adversary:
        told = get(adversary, directory, "--timeout", "1")
    told.check(6, "C14")
    check_equal("mechanism", told.outcome["cause"]["mechanism"], "deadline")
    check_equal("retry", told.outcome["retry"], "idempotent_only")


if __name__ == "__main__":
    sys.exit(main())
