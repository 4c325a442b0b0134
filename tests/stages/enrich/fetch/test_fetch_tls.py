"""https: the name that was asked for is what the certificate must be for, wherever it was pinned to."""

import datetime
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from stages.enrich.fetch.connections import trust
from stages.resilience.errors import PermanentError
from tests.servers.pages import PageServer, page, redirect
from tests.stages.enrich.fetch.conftest import Fetching
from tests.stages.enrich.fetch.test_fetch_guard import World

NAME = "xn--mnchen-3ya.de"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of :data:`NAME`, which trusts itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    today = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "site.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def asked_for() -> list[str | None]:
    return []


@pytest.fixture
def secure(certificate: Path, asked_for: list[str | None]) -> Iterator[PageServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _, name, __: asked_for.append(name)
    with PageServer(tls=context) as server:
        server.otherwise(page())
        yield server


@pytest.fixture
def trusting(certificate: Path, monkeypatch: pytest.MonkeyPatch, fetching: Fetching) -> Iterator[Fetching]:
    """Fetchers whose system trusts the certificate, and knows the name."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    trust.cache_clear()
    fetching.more["lookup"] = World(other__com=["127.0.0.1"])
    fetching.more["lookup"].names[NAME] = ["127.0.0.1"]
    yield fetching
    trust.cache_clear()


def test_a_pinned_address_keeps_host_and_server_name(
    secure: PageServer, trusting: Fetching, asked_for: list[str | None]
) -> None:
    port = secure.sites[0].rpartition(":")[2]
    assert trusting.one(f"https://München.de:{port}/a").final_url == f"https://{NAME}:{port}/a"
    assert asked_for == [NAME]
    assert secure.requests[0].headers["Host"] == f"{NAME}:{port}"


def test_a_certificate_for_another_name_ends_it_at_once(
    secure: PageServer, trusting: Fetching, asked_for: list[str | None]
) -> None:
    port = secure.sites[0].rpartition(":")[2]
    assert "certificate" in trusting.error(f"https://other.com:{port}/", PermanentError)
    assert asked_for == ["other.com"]
    assert secure.requests == []


def test_a_certificate_that_nobody_trusts_ends_it_at_once(secure: PageServer, fetching: Fetching) -> None:
    trust.cache_clear()
    assert "certificate" in fetching.error(secure.url("/"), PermanentError)
    assert secure.requests == []


def test_https_may_lead_to_http_and_is_judged_there(secure: PageServer, server: PageServer, trusting: Fetching) -> None:
    port = secure.sites[0].rpartition(":")[2]
    server.otherwise(page("plain"))
    secure.put("/a", redirect(server.url("/b")))
    secure.put("/c", redirect("http://10.0.0.1/"))
    assert trusting.one(f"https://{NAME}:{port}/a").body == b"plain"
    trusting.error(f"https://{NAME}:{port}/c", PermanentError)
