"""TLS with real peers: curl and openssl against //examples:object_store, and //examples:transfer
against it and against openssl: content, refusals, sessions, clients."""

import json
import os
import socket
import ssl
import subprocess
import sys
import threading

from peers_support import (Transfer, case, check, check_equal, check_in, main, run, sha256_of,
                           write_content)
from tls_support import Authority, SecureStore, openssl_server, store_names

(store_program, transfer_program, client_program, plain_program,
 upload_server_program) = sys.argv[1:6]
content_octets = 8 * 1024 * 1024
delivered = ("S11", "S12", "S13")


def upload_and_download(directory, *version):
    film, back = (os.path.join(directory, name) for name in ("film", "back"))
    digest = write_content(film, content_octets, seed=5)
    with SecureStore(store_program, directory) as store:
        url = store.server.url + "/o/film"
        put = store.curl(*version, "-T", film, url)
        check_equal(f"curl's exit status ({put.stderr.decode()})", put.returncode, 0)
        check_equal("status", put.stdout, b"201")
        check_in("verdict of the upload", store.server.next_outcome()["id"], delivered)
        get = run("curl", "-sS", "--cacert", store.authority.certificate, *version, "-o", back, url)
        check_equal(f"curl's exit status ({get.stderr.decode()})", get.returncode, 0)
        check_equal("hash of the download", sha256_of(back), digest)
        outcome = store.server.next_outcome()
        check_in("verdict of the download", outcome["id"], delivered)
        check_equal("octets of plaintext", outcome["send"]["body_accepted"], content_octets)
        check_equal("what it said of handshakes", store.said(), "")


@case("curl: 8 MiB over TLS 1.3 come back as they were sent")
def by_tls_1_3(directory):
    upload_and_download(directory, "--tlsv1.3")


@case("curl: 8 MiB over TLS 1.2 come back as they were sent")
def by_tls_1_2(directory):
    upload_and_download(directory, "--tls-max", "1.2")


@case("curl: who does not trust the store ends the handshake, and the store says so and goes on")
def not_trusted(directory):
    stranger = Authority(directory, "stranger")
    with SecureStore(store_program, directory) as store:
        ended = run("curl", "-sS", "--cacert", stranger.certificate, store.server.url + "/")
        check_equal("curl's exit status: the certificate cannot be verified", ended.returncode, 60)
        store.check_still_serves()
        said = store.said()
        check(f"it names the alert: {said}", "unknown_ca (48)" in said)


@case("openssl: TLS 1.1 is refused by name, and so is who speaks no TLS")
def too_old(directory):
    with SecureStore(store_program, directory) as store:
        said = store.s_client("-tls1_1", "-cipher", "ALL@SECLEVEL=0")
        check(f"the alert arrives: {said}", "protocol version" in said)
        plain = run("curl", "-sS", "http" + store.server.url.removeprefix("https"))
        check("no answer to plain HTTP", plain.returncode != 0)
        store.check_still_serves()
        said = store.said()
        check(f"it names the alert: {said}", "protocol_version (70)" in said)


@case("openssl: the chain and the name are proven, http/1.1 is agreed on, and sessions are resumed")
def sessions(directory):
    kept = os.path.join(directory, "session")
    with SecureStore(store_program, directory) as store:
        first = store.s_client("-alpn", "http/1.1", "-verify_hostname", "store.example",
                               "-sess_out", kept)
        for what in ("Verify return code: 0 (ok)", "ALPN protocol: http/1.1", "New, TLSv1.3",
                     "HTTP/1.1 "):
            check(f"{what}: {first}", what in first)
        again = store.s_client("-sess_in", kept)
        check(f"it is resumed: {again}", "Reused, TLSv1.3" in again)


@case("openssl: a session of one store is resumed at another with the same file of ticket keys")
def shared_sessions(directory):
    kept = os.path.join(directory, "session")
    keys = os.path.join(directory, "keys")
    with open(keys, "wb") as file:
        file.write(os.urandom(80))
    for name, reused in (("first", False), ("second", True)):
        place = os.path.join(directory, name)
        os.mkdir(place)
        with SecureStore(store_program, place, "--tls-tickets", keys) as store:
            said = store.s_client(*(("-sess_in", kept) if reused else ("-sess_out", kept)))
            check_equal(f"it is resumed: {said}", "Reused, TLSv1.3" in said, reused)


