"""The link to a new password goes out by SMTP."""

import asyncio
from collections.abc import AsyncIterator
from email import message_from_string
from typing import Any

import httpx
import pytest
import structlog
from rostrum.kit.mail import Mailer, Post
from rostrum.services import Services
from rostrum.settings import Settings


class Mailbox:
    """A mail server that takes all mail and keeps it."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        self.port = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client's dialogue."""
        writer.write(b"220 test\r\n")
        recipient = ""
        while line := (await reader.readline()).decode().strip():
            verb = line[:4].upper()
            if verb == "RCPT":
                recipient = line.partition("<")[2].rstrip(">")
            if verb == "DATA":
                writer.write(b"354 go\r\n")
                body = (await reader.readuntil(b"\r\n.\r\n")).decode()
                self.taken.append((recipient, body))
            writer.write(b"221 bye\r\n" if verb == "QUIT" else b"250 ok\r\n")
        writer.close()


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    box = Mailbox()
    server = await asyncio.start_server(box.talk, "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    yield box
    server.close()


@pytest.fixture
def settings(settings: Settings, mailbox: Mailbox) -> Settings:
    changes = {"smtp_host": "127.0.0.1", "smtp_port": mailbox.port, "smtp_security": "none", "open_rooms": True}
    return settings.model_copy(update=changes)


async def test_the_link_comes_by_mail_and_stands_in_no_log(
    client: httpx.AsyncClient, services: Services, mailbox: Mailbox, person: Any
) -> None:
    ada = await person("ada")
    with structlog.testing.capture_logs() as logs:
        for email in (ada.email, "nobody@example.org"):
            await client.post("/v1/auth/forgot-password", json={"email": email}, headers=ada.headers)
        await services.account.settle()
    [(recipient, text)] = mailbox.taken
    message = message_from_string(text)
    assert recipient == message["To"] == ada.email
    body = message.get_payload(decode=True)
    assert isinstance(body, bytes)
    link = next(line for line in body.decode().splitlines() if line.startswith("http://localhost:21900/"))
    token = link.rpartition("&token=")[2]
    assert token not in str(logs)
    done = await client.post(
        "/v1/auth/reset-password",
        json={"token": token, "newPassword": "another password"},
        headers={"x-api-key": ada.headers["x-api-key"]},
    )
    assert done.status_code == 200


async def test_a_mail_server_that_is_away_is_told_of_and_breaks_nothing(mailbox: Mailbox) -> None:
    mailer = Mailer(Post("127.0.0.1", 1, "none", "", "", "rostrum@localhost"))
    assert await mailer.send("ada@example.org", "s", "t") is False
