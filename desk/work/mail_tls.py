"""The certificate of the mail door: the one that was set, or one of our own making."""

from __future__ import annotations

import os
import ssl
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from desk.clock import Clock
from desk.config import SELF_SIGNED, Settings
from desk.errors import Invalid

DAYS = 3650


def smtp_tls(settings: Settings) -> ssl.SSLContext | None:
    """What STARTTLS uses, or None when no certificate was set. Raises `Invalid` when certificate and key cannot be used."""
    if not settings.smtp_tls_cert:
        return None
    certificate = settings.smtp_tls_cert
    if certificate == SELF_SIGNED:
        certificate = str(_self_signed(settings.data_dir / "smtp.pem", settings.mail_domain))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, settings.smtp_tls_key or None)
    except (OSError, ssl.SSLError) as error:
        raise Invalid("The certificate for mail cannot be used: %(reason)s", reason=str(error)) from error
    return context


def _self_signed(path: Path, domain: str) -> Path:
    """A certificate and its key in one file that only we can read, made once."""
    if path.exists():
        return path
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, domain[:64])])
    now = Clock().now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(domain)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
        file.write(certificate.public_bytes(serialization.Encoding.PEM) + secret)
    return path