@case("openssl: no compression, no suite without forward secrecy")
def not_offered(directory):
    with SecureStore(store_program, directory) as store:
        said = store.s_client("-tls1_2")
        for what in ("Compression: NONE", "Secure Renegotiation IS supported"):
            check(f"{what}: {said}", what in said)
        refused = store.s_client("-tls1_2", "-cipher", "AES128-GCM-SHA256:AES256-SHA@SECLEVEL=0")
        check(f"the alert arrives: {refused}", "handshake failure" in refused)
        store.check_still_serves()


@case("openssl: who wants to negotiate again is told no, at once, and others are served")
def no_renegotiation(directory):
    with SecureStore(store_program, directory) as store:
        with subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{store.server.port}",
                               "-tls1_2"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT) as client:
            client.stdin.write(b"R\n")
            client.stdin.flush()  # And its end, at which it would go by itself, does not come.
            said = client.stdout.read().decode(errors="replace")
        check(f"it is told: {said}", "no renegotiation" in said)
        store.check_still_serves()


@case("curl: a client without a certificate is refused where one is asked for, one with it is not")
def mutual(directory):
    clients = Authority(directory, "clients")
    certificate, key = clients.issue("client", "DNS:client.example", "clientAuth")
    strangers = Authority(directory, "strangers")
    unknown, unknown_key = strangers.issue("unknown", "DNS:client.example", "clientAuth")
    with SecureStore(store_program, directory, "--client-ca", clients.certificate) as store:
        store.check_still_serves("--cert", certificate, "--key", key)
        for presented in ([], ["--cert", unknown, "--key", unknown_key]):
            ended = store.curl(*presented, store.server.url + "/o/?prefix=")
            check(f"refused with {presented}", ended.returncode != 0)
            check_equal("status", ended.stdout, b"000")
        store.check_still_serves("--cert", certificate, "--key", key)
        said = store.said()
        for flaw in ("certificate_required (116)", "its issuer is not known",
                     f"against {clients.certificate}"):
            check(f"{flaw}: {said}", flaw in said)


@case("a store that is given anything of TLS, and no certificate, does not serve without TLS")
def not_in_the_clear(directory):
    file = os.path.join(directory, "file")
    for option in ("--tls-tickets", "--tls-ocsp", "--client-ca", "--tls-key"):
        ended = run(store_program, "--listen", "127.0.0.1:0", "--root", directory, option, file)
        check_equal(f"exit status with {option}", ended.returncode, 1)
        check(f"it says why: {ended.stderr}", b"a certificate needs its key" in ended.stderr)


@case("transfer: 8 MiB to the store and back, and each flaw of a certificate by its name")
def transfers(directory):
    film, back = (os.path.join(directory, name) for name in ("film", "back"))
    digest = write_content(film, content_octets, seed=6)
    with SecureStore(store_program, directory) as store:
        root, url = store.authority.certificate, store.server.url + "/o/film"
        Transfer(transfer_program, "put", film, url, "--cacert", root).check(0, "C13")
        Transfer(transfer_program, "get", url, back, "--cacert", root).check(0, "C13")
        check_equal("hash of the download", sha256_of(back), digest)
        stranger = Authority(directory, "stranger").certificate
        refused = Transfer(transfer_program, "get", url, back, "--cacert", stranger)
        refused.check(3, "C2")
        check(f"it says why: {refused.said}", "its issuer is not known" in refused.said)
        check(f"and against what: {refused.said}", f"against {stranger}" in refused.said)
        other_name = url.replace("127.0.0.1", "localhost")
        refused = Transfer(transfer_program, "get", other_name, back, "--cacert", root)
        refused.check(3, "C2")
        check(f"it says why: {refused.said}", "as localhost failed" in refused.said)
        Transfer(transfer_program, "get", other_name, back, "--insecure").check(0, "C13")


