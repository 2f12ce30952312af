"""What the documents promise about the program is still so."""

import re
from pathlib import Path

import pytest

from api.core.settings import HTMX, HTMX_SRI, Settings
from docs.make import PAGE, settings_page

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def test_every_setting_is_documented() -> None:
    assert PAGE.read_text() == settings_page()
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_in_the_documents_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_each_make_target_that_the_readme_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)", (ROOT / "README.md").read_text()))
    assert named <= targets


def test_each_decision_is_one_page() -> None:
    long = [page.name for page in (ROOT / "docs" / "decisions").glob("*.md") if len(page.read_text().split()) > 700]
    assert long == []


def test_htmx_is_pinned_by_version_and_hash() -> None:
    assert re.search(r"@\d+\.\d+\.\d+/", HTMX)
    assert HTMX_SRI.startswith("sha384-")
