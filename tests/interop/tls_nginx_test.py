"""TLS with nginx as server and as client, the flaws of certificates on either end, and a store whose
certificate is replaced while it is busy."""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading

from peers_support import (Server, Transfer, case, check, check_equal, check_in, main,
                           patience_seconds, run, sha256_of, write_content)
from tls_support import Authority, SecureStore, openssl, openssl_server, store_names

store_program, transfer_program = sys.argv[1:]
content_octets = 8 * 1024 * 1024

configuration = """
user root root;
daemon off;
worker_processes 1;
pid pid;
error_log error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path temporary;
    proxy_temp_path temporary;
    fastcgi_temp_path temporary;
    uwsgi_temp_path temporary;
    scgi_temp_path temporary;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        root {directory};
        client_max_body_size 0;
        location /o/ {{
            proxy_pass {store};
            proxy_http_version 1.1;
            proxy_request_buffering off;
            proxy_ssl_protocols TLSv1.2 TLSv1.3;
            proxy_ssl_verify on;
            proxy_ssl_trusted_certificate {root};
            proxy_ssl_name {name};
            proxy_ssl_server_name on;
            proxy_ssl_certificate {certificate};
            proxy_ssl_certificate_key {key};
        }}
    }}
}}
"""


class Nginx:
    """An nginx with one worker, that inherits a socket which listens already."""

    def __init__(self, directory, **values):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            with open(os.path.join(directory, "nginx.conf"), "w", encoding="ascii") as file:
                file.write(configuration.format(port=port, directory=directory, **values))
            self.process = subprocess.Popen(
                ["nginx", "-p", directory, "-c", "nginx.conf", "-e", "error.log"],
                env={"PATH": os.environ["PATH"] + ":/usr/sbin", "NGINX": f"{listener.fileno()};"},
                pass_fds=[listener.fileno()], start_new_session=True, stderr=subprocess.DEVNULL)
        self.url = f"https://127.0.0.1:{port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(patience_seconds)


@case("nginx: 8 MiB from it over TLS, and through it, which speaks TLS to the store, and back")
def through_nginx(directory):
    film, back = (os.path.join(directory, name) for name in ("film", "back"))
    digest = write_content(film, content_octets, seed=7)
    with SecureStore(store_program, directory) as store:
        root = store.authority.certificate
        certificate, key = store.authority.issue("nginx", "IP:127.0.0.1", "serverAuth,clientAuth")
        with Nginx(directory, certificate=certificate, key=key, root=root, name="store.example",
                   store=store.server.url) as nginx:
            trust = ("--cacert", root)
            Transfer(transfer_program, "get", nginx.url + "/film", back, *trust).check(0, "C13")
            check_equal("hash of nginx's own", sha256_of(back), digest)
            put = Transfer(transfer_program, "put", film, nginx.url + "/o/film", *trust)
            put.check(0, "C13")
            check_equal("version", put.outcome["connection"]["tls"]["version"], "TLSv1.3")
            check_equal("octets that came", store.server.next_outcome()["receive"]["body"],
                        content_octets)
            Transfer(transfer_program, "get", nginx.url + "/o/film", back, *trust).check(0, "C13")
            check_equal("hash of the store's", sha256_of(back), digest)
            told = store.server.next_outcome()
            check_equal("octets of plaintext", told["send"]["body_accepted"], content_octets)


@case("nginx: a store under another name is none to it, and one that asks who it is learns it")
def names_of_nginx(directory):
    film = os.path.join(directory, "film")
    write_content(film, 1000, seed=8)
    clients = Authority(directory, "clients")
    certificate, key = clients.issue("nginx", "IP:127.0.0.1", "serverAuth,clientAuth")
    with SecureStore(store_program, directory, "--client-ca", clients.certificate) as store:
        for name, verdict, status in (("store.example", 201, 0), ("other.example", 502, 22)):
            with Nginx(directory, certificate=certificate, key=key, name=name,
                       root=store.authority.certificate, store=store.server.url) as nginx:
                put = Transfer(transfer_program, "put", film, nginx.url + "/o/film", "--cacert",
                               clients.certificate)
            check_equal(f"status as {name}", put.outcome["status"], verdict)
            check_equal("exit status", put.status, status)


def self_signed(directory):
    """A certificate as a server's, for which nobody vouches."""
    alone = Authority(directory, "alone")
    return alone.certificate, alone.key