@case("transfer: what openssl ends by close_notify is complete, as far as anybody can know")
def from_openssl(directory):
    authority = Authority(directory, "root")
    certificate, key = authority.issue("server", "IP:127.0.0.1", "serverAuth")
    with open(os.path.join(directory, "page"), "wb") as file:
        file.write(b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 100_000)
    with subprocess.Popen(["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", certificate,
                           "-key", key, "-HTTP"], cwd=directory, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as server:
        port = next(line for line in server.stdout if b"ACCEPT" in line).decode().rsplit(":", 1)[1]
        ended = Transfer(transfer_program, "get", f"https://127.0.0.1:{port.strip()}/page",
                         os.path.join(directory, "back"), "--cacert", authority.certificate)
        server.kill()
    ended.check(1, "C12")  # Not proven: whoever closes could have been meant to say more.
    check_equal("octets", ended.outcome["receive"]["body"], 100_000)


@case("transfer: what ends by TCP's end alone is truncated, and the file that was there stays")
def cut_short(directory):
    authority = Authority(directory, "root")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("server", "IP:127.0.0.1", "serverAuth"))

    def answer(listener):
        accepted, _ = listener.accept()
        with context.wrap_socket(accepted, server_side=True) as connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 1000)
        # Python closes without a close_notify, as an attacker would.

    back = os.path.join(directory, "back")
    with open(back, "wb") as file:
        file.write(b"what was there before")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        answering = threading.Thread(target=answer, args=[listener])
        answering.start()
        ended = Transfer(transfer_program, "get",
                         f"https://127.0.0.1:{listener.getsockname()[1]}/", back, "--cacert",
                         authority.certificate)
        answering.join()
    ended.check(5, "C11")
    check_equal("octets", ended.outcome["receive"]["body"], 1000)
    with open(back, "rb") as file:
        check_equal("the file", file.read(), b"what was there before")


@case("test_client: requests over one connection of openssl's, with what TLS added in the outcome")
def several_requests(directory):
    with SecureStore(store_program, directory) as store:
        line = json.dumps({"method": "GET", "url": store.server.url + "/healthz"}) + "\n"
        ended = run(client_program, "--cacert", store.authority.certificate, input=2 * line.encode())
        check_equal(f"exit status ({ended.stderr.decode()})", ended.returncode, 0)
        first, second = (json.loads(each) for each in ended.stdout.splitlines())
        for outcome in (first, second):
            check_equal("verdict", outcome["id"], "C13")
            check_equal("version", outcome["connection"]["tls"]["version"], "TLSv1.3")
        check("the second came over the connection of the first", second["connection"]["reused"])
        added = [each["connection"]["tls"]["added_sent"] for each in (first, second)]
        check_equal("one record more was sent", added[1] - added[0], 22)
        refused = run(client_program, input=line.encode())  # By the system's roots.
        cause = json.loads(refused.stdout)["cause"]
        check_equal("the flaw", cause["tls"], {"event": "untrusted", "flaw": "unknown_issuer"})


@case("test_client: who insists on a staple trusts the good alone, not the revoked, nor who has none")
def must_staple(directory):
    authority = Authority(directory, "root")
    certificate, key = authority.issue("server", store_names, "serverAuth")
    for standing, flaw in (("V", None), ("R", "revoked"), (None, "status_unknown")):
        staple = () if standing is None else (
            "-status_file", authority.say_of(certificate, standing))
        with openssl_server("-cert", certificate, "-key", key, *staple) as url:
            line = json.dumps({"method": "GET", "url": url}) + "\n"
            ended = run(client_program, "--cacert", authority.certificate, "--require-staple",
                        input=line.encode())
        told = json.loads(ended.stdout)
        check_equal(f"what it makes of {standing}", told["cause"].get("tls"),
                    flaw and {"event": "untrusted", "flaw": flaw})
        check_in("verdict", told["id"], ("C12", "C13") if flaw is None else ("C2",))


@case("a program that speaks no TLS links none")
def links_none(_):
    # The second includes the umbrella, which offers TLS.
    programs = ((plain_program, False), (upload_server_program, False), (transfer_program, True))
    for program, links in programs:
        needed = run("ldd", program).stdout.decode()
        for library in ("libssl", "libcrypto"):
            check_equal(f"{program} needs {library}", library in needed, links)


sys.exit(main())
