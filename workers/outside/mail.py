"""Handing an e-mail to the force's mail server: taken, refused for good, or not now."""

import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP as LINES
from urllib.parse import unquote, urlsplit

import aiosmtplib

PORTS = {"smtp": 587, "smtp+starttls": 587, "smtps": 465}
REFUSED_BY = (aiosmtplib.SMTPRecipientRefused, aiosmtplib.SMTPDataError)


class NotAMailServer(ValueError):
    """The setting cannot be used; the text is for whoever runs the installation."""


class MailRefused(Exception):
    """A clear no about this e-mail; `str()` names no address."""


class NotNow(Exception):
    """It may be tried again. `str()` names no address."""


@dataclass(frozen=True, slots=True)
class Mail:
    """`key` becomes its Message-ID, the same on every attempt: a copy is known as one."""

    key: str
    to: str = field(repr=False)
    subject: str
    body: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PostOffice:
    host: str
    port: int
    sender: str
    whole: bool = False
    """Encrypted from the first byte (smtps)."""
    must_encrypt: bool = False
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    timeout: float = 20.0
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    """Whom to trust; None: whom the system trusts."""

    @classmethod
    def of(cls, url: str, password: str, sender: str) -> "PostOffice":
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise NotAMailServer("The mail server is written smtp://host:587, smtp+starttls://host or smtps://host.")
        secret = unquote(parts.password or "") or password
        return cls(
            host=parts.hostname,
            port=parts.port or PORTS[parts.scheme],
            sender=sender,
            whole=parts.scheme == "smtps",
            # A password never travels in the open, whatever the address says.
            must_encrypt=parts.scheme == "smtp+starttls" or (bool(parts.username) and parts.scheme == "smtp"),
            user=unquote(parts.username or ""),
            password=secret,
        )


def message(mail: Mail, sender: str) -> EmailMessage:
    """Plain text in one part; machines are told not to answer it."""
    made = EmailMessage(policy=LINES)
    made["From"], made["To"], made["Subject"] = sender, mail.to, mail.subject
    made["Message-ID"] = f"<{mail.key}@{sender.rpartition('@')[2].strip('> ')}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(mail.body)
    return made


async def greet(office: PostOffice) -> None:
    """Whether the server lets us in; nothing is sent."""
    client = _client(office)
    try:
        async with client:
            if office.user:
                await client.login(office.user, office.password)
    except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as error:
        raise NotNow(f"The mail server does not let us in ({type(error).__name__}).") from error


async def deliver(office: PostOffice, mail: Mail) -> None:
    """Returns once the server has taken it."""
    client = _client(office)
    try:
        async with client:
            if office.user:
                await client.login(office.user, office.password)
            await client.send_message(message(mail, office.sender))
    except aiosmtplib.SMTPRecipientsRefused as error:
        raise _said(error.recipients[0].code, "The mail server refuses the recipient") from error
    except REFUSED_BY as error:
        raise _said(error.code, "The mail server refuses it") from error
    except aiosmtplib.SMTPResponseException as error:
        raise NotNow(f"The mail server does not let us in or refuses the sender ({error.code}).") from error
    except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as error:
        raise NotNow(f"The mail server could not be reached ({type(error).__name__}).") from error


def _client(office: PostOffice) -> aiosmtplib.SMTP:
    return aiosmtplib.SMTP(
        hostname=office.host,
        port=office.port,
        use_tls=office.whole,
        start_tls=True if office.must_encrypt and not office.whole else None,
        timeout=office.timeout,
        tls_context=office.tls,
    )


def _said(code: int, sentence: str) -> MailRefused | NotNow:
    return MailRefused(f"{sentence} ({code}).") if 500 <= code < 600 else NotNow(f"{sentence} for now ({code}).")
