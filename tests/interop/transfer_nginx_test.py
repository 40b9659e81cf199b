"""//examples:transfer against nginx: a static file, an upload through its proxy, and its death."""

import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys

from peers_support import (Server, Transfer, case, check, check_equal, check_in, main,
                           patience_seconds, sha256_of, write_content)

transfer_program, store_program = sys.argv[1:]
content_octets = 256 * 1024 * 1024
mib = 1024 * 1024

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
        listen 127.0.0.1:{port};
        root {directory};
        client_max_body_size 0;
        location /o/ {{
            proxy_pass {store};
            proxy_http_version 1.1;
            proxy_request_buffering off;
        }}
    }}
}}
"""


class Nginx:
    """An nginx with one worker. It inherits a socket that listens already, so there is neither a race
    for the port nor a wait until it is up."""

    def __init__(self, directory, store="http://127.0.0.1:1"):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            with open(os.path.join(directory, "nginx.conf"), "w", encoding="ascii") as file:
                file.write(configuration.format(port=port, directory=directory, store=store))
            self.process = subprocess.Popen(
                ["nginx", "-p", directory, "-c", "nginx.conf", "-e", "error.log"],
                env={"PATH": os.environ["PATH"] + ":/usr/sbin", "NGINX": f"{listener.fileno()};"},
                pass_fds=[listener.fileno()], start_new_session=True, stderr=subprocess.DEVNULL)
        self.url = f"http://127.0.0.1:{port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(patience_seconds)


@case("nginx: a static file of 256 MiB is fetched whole, and told as complete")
def static_file(directory):
    film, back = os.path.join(directory, "film"), os.path.join(directory, "back")
    digest = write_content(film, content_octets, seed=1)
    with Nginx(directory) as nginx:
        told = Transfer(transfer_program, "get", nginx.url + "/film", back)
    told.check(0, "C13")
    check_equal("hash of what was fetched", sha256_of(back), digest)
    check_equal("octets received", told.outcome["receive"]["body"], content_octets)
    check_equal("framing", told.outcome["receive"]["framing"], "length")
    print(f"SHA-256 of file and copy: {digest}")


def upload_by_proxy(directory, *how):
    root, film = os.path.join(directory, "objects"), os.path.join(directory, "film")
    os.mkdir(root)
    digest = write_content(film, content_octets, seed=2)
    with Server(store_program, "--listen", "127.0.0.1:0", "--root", root, "--access-log",
                "-") as store, Nginx(directory, store.url) as nginx:
        told = Transfer(transfer_program, "put", film, nginx.url + "/o/film", *how)
        told.check(0, "C13")
        stored = store.next_outcome()
    check_equal("status", told.outcome["status"], 201)
    check_equal("octets accepted", told.outcome["send"]["body_accepted"], content_octets)
    check_equal("octets that the store received", stored["receive"]["body"], content_octets)
    check_equal("hash of the stored object", sha256_of(os.path.join(root, "film")), digest)
    print(f"SHA-256 of file and object: {digest}")


@case("nginx: an upload of 256 MiB through its proxy is stored as it was sent")
def proxied(directory):
    upload_by_proxy(directory)


@case("nginx: an upload in chunks, asked for first, through its proxy is stored as it was sent")
def proxied_in_chunks(directory):
    upload_by_proxy(directory, "--chunked", "--expect-continue")


@case("nginx: a 404 is a whole answer, but not success")
def not_found(directory):
    back = os.path.join(directory, "back")
    with Nginx(directory) as nginx:
        told = Transfer(transfer_program, "get", nginx.url + "/nobody", back)
    told.check(22, "C13")
    check_equal("status", told.outcome["status"], 404)
    check("nothing is kept of it", not os.path.exists(back))


@case("nginx: killed while it answers, the copy is truncated at the octet that is told")
def killed_in_response(directory):
    film = os.path.join(directory, "film")
    write_content(film, 64 * mib, seed=3)
    with open(film, "rb") as file:
        content = file.read()
    with Nginx(directory) as nginx:
        command = [transfer_program, "get", nginx.url + "/film", "-", "--json"]
        transfer = subprocess.Popen(command, bufsize=0, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE)
        copied = transfer.stdout.read(mib)
        nginx.kill()
        rest, said = transfer.communicate(timeout=patience_seconds)
    copied, _, line = (copied + rest).rpartition(b'{"side":"client"')
    told = json.loads(b'{"side":"client"' + line)
    check_equal(f"exit status ({said})", transfer.returncode, 5)
    check_equal("verdict", told["id"], "C11")
    check_equal("octets told", told["receive"]["body"], len(copied))
    check("some came, but not all", 0 < len(copied) < len(content))
    check_equal("what came", hashlib.sha256(copied).hexdigest(),
                hashlib.sha256(content[:len(copied)]).hexdigest())
    print(f"truncated at {len(copied)} of {len(content)}, as told")


@case("nginx: killed while it passes an upload on, both ends tell of a cut, and nothing is stored")
def killed_in_upload(directory):
    root = os.path.join(directory, "objects")
    os.mkdir(root)
    with Server(store_program, "--listen", "127.0.0.1:0", "--root", root, "--access-log",
                "-") as store, Nginx(directory, store.url) as nginx:
        command = [transfer_program, "put", "-", nginx.url + "/o/film", "--json"]
        transfer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE)
        transfer.stdin.write(b"x" * 64 * mib)  # More than all buffers on the way hold.
        nginx.kill()
        with contextlib.suppress(BrokenPipeError):
            for _ in range(64):
                transfer.stdin.write(b"x" * mib)
        with contextlib.suppress(BrokenPipeError):
            transfer.stdin.close()
        transfer.stdin = None
        line, said = transfer.communicate(timeout=patience_seconds)
        stored = store.next_outcome()
    told = json.loads(line)
    check_equal(f"exit status ({said})", transfer.returncode, 4)
    check_in("verdict", told["id"], ("C5", "C6"))
    check_equal("what the store says", stored["id"], "S4")
    check("the store got no more than was sent",
          0 < stored["receive"]["body"] <= told["send"]["body_accepted"])
    check_equal("objects", os.listdir(root), [])
    print(f"{told['send']['body_accepted']} accepted by the kernel, "
          f"{stored['receive']['body']} reached the store, none kept")


if __name__ == "__main__":
    sys.exit(main())
