"""What stands around every page, and what browsers are told."""

import base64
import gzip
import hashlib
import re
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from jinja2 import UndefinedError
from starlette.requests import Request

from api.core.errors import Conflict
from api.core.runtime import Runtime
from api.core.settings import HTMX, HTMX_SRI, Settings
from web import render
from web.assets import ASSETS, static
from web.frame import Frame, Strip, Tone
from web.headers import policy
from web.main import asgi, create_app


def browser(app: FastAPI) -> AsyncClient:
    return AsyncClient(transport=ASGITransport(asgi(app), raise_app_exceptions=False), base_url="http://test")


@pytest.fixture
def app(app: FastAPI) -> FastAPI:

    @app.get("/framed")
    async def framed(request: Request):
        strip = Strip(Tone.RED, "Emergency", "Emergency: 4 min, not taken", "/inbox/1")
        request.state.frame = Frame("PCSO Ash Okafor", "Sandford North", 12, strip, ("Posts not paused",))
        return render.page(request, "problem.html", PROBLEM)

    @app.get("/breaks")
    async def breaks(request: Request):
        raise RuntimeError("carla@example.org wrote this")

    @app.post("/refuses")
    async def refuses(request: Request):
        raise Conflict("Somebody closed this conversation. Open it again first.")

    return app


PROBLEM = {"title": "A", "sentence": "B", "safe": "", "ways": (("/", "Back"),), "code": 404, "reference": ""}


async def test_the_frame_says_who_is_here_what_waits_and_what_burns(app):
    async with browser(app) as client:
        html = (await client.get("/framed")).text
    assert "PCSO Ash Okafor" in html
    assert "Emergency: 4 min, not taken" in html
    assert "Posts not paused" in html
    assert html.index("Skip to main content") < html.index("Emergency")


async def test_an_unknown_address_says_so_in_words(app):
    async with browser(app) as client:
        answer = await client.get("/no/such/thing")
    assert answer.status_code == 404
    assert "There is nothing at this address" in answer.text


async def test_a_broken_page_admits_it_and_tells_nothing_of_the_error(app):
    async with browser(app) as client:
        answer = await client.get("/breaks")
    assert answer.status_code == 500
    assert "It is our fault" in answer.text
    assert "carla" not in answer.text
    assert answer.headers["content-security-policy"] == policy(app.state.settings)


async def test_htmx_gets_a_toast_and_keeps_what_was_typed(app):
    async with browser(app) as client:
        answer = await client.post("/refuses", headers={"HX-Request": "true", "Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 409
    assert answer.headers["hx-retarget"] == "#toast"
    assert answer.text.strip().startswith('<div class="toast" id="toast"')
    assert "Somebody closed this conversation" in answer.text


async def test_a_template_that_misses_a_value_fails_loudly(app):
    with pytest.raises(UndefinedError):
        render.environment.get_template("signin/password.html").render()


def test_every_template_compiles():
    for name in render.environment.list_templates():
        assert render.environment.get_template(name)


def test_no_template_carries_inline_script_or_style():
    for path in render.TEMPLATES.rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"<style|\sstyle=|\son\w+=|hx-on|<script(?![^>]*\bsrc=)", text), path


async def test_files_of_ours_are_kept_for_a_year_and_change_their_name(app):
    async with browser(app) as client:
        now = await client.get(static("app.css"))
        old = await client.get("/static/0123456789ab/app.css")
        missing = await client.get("/static/0123456789ab/..%2fmain.py")
    assert "immutable" in now.headers["cache-control"]
    assert old.headers["cache-control"] == "no-cache"
    assert now.text == old.text
    assert missing.status_code == 404


def test_a_page_with_everything_of_ours_stays_under_sixty_kilobytes():
    ours = sum(len(asset.zipped) for asset in ASSETS.values())
    assert ours < 20_000
    assert len(ASSETS["app.js"].body) < 5_000
    assert gzip.decompress(ASSETS["app.css"].zipped) == ASSETS["app.css"].body


async def test_htmx_comes_from_one_address_with_its_hash(app):
    async with browser(app) as client:
        answer = await client.get("/framed")
    assert f'src="{HTMX}" integrity="{HTMX_SRI}" crossorigin="anonymous"' in answer.text
    assert f"script-src 'self' {HTMX};" in answer.headers["content-security-policy"]


async def test_a_closed_network_serves_htmx_itself_and_names_no_cdn(runtime, door, tmp_path):
    copy = tmp_path / "htmx.js"
    copy.write_text("var htmx = 1")
    closed = Runtime(runtime.settings.model_copy(update={"htmx_file": copy}), runtime.database)
    async with browser(create_app(closed, door)) as client:
        page = await client.get("/nothing")
        script = await client.get("/static/htmx.js")
    assert 'src="/static/htmx.js"' in page.text
    assert "cdn" not in page.text + page.headers["content-security-policy"]
    assert script.text == "var htmx = 1"


def test_the_hash_is_a_sha384():
    assert len(base64.b64decode(HTMX_SRI.removeprefix("sha384-"))) == hashlib.sha384().digest_size


def test_no_policy_allows_anything_inline(tmp_path):
    assert "unsafe" not in policy(Settings(data_dir=tmp_path))


def test_the_now_of_a_page_is_a_moment():
    assert render.environment.from_string("{{ at | when }}").render(
        at=datetime(2026, 11, 24, 10, tzinfo=UTC), now=datetime(2026, 11, 24, 11, tzinfo=UTC)
    )
