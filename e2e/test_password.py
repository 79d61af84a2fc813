"""A forgotten password is set anew in the browser, by the link that the development server shows."""

import re
from typing import Any

import httpx
from playwright.sync_api import Browser, expect

from e2e.harness.server import DemoServer
from e2e.harness.wait import until

PERSON = {
    "email": "ada@example.org", "fName": "Ada", "lName": "L", "phoneNumber": "12345", "country": "PK",
    "password": "the forgotten one",
}  # fmt: skip


def _post(server: DemoServer, path: str, body: dict[str, Any]) -> httpx.Response:
    return httpx.post(server.demo.url + path, json=body, headers={"x-api-key": server.demo.publishable_key})


def test_a_forgotten_password_is_set_anew(server: DemoServer, browser: Browser) -> None:
    assert _post(server, "/auth/register", PERSON).status_code == 201
    assert _post(server, "/v1/auth/forgot-password", {"email": PERSON["email"]}).status_code == 200
    shown = until("the link", lambda: re.search(r"new password: (\S+)", server.log.read_text()))
    assert shown
    page = browser.new_page()
    page.goto(shown[1])
    page.get_by_label("New password").fill("the remembered one")
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_role("status")).to_have_text("Your new password is set; you can log in with it now.")
    login = {"userName": PERSON["email"], "password": "the remembered one"}
    assert _post(server, "/auth/login", login).status_code == 200

    page.goto("about:blank")
    page.goto(shown[1])
    page.get_by_label("New password").fill("another try here")
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_role("status")).to_contain_text("invalid or has expired")
    page.close()
