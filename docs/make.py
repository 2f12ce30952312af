"""Writes docs/settings.md from the settings themselves; a test compares."""

from pathlib import Path

from api.core.settings import Settings

PAGE = Path(__file__).parent / "settings.md"


def settings_page() -> str:
    rows = []
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        shown = ", ".join(sorted(default)) if isinstance(default, frozenset) else default
        rows.append(
            f"| `BEATLINE_{name.upper()}` | `{shown}` | {field.description} |".replace("` `", " ").replace("``", "")
        )
    return (
        "# Settings\n\nEach is an environment variable, or a file of that name (lower case) in the folder `/run/secrets` (or in `BEATLINE_SECRETS_DIR`).\n"
        "Times are in seconds unless the name says otherwise. This page is made by `python -m docs.make`.\n\n"
        "| variable | default | what it does |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    )


if __name__ == "__main__":
    PAGE.write_text(settings_page())
