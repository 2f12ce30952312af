"""Handing an e-mail to a real mail server: plain, encrypted, refused, gone."""

import ssl
from pathlib import Path

import pytest

from tests.support.mail import Box, a_certificate, mail_server
from workers.outside.mail import Mail, MailRefused, NotAMailServer, NotNow, PostOffice, deliver, greet, message

MAIL = Mail("0193-key", "ash.okafor@sandfordvale.example", "Beatline: a feed stands still", "Hello PCSO Ash Okafor\n")
SENDER = "beatline@sandfordvale.example"


async def test_it_arrives_and_says_who_sent_it_and_that_a_machine_did() -> None:
    with mail_server(Box()) as box:
        await deliver(PostOffice.of(f"smtp://127.0.0.1:{box.port}", "", SENDER), MAIL)
    (mail,) = box.mails
    assert box.recipients == [MAIL.to]
    assert (mail["From"], mail["Subject"]) == (SENDER, MAIL.subject)
    assert mail["Message-ID"] == "<0193-key@sandfordvale.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "Hello PCSO Ash Okafor" in box.words()


async def test_encryption_that_is_asked_for_is_used(tmp_path: Path) -> None:
    server, trusting = a_certificate(tmp_path)
    with mail_server(Box(), server) as box:
        office = PostOffice.of(f"smtp+starttls://localhost:{box.port}", "", SENDER)
        await deliver(PostOffice(office.host, office.port, SENDER, must_encrypt=True, tls=trusting), MAIL)
    assert box.encrypted == [True]


async def test_a_server_that_cannot_encrypt_gets_nothing_where_it_must(tmp_path: Path) -> None:
    with mail_server(Box()) as box:
        with pytest.raises(NotNow):
            await deliver(PostOffice.of(f"smtp+starttls://127.0.0.1:{box.port}", "", SENDER), MAIL)
        with pytest.raises(NotNow):
            await deliver(PostOffice.of(f"smtp://beatline@127.0.0.1:{box.port}", "s3cret", SENDER), MAIL)
    assert box.mails == []


async def test_a_server_that_is_not_who_it_says_gets_nothing(tmp_path: Path) -> None:
    server, _ = a_certificate(tmp_path)
    with mail_server(Box(), server) as box, pytest.raises(NotNow):
        await deliver(PostOffice("localhost", box.port, SENDER, tls=ssl.create_default_context()), MAIL)
    assert box.mails == []


async def test_a_refused_recipient_is_a_clear_no_and_is_not_named() -> None:
    with mail_server(Box(refuse={MAIL.to: "550 no such user"})) as box, pytest.raises(MailRefused) as refused:
        await deliver(PostOffice.of(f"smtp://127.0.0.1:{box.port}", "", SENDER), MAIL)
    assert "550" in str(refused.value)
    assert "okafor" not in str(refused.value)


async def test_a_full_mailbox_may_be_tried_again() -> None:
    with mail_server(Box(refuse={MAIL.to: "452 mailbox full"})) as box, pytest.raises(NotNow) as later:
        await deliver(PostOffice.of(f"smtp://127.0.0.1:{box.port}", "", SENDER), MAIL)
    assert "452" in str(later.value)


async def test_a_server_that_is_gone_may_be_tried_again() -> None:
    with mail_server(Box()) as box:
        port = box.port
    with pytest.raises(NotNow):
        await deliver(PostOffice.of(f"smtp://127.0.0.1:{port}", "", SENDER), MAIL)


async def test_a_server_can_be_greeted_without_sending_anything() -> None:
    with mail_server(Box()) as box:
        await greet(PostOffice.of(f"smtp://127.0.0.1:{box.port}", "", SENDER))
    assert box.mails == []
    with pytest.raises(NotNow):
        await greet(PostOffice.of(f"smtp://127.0.0.1:{box.port}", "", SENDER))


def test_addresses_that_are_none_are_said_so() -> None:
    for url in ("mail.example", "http://mail.example", "smtp://", "smtps:"):
        with pytest.raises(NotAMailServer):
            PostOffice.of(url, "", SENDER)


def test_a_password_makes_encryption_a_must_and_is_never_shown() -> None:
    office = PostOffice.of("smtp://beatline:p%40ss@mail.example", "", SENDER)
    assert (office.user, office.password, office.port, office.must_encrypt) == ("beatline", "p@ss", 587, True)
    assert "p@ss" not in repr(office)
    assert PostOffice.of("smtps://u@mail.example", "file", SENDER) == PostOffice(
        "mail.example", 465, SENDER, whole=True, user="u", password="file"
    )


def test_nothing_in_a_subject_becomes_a_header() -> None:
    with pytest.raises(ValueError):
        message(Mail("k", "a@b.example", "One\r\nBcc: other@b.example", ""), SENDER)
