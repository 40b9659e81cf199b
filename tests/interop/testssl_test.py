"""What testssl.sh, a judge of servers, finds at :test_server: nothing worse than "LOW".

It takes five minutes of a machine that does nothing else, and Debian's package testssl.sh:
`bazel test //tests/interop:testssl_test`.
"""

import json
import os
import subprocess
import sys

from peers_support import Server, case, check, check_equal, main
from tls_support import Authority

(server_program,) = sys.argv[1:]
minutes_max = 30


@case("testssl.sh: finds nothing worse than LOW")
def judged(directory):
    authority = Authority(directory, "root")
    # What it says of a certificate that lasts for days and names no OCSP responder is true, and is
    # said of the certificate.
    certificate, key = authority.issue(
        "server", "DNS:localhost,IP:127.0.0.1", "serverAuth", days=300,
        more="authorityInfoAccess=OCSP;URI:http://127.0.0.1/")
    findings = os.path.join(directory, "findings")
    with Server(server_program, "--listen", "127.0.0.1:0", "--tls-cert", certificate, "--tls-key",
                key, "--tls-ocsp", authority.say_of(certificate, "V")) as server:
        # Its exit status counts what it cannot look at, too.
        subprocess.run(["testssl", "--add-ca", authority.certificate, "--quiet", "--color", "0",
                        "--warnings", "batch", "--jsonfile", findings, f"localhost:{server.port}"],
                       cwd=directory, timeout=minutes_max * 60, check=False, capture_output=True)
    with open(findings, encoding="utf-8") as file:
        told = json.load(file)
    check(f"it looked at everything: {len(told)} findings", len(told) > 100)
    worse = [f"{each['severity']} {each['id']}: {each['finding']}" for each in told
             if each["severity"] not in ("OK", "INFO", "LOW")]
    for each in told:
        print(f"{each['severity']:8} {each['id']}: {each['finding']}")
    check_equal("worse than LOW", worse, [])


sys.exit(main())
