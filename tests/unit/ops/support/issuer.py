"""A token endpoint on loopback, over TLS with a certificate of its own."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Issuer:
    """What it was asked, and what it answers.

    Attributes:
        url: of its token endpoint.
        certificate: file to trust it by.
        asked: header Authorization and form of each request.
        status: of its answers.
        answer: document, or bytes as they are sent.
        headers: of its answers.
    """

    url: str
    certificate: Path
    asked: list[tuple[str | None, dict[str, str]]] = field(default_factory=list)
    status: int = 200
    answer: Any = field(default_factory=lambda: {"access_token": "issued.to-you", "token_type": "Bearer"})
    headers: dict[str, str] = field(default_factory=dict)


@contextmanager
def issuing(folder: Path) -> Iterator[Issuer]:
    """Run it; it ends with the block."""
    certificate, key = _certificate(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers["content-length"])).decode()
            assert self.headers["content-type"] == "application/x-www-form-urlencoded"
            issuer.asked.append((self.headers.get("authorization"), dict(parse_qsl(form, strict_parsing=True))))
            content = issuer.answer if isinstance(issuer.answer, bytes) else json.dumps(issuer.answer).encode()
            self.send_response(issuer.status)
            for name, value in issuer.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    issuer = Issuer(url=f"https://127.0.0.1:{server.server_port}/oauth2/token", certificate=certificate)
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a token endpoint of the tests")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    files = folder / "issuer.crt", folder / "issuer.key"
    files[0].write_bytes(certificate.public_bytes(pem))
    plain = serialization.NoEncryption()
    files[1].write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return files
