"""What the tests of TLS with real peers share: an authority, and a store that speaks TLS."""

import contextlib
import os
import subprocess

from peers_support import Server, check, check_equal, run

store_names = "IP:127.0.0.1,DNS:store.example"


def openssl(*arguments, **options):
    ended = run("openssl", *arguments, **options)
    check_equal(f"openssl {arguments[0]} ({ended.stderr.decode(errors='replace')})",
                ended.returncode, 0)
    return ended.stdout.decode(errors="replace")


@contextlib.contextmanager
def openssl_server(*arguments):
    """An openssl s_server; yields its URL."""
    with subprocess.Popen(["openssl", "s_server", "-accept", "127.0.0.1:0", "-www", *arguments],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as server:
        port = next(line for line in server.stdout if b"ACCEPT" in line).decode().rsplit(":", 1)[1]
        try:
            yield f"https://127.0.0.1:{port.strip()}/"
        finally:
            server.kill()


class Authority:
    """Somebody who vouches for names, by files in a directory."""

    def __init__(self, directory, name):
        self.directory = directory
        self.certificate, self.key = self._files(name)
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-subj", f"/CN={name}", "-days", "2", "-keyout", self.key, "-out", self.certificate)

    def _files(self, name):
        return (os.path.join(self.directory, f"{name}.{kind}") for kind in ("pem", "key"))

    def issue(self, name, alternative_names, purpose, days=2, more=""):
        """Yields the files of a certificate and its key. For 0 days, it has expired."""
        certificate, key = self._files(name)
        request, extensions = (os.path.join(self.directory, f"{name}.{k}") for k in ("csr", "ext"))
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        with open(extensions, "w", encoding="ascii") as file:
            file.write(f"subjectAltName={alternative_names}\nextendedKeyUsage={purpose}\n{more}\n")
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key,
                "-CAcreateserial", "-days", str(days), "-extfile", extensions, "-out", certificate)
        return certificate, key


    def say_of(self, certificate, standing):
        """Yields the file of what it says of a certificate of its own by OCSP: "V" is good, "R"
        revoked."""
        index, request, response = (f"{certificate}.{k}" for k in ("index", "request", "ocsp"))
        serial = openssl("x509", "-in", certificate, "-noout", "-serial").strip().split("=")[1]
        with open(index, "w", encoding="ascii") as file:
            revoked = "200101000000Z" if standing == "R" else ""
            file.write(f"{standing}\t401231000000Z\t{revoked}\t{serial}\tunknown\t/CN=any\n")
        openssl("ocsp", "-issuer", self.certificate, "-cert", certificate, "-no_nonce", "-reqout",
                request)
        openssl("ocsp", "-index", index, "-CA", self.certificate, "-rsigner", self.certificate,
                "-rkey", self.key, "-ndays", "1", "-reqin", request, "-respout", response)
        return response


class SecureStore:
    """A store, who vouches for it, and what it has said of handshakes."""

    def __init__(self, program, directory, *options):
        self.authority = Authority(directory, "root")
        self.certificate, self.key = self.authority.issue("store", store_names, "serverAuth")
        self.said_file = os.path.join(directory, "said")
        root = os.path.join(directory, "objects")
        os.mkdir(root)
        with open(self.said_file, "wb") as said:
            self.server = Server(program, "--listen", "127.0.0.1:0", "--root", root,
                                 "--access-log", "-", "--tls-cert", self.certificate,
                                 "--tls-key", self.key,
                                 *options, stderr=said)
        check(f"it says https: {self.server.url}", self.server.url.startswith("https://127.0.0.1:"))

    def __enter__(self):
        return self

    def __exit__(self, *arguments):
        self.server.__exit__(*arguments)

    def curl(self, *arguments):
        return run("curl", "-sS", "--cacert", self.authority.certificate, "-w", "%{http_code}",
                   "-o", os.devnull, *arguments)

    def s_client(self, *arguments):
        """A GET by openssl; yields all that it said."""
        ended = run("openssl", "s_client", "-connect", f"127.0.0.1:{self.server.port}", "-CAfile",
                    self.authority.certificate, "-ign_eof", *arguments,
                    input=b"GET /healthz HTTP/1.1\r\nHost: store\r\nConnection: close\r\n\r\n")
        return (ended.stdout + ended.stderr).decode(errors="replace")

    def check_still_serves(self, *arguments):
        ended = self.curl(*arguments, self.server.url + "/o/?prefix=")
        check_equal(f"curl's exit status ({ended.stderr.decode()})", ended.returncode, 0)
        check_equal("status", ended.stdout, b"200")

    def said(self):
        """What it said until its end."""
        status, _ = self.server.drain()
        check_equal("exit status", status, 0)
        with open(self.said_file, encoding="utf-8") as file:
            return file.read()
