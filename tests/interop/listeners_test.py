"""//examples:object_store where it listens otherwise: on Unix sockets, behind proxies, on sockets that
were there before it. With curl and haproxy."""

import contextlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

from peers_support import (Server, Transfer, case, check, check_equal, check_in, connect, main,
                           patience_seconds, receive_all, receive_head, run, sha256_of,
                           write_content)
from tls_support import Authority, store_names

store_program, transfer_program = sys.argv[1:]
content_octets = 5_000_011
delivered = ("S11", "S12", "S13")


def store_at(directory, where, *options, **how):
    root = os.path.join(directory, "objects")
    os.makedirs(root, exist_ok=True)
    return Server(store_program, "--listen", where, "--root", root, "--access-log", "-", *options,
                  **how)


@contextlib.contextmanager
def short_directory():
    """For a socket: its path has 107 octets at most."""
    path = tempfile.mkdtemp(prefix="sluice-", dir="/tmp")
    try:
        yield path
    finally:
        shutil.rmtree(path)


def curl(*arguments):
    ended = run("curl", "-sS", "--no-progress-meter", "-f", *arguments)
    check_equal(f"curl's exit status ({ended.stderr.decode()})", ended.returncode, 0)
    return ended.stdout


def there_and_back(directory, server, url, *way):
    film, back = os.path.join(directory, "film"), os.path.join(directory, "back")
    digest = write_content(film, content_octets, seed=11)
    curl(*way, "-T", film, url + "/o/film")
    put = server.next_outcome()
    check_in("verdict of the upload", put["id"], delivered)
    curl(*way, "-o", back, url + "/o/film")
    check_in("verdict of the download", server.next_outcome()["id"], delivered)
    check_equal("hash of what came back", sha256_of(back), digest)
    return put


@case("unix socket: curl and transfer pass content by a path, and the path goes with the server")
def by_path(directory):
    with short_directory() as short:
        path = os.path.join(short, "store")
        for threads in ("1", "2"):
            with store_at(directory, f"unix:{path}", "--threads", threads) as server:
                check_equal("where it listens", server.url, f"unix:{path}")
                put = there_and_back(directory, server, "http://store.example", "--unix-socket",
                                     path)
                check_equal("peer", put["peer"], "unix:")
                again = os.path.join(directory, "again")
                Transfer(transfer_program, "get", "http://store.example/o/film", again,
                         "--unix-socket", path).check(0, "C13")
                check_equal("hash", sha256_of(again), sha256_of(os.path.join(directory, "film")))
                check_equal("drained", server.drain()[0], 0)
            check("the socket's file is gone", not os.path.exists(path))


@case("unix socket: curl passes content by an abstract name")
def by_abstract_name(directory):
    name = f"sluice-{os.getpid()}"
    with store_at(directory, f"unix:@{name}") as server:
        there_and_back(directory, server, "http://store.example", "--abstract-unix-socket", name)


haproxy_configuration = """
defaults
    mode tcp
    timeout connect 10s
    timeout client 60s
    timeout server 60s
listen store
    bind fd@{fd}
    server store 127.0.0.1:{port} {protocol}
"""


