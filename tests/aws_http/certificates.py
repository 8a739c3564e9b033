"""A certificate authority for one test, and a server that it vouches for."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey


def authority_and_server(folder: Path, *, bare: bool = False) -> tuple[Path, ssl.SSLContext]:
    """The authority's file and the context of a server called localhost; `bare`: it does not name its authority's key,
    as RFC 5280 wants it and many private authorities do not care.
    """
    authority, key = _key(), _key()
    root = _certificate("a test's authority", "a test's authority", authority, authority, authority=True)
    leaf = _certificate("localhost", "a test's authority", key, authority, authority=False, bare=bare)
    (folder / "authority.pem").write_bytes(root.public_bytes(serialization.Encoding.PEM))
    (folder / "server.pem").write_bytes(
        leaf.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return folder / "authority.pem", context


def _key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def _certificate(
    name: str, issuer: str, key: Key, signer: Key, *, authority: bool, bare: bool = False
) -> x509.Certificate:
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(_called(name))
        .issuer_name(_called(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if not bare:
        ours, theirs = key.public_key(), signer.public_key()
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(ours), critical=False)
        made = made.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(theirs), critical=False)
        made = made.add_extension(_usage(authority=authority), critical=True)
    return made.sign(signer, hashes.SHA256())


def _usage(*, authority: bool) -> x509.KeyUsage:
    """What the key may do, which an authority has to say (RFC 5280 4.2.1.3); Python 3.13 and newer insist on it."""
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
