"""What browsers are told with every page of ours."""

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


def page_headers(settings: Settings) -> dict[str, str]:
    """`no-store`, for another person may sit down at this desk."""
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy(settings),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
