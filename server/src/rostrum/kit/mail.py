"""Sends mail by SMTP, in a thread: the standard library's client waits."""

import asyncio
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final, Literal

import structlog

log = structlog.get_logger(__name__)

SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Post:
    """How mail is sent; without a host there is none."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    user: str
    password: str
    sender: str


class Mailer:
    """Sends plain text to one address."""

    def __init__(self, post: Post) -> None:
        self._post = post

    @property
    def works(self) -> bool:
        """Whether a mail server is set."""
        return bool(self._post.host)

    async def send(self, to: str, subject: str, text: str) -> bool:
        """Send; tell whether the server took it. A failure is in the log, without the text."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._post.sender, to, subject
        message.set_content(text)
        try:
            await asyncio.to_thread(self._send, message)
        except (OSError, smtplib.SMTPException) as error:
            log.warning("mail.failed", error=type(error).__name__)
            return False
        return True

    def _send(self, message: EmailMessage) -> None:
        post = self._post
        if post.security == "tls":
            client: smtplib.SMTP = smtplib.SMTP_SSL(
                post.host, post.port, timeout=SECONDS, context=ssl.create_default_context()
            )
        else:
            client = smtplib.SMTP(post.host, post.port, timeout=SECONDS)
        with client:
            if post.security == "starttls":
                client.starttls(context=ssl.create_default_context())
            if post.user:
                client.login(post.user, post.password)
            client.send_message(message)