@case("our client: each flaw of a server's certificate is told by its name, and nothing is sent")
def flaws_of_servers(directory):
    authority = Authority(directory, "root")
    stranger = Authority(directory, "stranger")
    revoked = authority.issue("revoked", store_names, "serverAuth")
    good = authority.issue("good", store_names, "serverAuth")
    flawed = (
        ("expired", authority.issue("expired", store_names, "serverAuth", days=0), ()),
        ("wrong_name", authority.issue("wrong", "DNS:other.example", "serverAuth"), ()),
        ("wrong_purpose", authority.issue("purpose", store_names, "clientAuth"), ()),
        ("unknown_issuer", stranger.issue("strange", store_names, "serverAuth"), ()),
        ("self_signed", self_signed(directory), ()),
        ("revoked", revoked, ("-status_file", authority.say_of(revoked[0], "R"))),
        (None, good, ("-status_file", authority.say_of(good[0], "V"))),
    )
    for flaw, (certificate, key), options in flawed:
        with openssl_server("-cert", certificate, "-key", key, *options) as url:
            told = Transfer(transfer_program, "get", url, os.path.join(directory, "back"),
                            "--cacert", authority.certificate).outcome
        if flaw is None:
            check_in("verdict", told["id"], ("C12", "C13"))
            continue
        check_equal(f"verdict of {flaw}", told["id"], "C2")
        check_equal("cause", told["cause"]["tls"], {"event": "untrusted", "flaw": flaw})
        check_equal("octets sent", told["send"]["wire_accepted"], 0)
    with openssl_server("-cert", good[0], "-key", good[1], "-tls1_1", "-cipher",
                        "ALL@SECLEVEL=0") as url:
        told = Transfer(transfer_program, "get", url, os.path.join(directory, "back"), "--cacert",
                        authority.certificate).outcome
    check_equal("cause of TLS 1.1", told["cause"]["tls"]["alert"], "protocol_version")


@case("our client: shows a server its certificate, goes without, or learns that it had to")
def shown_to_servers(directory):
    authority = Authority(directory, "root")
    certificate, key = authority.issue("server", store_names, "serverAuth")
    mine, my_key = authority.issue("client", "DNS:client.example", "clientAuth")
    for demand, presented, page in (
            ("-verify", (), b"no client certificate available"),
            ("-verify", ("--cert", mine, "--key", my_key), b"Subject: CN=client"),
            ("-Verify", ("--cert", mine, "--key", my_key), b"Subject: CN=client"),
            ("-Verify", (), None)):
        back = os.path.join(directory, "back")
        with openssl_server("-cert", certificate, "-key", key, demand, "1", "-verify_return_error",
                            "-CAfile", authority.certificate) as url:
            told = Transfer(transfer_program, "get", url, back, "--cacert", authority.certificate,
                            *presented).outcome
        if page is None:
            check_equal("cause", told["cause"]["tls"],
                        {"event": "alert_received", "alert": "certificate_required"})
            continue
        check_in(f"verdict of {demand}", told["id"], ("C12", "C13"))
        with open(back, "rb") as file:
            said = file.read()
        check(f"its page to {demand} says {page}", page in said)


@case("our server: each flaw of a client's certificate is told by its name, and it goes on")
def flaws_of_clients(directory):
    clients = Authority(directory, "clients")
    stranger = Authority(directory, "stranger")
    good = clients.issue("good", "DNS:client.example", "clientAuth")
    flawed = (
        ("it has expired", clients.issue("old", "DNS:c.example", "clientAuth", days=0)),
        ("it may not be used for this", clients.issue("purpose", "DNS:c.example", "serverAuth")),
        ("its issuer is not known", stranger.issue("strange", "DNS:c.example", "clientAuth")),
        ("it is signed by itself", self_signed(directory)),
    )
    with SecureStore(store_program, directory, "--client-ca", clients.certificate) as store:
        for _, (certificate, key) in flawed:
            ended = store.curl("--cert", certificate, "--key", key, store.server.url + "/healthz")
            check_equal("status", ended.stdout, b"000")
        store.check_still_serves("--cert", good[0], "--key", good[1])
        said = store.said()
    for flaw, _ in flawed:
        check(f"{flaw}: {said}", flaw in said)


