"""What browsers may load with a page of ours."""

from api.core.settings import Settings

OWN_HTMX = "/static/htmx.js"


def htmx_source(settings: Settings) -> str:
    return OWN_HTMX if settings.htmx_file else settings.htmx_url


def policy(settings: Settings) -> str:
    """Our own files and, where it is used, the one script on the CDN; nothing inline."""
    source = htmx_source(settings)
    scripts = "'self'" if source.startswith("/") else f"'self' {source}"
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src {scripts}",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )
