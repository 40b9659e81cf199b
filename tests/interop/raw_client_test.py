"""A client of raw octets against //tests/interop:test_server: each time the server's outcome must
say just what happened, and what is not one request must not become two."""

import hashlib
import json
import re
import socket
import sys

from peers_support import (Server, case, check, check_equal, check_in, connect, main, receive_all,
                           receive_exactly, receive_head, receive_to_any_end, reset)

server_program = sys.argv[1]
delivered = ("S11", "S12", "S13")
get = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


def serve():
    return Server(server_program, "--listen", "127.0.0.1:0", "--outcomes", "-")


def statuses_of(octets):
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", octets)]


def upload(octets, *fields):
    lines = [b"PUT /upload?sha256 HTTP/1.1", b"Host: h", b"Content-Length: %d" % octets, *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def check_cut(server, octets, end, mechanism):
    connection = connect(server.port)
    connection.sendall(upload(100000, b"Expect: 100-continue"))
    receive_head(connection)  # The handler reads.
    connection.sendall(b"x" * octets)
    end(connection)
    told = server.next_outcome()
    check_equal("verdict", (told["id"], told["verdict"]), ("S4", "request_truncated"))
    check_equal("octets received", told["receive"]["body"], octets)
    check_equal("octets declared", told["receive"]["declared"], 100000)
    check_equal("cause", told["cause"],
                {"party": "peer", "mechanism": mechanism, "phase": "body"})


@case("raw client: an upload cut by a reset is truncated at exactly that octet")
def cut_by_reset(_):
    with serve() as server:
        for octets in (0, 1, 5000, 40000):
            check_cut(server, octets, reset, "reset")


@case("raw client: an upload cut by FIN is truncated at exactly that octet")
def cut_by_fin(_):
    with serve() as server:
        for octets in (0, 1, 5000, 99999):
            check_cut(server, octets, socket.socket.close, "fin")


@case("raw client: a cut upload in chunks counts content, and not its framing")
def cut_in_chunks(_):
    with serve() as server, connect(server.port) as connection:
        connection.sendall(b"PUT /upload HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                           b"5\r\nhello\r\nff\r\nworld")
        connection.shutdown(socket.SHUT_WR)
        answer = receive_to_any_end(connection)
        told = server.next_outcome()
    check_equal("verdict", told["id"], "S4")
    check_equal("octets received", told["receive"]["body"], 10)
    check_in("answers", statuses_of(answer), ([], [400]))


@case("raw client: who has sent all and shut down sending still gets the answer")
def half_closed(_):
    content = bytes(range(250)) * 4000
    with serve() as server, connect(server.port) as connection:
        connection.sendall(upload(len(content)) + content)
        connection.shutdown(socket.SHUT_WR)
        answer = receive_all(connection)
        told = server.next_outcome()
    check_equal("answers", statuses_of(answer), [201])
    check("the hash is that of what was sent",
          hashlib.sha256(content).hexdigest().encode() in answer)
    check_in("verdict", told["id"], delivered)
    check_equal("octets received", told["receive"]["body"], len(content))


@case("raw client: requests that come at once are answered in their order")
def pipelined(_):
    asked = (b"GET /slow/1 HTTP/1.1\r\nHost: h\r\n\r\n", upload(3) + b"abc", get,
             b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", b"GET /nobody HTTP/1.1\r\nHost: h\r\n\r\n",
             b"GET /bytes/300000 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    with serve() as server, connect(server.port) as connection:
        connection.sendall(b"".join(asked))
        answers = receive_all(connection)
        connection.close()
        told = [server.next_outcome() for _ in asked]
    check_equal("answers", statuses_of(answers), [200, 201, 200, 200, 404, 200])
    check_equal("statuses told", [one["status"] for one in told], [200, 201, 200, 200, 404, 200])
    check_equal("exchanges", [one["connection"]["exchange"] for one in told], [1, 2, 3, 4, 5, 6])
    for one in told:
        check_in("verdict", one["id"], delivered)
    check_equal("octets of the last", told[-1]["send"]["body_accepted"], 300000)
    check_equal("all octets", sum(one["send"]["wire_accepted"] for one in told), len(answers))


@case("raw client: HTTP/1.0 is answered, and its connection ended")
def old_version(_):
    with serve() as server, connect(server.port) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = receive_all(connection)
        connection.close()
        told = server.next_outcome()
    check_equal("answers", statuses_of(answer), [200])
    check("the content is whole", answer.endswith(b"\r\n\r\nhello\n"))
    check_in("verdict", told["id"], delivered)
    check_equal("reusable", told["connection"]["reusable"], False)


@case("raw client: a request refused without being read is told as unread")
def unread(_):
    with serve() as server, connect(server.port) as connection:
        connection.sendall(b"POST /reject HTTP/1.1\r\nHost: h\r\nContent-Length: 4000000\r\n\r\n" +
                           b"x" * 1000000)
        head, rest = receive_head(connection)
        rest += receive_exactly(connection, 10 - len(rest))
        connection.shutdown(socket.SHUT_WR)
        check_equal("what comes after the answer", receive_to_any_end(connection), b"")
        told = server.next_outcome()
    check_equal("answer", (statuses_of(head), rest), ([413], b"too large\n"))
    check_equal("verdict", (told["id"], told["status"]), ("S15", 413))


@case("raw client: who goes while a long response comes is told as gone, with what was accepted")
def gone_in_response(_):
    with serve() as server:
        connection = connect(server.port)
        connection.sendall(b"GET /bytes/1000000000 HTTP/1.1\r\nHost: h\r\n\r\n")
        receive_exactly(connection, 1000000)
        reset(connection)
        told = server.next_outcome()
    check_equal("verdict", told["id"], "S9")
    check_equal("mechanism", told["cause"]["mechanism"], "reset")
    check("not all was accepted, but what was read",
          1000000 <= told["send"]["wire_accepted"] < 1000000000)


@case("raw client: who leaves in the middle of a head has made no request")
def half_a_head(_):
    with serve() as server:
        connection = connect(server.port)
        connection.sendall(b"GET / HT")
        connection.close()
        told = server.next_outcome()
    check_equal("verdict", (told["id"], told["status"]), ("S1", None))
    check_equal("octets of the head", told["receive"]["head"], 8)


def put(*fields, after=b""):
    return b"\r\n".join((b"PUT /upload HTTP/1.1", b"Host: h", *fields)) + b"\r\n\r\n" + after


chunked = b"Transfer-Encoding: chunked"

# What two readers might cut differently; behind each stands a request that must not be seen.
smuggling = (
    ("both framings", put(chunked, b"Content-Length: 4", after=b"0\r\n\r\n"), 400),
    ("two lengths", put(b"Content-Length: 4", b"Content-Length: 5", after=b"abcd"), 400),
    ("a list of lengths", put(b"Content-Length: 4, 5", after=b"abcd"), 400),
    ("a signed length", put(b"Content-Length: +4", after=b"abcd"), 400),
    ("a negative length", put(b"Content-Length: -4", after=b"abcd"), 400),
    ("a length beyond 64 bits", put(b"Content-Length: 18446744073709551620", after=b"abcd"), 400),
    ("a length in hex", put(b"Content-Length: 0x4", after=b"abcd"), 400),
    ("an empty length", put(b"Content-Length:", after=b"abcd"), 400),
    ("a space before the colon", put(b"Content-Length : 4", after=b"abcd"), 400),
    ("a tab before the colon", put(b"Transfer-Encoding\t: chunked", after=b"0\r\n\r\n"), 400),
    ("chunked, but not last", put(b"Transfer-Encoding: chunked, gzip", after=b"0\r\n\r\n"), 400),
    ("chunked twice", put(b"Transfer-Encoding: chunked, chunked", after=b"0\r\n\r\n"), 400),
    ("another coding", put(b"Transfer-Encoding: xchunked", after=b"0\r\n\r\n"), (400, 501)),
    ("a folded field", put(b"Transfer-Encoding:", b" chunked", after=b"0\r\n\r\n"), 400),
    ("a bare LF between fields", put(b"A: b\nContent-Length: 4", after=b"abcd"), 400),
    ("a bare CR in a value", put(b"A: b\rContent-Length: 4", after=b"abcd"), 400),
    ("NUL in a value", put(b"A: b\0c", b"Content-Length: 4", after=b"abcd"), 400),
    ("no host", b"GET / HTTP/1.1\r\n\r\n", 400),
    ("two hosts", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    ("another version", b"GET / HTTP/3.7\r\nHost: h\r\n\r\n", (400, 505)),
    ("a signed chunk size", put(chunked, after=b"+1\r\na\r\n0\r\n\r\n"), 400),
    ("a chunk size in C", put(chunked, after=b"0x1\r\na\r\n0\r\n\r\n"), 400),
    ("a chunk size beyond 64 bits", put(chunked, after=b"10000000000000001\r\na\r\n0\r\n\r\n"), 400),
    ("a chunk size ended by LF", put(chunked, after=b"1\na\r\n0\r\n\r\n"), 400),
    ("a chunk that is longer than it said", put(chunked, after=b"1\r\nab\r\n0\r\n\r\n"), 400),
    ("LF in a chunk extension", put(chunked, after=b"1;a\n\r\na\r\n0\r\n\r\n"), 400),
)


@case("raw client: what could be read in two ways is refused once, and its connection ended")
def smuggled(_):
    with serve() as server:
        for what, octets, status in smuggling:
            with connect(server.port) as connection:
                connection.sendall(octets + get)
                answer = receive_to_any_end(connection)
            told = server.next_outcome()
            allowed = status if isinstance(status, tuple) else (status,)
            answers = statuses_of(answer)
            check_equal(f"answers to {what}: {answer!r}", len(answers), 1)
            check_in(f"answer to {what}", answers[0], allowed)
            check_in(f"verdict on {what} ({told['cause']})", told["id"], ("S3", "S4"))
            check_equal(f"status told of {what}", told["status"], answers[0])
        status, rest = server.drain()
        check_equal("exit status", status, 0)
        check_equal("other exchanges", json.dumps(rest), "[]")
    print(f"{len(smuggling)} shapes, each refused once")


if __name__ == "__main__":
    sys.exit(main())
