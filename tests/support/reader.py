"""A person with a browser that runs no script: opens pages, fills in forms by their labels, presses buttons."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from httpx import ASGITransport, AsyncClient, Response

Files = Sequence[tuple[str, bytes]]
"""Names and what is in them."""
VOID = {"input", "br", "meta", "link", "img", "hr", "path", "circle", "rect", "line", "use"}


@dataclass
class Form:
    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Words on the button → its name and value."""
    actions: dict[str, str] = field(default_factory=dict)
    """Words on the button → where it alone sends the form."""


class Page(HTMLParser):
    """What a person sees of an answer: its words, its links, its forms."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words = ""
        self.title = ""
        self.links: dict[str, str] = {}
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._button: dict[str, str | None] | None = None
        self._link: str | None = None
        self._text = ""
        self._area: str | None = None
        self._select: tuple[str, str | None] | None = None
        self._in_title = False
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        if tag == "title":
            self._in_title = True
        elif tag == "form":
            self._form = Form(values.get("action") or "", (values.get("method") or "get").lower())
            self.forms.append(self._form)
        elif tag == "a":
            self._link, self._text = values.get("href"), ""
        elif tag == "button":
            self._button, self._text = values, ""
        elif tag == "textarea":
            self._area, self._text = values.get("name"), ""
        elif tag == "select":
            self._select = (values.get("name") or "", None)
        elif tag == "option" and self._select and ("selected" in values or self._select[1] is None):
            self._select = (self._select[0], values.get("value") or "")
        elif tag == "input" and self._form:
            self._input(values)

    def _input(self, values: dict[str, str | None]) -> None:
        assert self._form
        name = values.get("name")
        if not name or (values.get("type") in ("checkbox", "radio") and "checked" not in values):
            return
        self._form.fields.append((name, values.get("value") or ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        elif tag == "form":
            self._form = None
        elif tag == "a" and self._link:
            self.links.setdefault(" ".join(self._text.split()), self._link)
            self._link = None
        elif tag == "button" and self._button is not None:
            if self._form:
                words = " ".join(self._text.split())
                self._form.buttons[words] = (self._button.get("name") or "", self._button.get("value") or "")
                self._form.actions[words] = self._button.get("formaction") or self._form.action
            self._button = None
        elif tag == "textarea" and self._area is not None:
            if self._form:
                self._form.fields.append((self._area, self._text.removeprefix("\n")))
            self._area = None
        elif tag == "select" and self._select:
            if self._form:
                self._form.fields.append((self._select[0], self._select[1] or ""))
            self._select = None

    def handle_data(self, data: str) -> None:
        self._text += data
        if self._in_title:
            self.title += data
        elif self._area is None:
            self.words = " ".join(f"{self.words} {data}".split())


class Reader:
    """One browser. `press` sends the form that has the button, with what stands in it."""

    def __init__(self, app: Any, base_url: str = "http://127.0.0.1:8000") -> None:
        self.client = AsyncClient(
            transport=ASGITransport(app, raise_app_exceptions=False), base_url=base_url, follow_redirects=True
        )
        self.answer: Response
        self.page: Page

    async def open(self, address: str) -> Page:
        return self._arrive(await self.client.get(address))

    async def press(self, button: str, files: Files = (), **typed: str | list[str]) -> Page:
        """`typed` replaces what stands in fields of these names; `files` are chosen in the field called pictures."""
        form = next((one for one in self.page.forms if button in one.buttons), None)
        assert form, f"There is no button “{button}”, only {[b for one in self.page.forms for b in one.buttons]}"
        data: dict[str, Any] = {}
        for name, value in form.fields:
            data.setdefault(name, []).append(value)
        data |= typed
        name, value = form.buttons[button]
        if name:
            data[name] = value
        return self._arrive(
            await self.client.post(
                form.actions[button] or str(self.answer.url),
                data=data,
                headers={"Sec-Fetch-Site": "same-origin"},
                files=[("pictures", each) for each in files] or None,
            )
        )

    async def follow(self, words: str) -> Page:
        address = next((href for label, href in self.page.links.items() if words in label), None)
        assert address, f"There is no link “{words}”, only {list(self.page.links)}"
        return await self.open(address)

    def _arrive(self, answer: Response) -> Page:
        self.answer, self.page = answer, Page(answer.text)
        return self.page

    async def close(self) -> None:
        await self.client.aclose()