@case("our server: hands over its OCSP response, and curl and openssl believe it")
def stapled(directory):
    for standing, status, word in (("V", 0, "good"), ("R", 91, "revoked")):
        place = os.path.join(directory, standing)
        os.mkdir(place)
        authority = Authority(place, "root")
        certificate, key = authority.issue("store", store_names, "serverAuth")
        with open(certificate, "a", encoding="ascii") as file, open(
                authority.certificate, encoding="ascii") as issuer:
            file.write(issuer.read())  # Whose key the response names; curl looks for it there.
        root = os.path.join(place, "objects")
        os.mkdir(root)
        with Server(store_program, "--listen", "127.0.0.1:0", "--root", root, "--tls-cert",
                    certificate, "--tls-key", key, "--tls-ocsp",
                    authority.say_of(certificate, standing)) as server:
            ended = run("curl", "-sS", "--cert-status", "--cacert", authority.certificate,
                        server.url + "/healthz")
            check_equal(f"curl's exit status ({ended.stderr.decode()})", ended.returncode, status)
            said = openssl("s_client", "-connect", f"127.0.0.1:{server.port}", "-status", "-CAfile",
                           authority.certificate, input=b"")
            check(f"openssl is told that it is {word}: {said}", f"Cert Status: {word}" in said)


class Load:
    """Threads that ask again and again, each time over a new connection, and keep what they saw."""

    def __init__(self, port, context, threads):
        self.port, self.context = port, context
        self.is_over = False
        self.failures, self.serials = [], []
        self.threads = [threading.Thread(target=self._ask) for _ in range(threads)]
        self.more = threading.Condition()

    def _ask(self):
        while not self.is_over:
            try:
                with contextlib.closing(http.client.HTTPSConnection(
                        "127.0.0.1", self.port, timeout=patience_seconds,
                        context=self.context)) as connection:
                    connection.request("GET", "/healthz")
                    serial = connection.sock.getpeercert()["serialNumber"]
                    check_equal("status", connection.getresponse().status, 200)
            except Exception as failure:
                self.failures.append(failure)
                serial = None
            with self.more:
                self.serials.append(serial)
                self.more.notify_all()

    def wait_for(self, serial, count):
        """Until it was seen so many times from now on."""
        with self.more:
            begun = len(self.serials)
            came = self.more.wait_for(
                lambda: self.serials[begun:].count(serial) >= count, patience_seconds)
        check(f"{serial} is seen", came)

    def __enter__(self):
        for each in self.threads:
            each.start()
        return self

    def __exit__(self, *_):
        self.is_over = True
        for each in self.threads:
            each.join(patience_seconds)


def serial_of(certificate):
    return openssl("x509", "-in", certificate, "-noout", "-serial").strip().split("=")[1]


@case("our server: its certificate is replaced under load, and no connection and no request fails")
def reloaded(directory):
    authority = Authority(directory, "root")
    old = authority.issue("old", store_names, "serverAuth")
    new = authority.issue("new", store_names, "serverAuth")
    here = tuple(os.path.join(directory, name) for name in ("here.pem", "here.key"))
    for source, target in zip(old, here):
        shutil.copyfile(source, target)
    root = os.path.join(directory, "objects")
    os.mkdir(root)
    context = ssl.create_default_context(cafile=authority.certificate)
    with Server(store_program, "--listen", "127.0.0.1:0", "--threads", "2", "--root", root,
                "--tls-cert", here[0], "--tls-key", here[1], stderr=subprocess.PIPE) as server:
        kept = http.client.HTTPSConnection("127.0.0.1", server.port, context=context,
                                           timeout=patience_seconds)
        kept.request("GET", "/healthz")
        response = kept.getresponse()
        response.read()
        check_equal("status", response.status, 200)
        with Load(server.port, context, threads=4) as load:
            load.wait_for(serial_of(old[0]), 20)
            shutil.copyfile(new[0], here[0])  # And its key is not there yet.
            server.process.send_signal(signal.SIGHUP)
            said = server.process.stderr.readline().decode()
            check(f"it says what is wrong: {said}", "it is not the key of" in said)
            load.wait_for(serial_of(old[0]), 20)
            shutil.copyfile(new[1], here[1])
            server.process.send_signal(signal.SIGHUP)
            said = server.process.stderr.readline().decode()
            check_equal("what it says", said, "the certificate was read again\n")
            load.wait_for(serial_of(new[0]), 20)
        check_equal("failures", load.failures, [])
        check("the old one is not seen after the new one",
              serial_of(old[0]) not in load.serials[-4:])
        kept.request("GET", "/healthz")
        check_equal("the serial of the connection that was there",
                    kept.sock.getpeercert()["serialNumber"], serial_of(old[0]))
        check_equal("its status", kept.getresponse().status, 200)
        kept.close()
        print(f"{len(load.serials)} handshakes, none failed")


sys.exit(main())
