"""HTTPS by a certificate of files, which may be renewed while the server runs."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiohttp import ClientConnectorCertificateError, ClientSession, TCPConnector, web
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from controller.errors import ConfigurationError
from controller.web.connections import Limits, listening
from controller.web.headers import protect
from controller.web.proxies import PROXIES, Proxies
from controller.web.tls import Certificate


def write_pair(folder: Path, *, password: bytes | None = None) -> tuple[Path, Path]:
    """A certificate of this machine that nobody else has signed, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "recording-controller")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    secrecy = BestAvailableEncryption(password) if password else NoEncryption()
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secrecy))
    return files


@asynccontextmanager
async def served(certificate: Certificate) -> AsyncIterator[str]:
    """A server's address."""

    async def handler(request: web.Request) -> web.Response:
        return web.Response(text=request.scheme)

    app = web.Application()
    protect(app)
    app[PROXIES] = Proxies()
    app.router.add_get("/", handler)
    async with listening(
        app, "127.0.0.1", 0, limits=Limits(most=10), answered_within_s=1, context=certificate.context
    ) as port:
        yield f"https://127.0.0.1:{port}/"


async def asked(url: str, authority: bytes) -> tuple[str, str | None]:
    """What is answered to who trusts this certificate alone, and what it says of HTTPS."""
    context = ssl.create_default_context(cadata=authority.decode())
    async with ClientSession(connector=TCPConnector(ssl=context)) as session, session.get(url) as answer:
        return await answer.text(), answer.headers.get("Strict-Transport-Security")


async def test_what_is_served_by_https_says_that_it_always_is(tmp_path: Path) -> None:
    files = write_pair(tmp_path)
    async with served(Certificate(*files)) as url:
        assert await asked(url, files[0].read_bytes()) == ("https", "max-age=31536000")


async def test_a_certificate_that_was_renewed_is_shown_once_it_is_read_again(tmp_path: Path) -> None:
    files = write_pair(tmp_path)
    certificate = Certificate(*files)
    async with served(certificate) as url:
        write_pair(tmp_path)
        with pytest.raises(ClientConnectorCertificateError):
            await asked(url, files[0].read_bytes())
        certificate.read_again()
        assert (await asked(url, files[0].read_bytes()))[0] == "https"


async def test_one_that_cannot_be_used_changes_nothing(tmp_path: Path) -> None:
    files = write_pair(tmp_path)
    certificate, former = Certificate(*files), files[0].read_bytes()
    async with served(certificate) as url:
        files[1].write_text("no key")
        certificate.read_again()
        files[0].unlink()
        certificate.read_again()
        assert (await asked(url, former))[0] == "https"


def test_what_is_wrong_with_the_files_is_said_and_nothing_of_the_key(tmp_path: Path) -> None:
    certificate, key = write_pair(tmp_path)
    (tmp_path / "another").mkdir()
    _, other = write_pair(tmp_path / "another")
    with pytest.raises(ConfigurationError, match="KEY_VALUES_MISMATCH"):
        Certificate(certificate, other)
    with pytest.raises(ConfigurationError, match=r"http\.tls: No such file"):
        Certificate(tmp_path / "none.pem", key)
    locked = write_pair(tmp_path, password=b"invented")
    with pytest.raises(ConfigurationError, match="must have no password"):
        Certificate(*locked)