@contextlib.contextmanager
def haproxy(directory, port, protocol):
    """Yields the port of an haproxy before the store. It inherits the socket that it listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        path = os.path.join(directory, "haproxy.cfg")
        with open(path, "w", encoding="ascii") as file:
            file.write(haproxy_configuration.format(fd=listener.fileno(), port=port,
                                                    protocol=protocol))
        process = subprocess.Popen(["haproxy", "-db", "-f", path],
                                   env={"PATH": os.environ["PATH"] + ":/usr/sbin"},
                                   pass_fds=[listener.fileno()], stderr=subprocess.DEVNULL)
        try:
            yield listener.getsockname()[1]
        finally:
            process.kill()
            process.wait()


@case("proxy protocol: behind haproxy the client is who it is, by versions 1 and 2")
def behind_haproxy(directory):
    for protocol in ("send-proxy", "send-proxy-v2"):
        with store_at(directory, "127.0.0.1:0", "--proxy-protocol") as server:
            with haproxy(directory, server.port, protocol) as port:
                put = there_and_back(directory, server, f"http://127.0.0.1:{port}", "--interface",
                                     "127.0.0.77")
            check("the client is told: " + put["peer"], put["peer"].startswith("127.0.0.77:"))


@case("proxy protocol: curl's own header is taken, and a connection without one is refused")
def with_and_without(directory):
    with store_at(directory, "127.0.0.1:0", "--proxy-protocol") as server:
        curl("--haproxy-protocol", server.url + "/healthz")
        check_in("verdict", server.next_outcome()["id"], delivered)
        refused = run("curl", "-sS", server.url + "/healthz")
        check_in("curl is cut off", refused.returncode, (52, 56))
        curl("--haproxy-protocol", server.url + "/healthz")
        _, rest = server.drain()
        check_equal("exchanges", len(rest), 1)  # The one without a header has come to none.


@case("proxy protocol: beneath TLS, from curl and through haproxy, which passes TLS on")
def beneath_tls(directory):
    authority = Authority(directory, "root")
    certificate, key = authority.issue("store", store_names, "serverAuth")
    with store_at(directory, "127.0.0.1:0", "--proxy-protocol", "--tls-cert", certificate,
                  "--tls-key", key) as server:
        curl("--cacert", authority.certificate, "--haproxy-protocol", server.url + "/healthz")
        check_in("verdict", server.next_outcome()["id"], delivered)
        with haproxy(directory, server.port, "send-proxy-v2") as port:
            put = there_and_back(directory, server, f"https://127.0.0.1:{port}", "--cacert",
                                 authority.certificate, "--interface", "127.0.0.77")
        check("the client is told: " + put["peer"], put["peer"].startswith("127.0.0.77:"))
        refused = run("curl", "-sS", "--cacert", authority.certificate, server.url + "/healthz")
        check_equal("without a header there is no handshake", refused.returncode, 35)


@case("unix socket: content that ends with its connection is complete, but not proven")
def by_path_to_its_end(directory):
    with short_directory() as short:
        path = os.path.join(short, "origin")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()

            def answer():
                connection, _ = listener.accept()
                with connection:
                    receive_head(connection)
                    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 70000)

            answering = threading.Thread(target=answer, daemon=True)
            answering.start()
            told = Transfer(transfer_program, "get", "http://store.example/o/film",
                            os.path.join(directory, "back"), "--unix-socket", path)
            answering.join(patience_seconds)
    told.check(1, "C12")
    check_equal("verdict", told.outcome["verdict"], "complete_unverified")
    check_equal("octets received", told.outcome["receive"]["body"], 70000)


@case("unix socket: a name that is too long is refused with how long it may be")
def too_long(directory):
    path = os.path.join(directory, "x" * 108)
    for command in ((store_program, "--listen", f"unix:{path}"),
                    (transfer_program, "get", "http://store.example/", "--unix-socket", path)):
        ended = run(*command)
        check_equal("exit status", ended.returncode, 2)
        check(f"and says why: {ended.stderr!r}", b"107 octets" in ended.stderr)


def heir(listener, *command):
    """The command that takes over `listener` as the socket "web", as a service manager hands it on."""
    hand_over = f"exec 3<&{listener.fileno()}; export LISTEN_PID=$$; exec \"$@\""
    environment = dict(os.environ, LISTEN_FDS="1", LISTEN_FDNAMES="web")
    return ["sh", "-c", hand_over, "sh", *command], {"env": environment,
                                                     "pass_fds": [listener.fileno()]}


def store_on(directory, listener, *options, where="fd:web"):
    root = os.path.join(directory, "objects")
    os.makedirs(root, exist_ok=True)
    command, how = heir(listener, store_program, "--listen", where, "--root", root,
                        "--access-log", "-", *options)
    return Server(*command, **how)


@case("inherited socket: the store listens where whoever started it did")
def inherited(directory):
    for threads, where in (("1", "fd:web"), ("2", "fd:3")):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            with store_on(directory, listener, "--threads", threads, where=where) as server:
                check_equal("port", server.port, listener.getsockname()[1])
                there_and_back(directory, server, server.url)
                check_equal("drained", server.drain()[0], 0)
    for where in ("fd:other", "fd:4", "fd:03"):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            command, how = heir(listener, store_program, "--listen", where)
            missing = run(*command, **how)
        check_equal("exit status without such a socket", missing.returncode, 1)
        check("and it says which", where.encode() in missing.stderr)


@case("inherited socket: while one store takes over from another, no request is refused")
def handed_on(directory):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/healthz"
        failures, served, enough = [], [], threading.Event()

        def ask_on_and_on():
            while not enough.is_set():
                ended = run("curl", "-sS", "-f", url)
                (failures if ended.returncode else served).append(ended.stderr)

        with store_on(directory, listener) as old:
            asking = [threading.Thread(target=ask_on_and_on) for _ in range(2)]
            for each in asking:
                each.start()
            for _ in range(10):
                old.next_outcome()
            with store_on(directory, listener) as new:
                old.process.send_signal(signal.SIGTERM)
                check_equal("the old one's exit status", old.process.wait(patience_seconds), 0)
                for _ in range(10):
                    new.next_outcome()
                enough.set()
                for each in asking:
                    each.join()
        check_equal("failures", failures, [])


proxy_header = b"PROXY TCP4 192.0.2.1 198.51.100.2 56789 443\r\n"
question = b"GET /healthz HTTP/1.1\r\nHost: store\r\n"


@case("drain: who is saying its header or shaking hands then is answered, and not cut off")
def drained_meanwhile(directory):
    authority = Authority(directory, "root")
    certificate, key = authority.issue("store", store_names, "serverAuth")
    trust = ssl.create_default_context(cafile=authority.certificate)
    secured = ("--tls-cert", certificate, "--tls-key", key)

    def secure(connection):
        return trust.wrap_socket(connection, server_hostname="store.example")

    def as_it_is(connection):
        return connection

    for options, header, make in ((("--proxy-protocol",), proxy_header, as_it_is),
                                  (secured, b"", secure),
                                  (("--proxy-protocol", *secured), proxy_header, secure)):
        with store_at(directory, "127.0.0.1:0", *options) as server:
            with connect(server.port) as slow, connect(server.port) as idle:
                slow.sendall(header[:20])
                idle.sendall(header)
                idle = make(idle)
                idle.sendall(question + b"\r\n")
                receive_head(idle)  # Behind it: the other was taken in before.
                server.process.send_signal(signal.SIGTERM)
                receive_all(idle)  # To its end: the drain has begun.
                slow.sendall(header[20:])
                slow = make(slow)
                slow.sendall(question + b"Connection: close\r\n\r\n")
                check_equal("status", receive_head(slow)[0].split()[1], b"200")
                slow.close()
                idle.close()
            check_equal("exit status", server.process.wait(patience_seconds), 0)


if __name__ == "__main__":
    sys.exit(main())
