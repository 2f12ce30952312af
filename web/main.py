"""The pages as one application: files of ours, answers to errors, headers, and one router per screen."""

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response

from api.core.errors import DomainError
from api.core.runtime import Runtime
from web import assets, problems
from web.headers import OWN_HTMX


def create_app(runtime: Runtime) -> FastAPI:
    app = FastAPI(title="Beatline", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.runtime, app.state.settings = runtime, runtime.settings
    _serve_files(app, runtime)
    _answer_errors(app)
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    return app


def _serve_files(app: FastAPI, runtime: Runtime) -> None:
    app.add_api_route("/static/{digest}/{name}", assets.serve, include_in_schema=False)
    if runtime.settings.htmx_file:
        own = assets.load(runtime.settings.htmx_file, "htmx.js")

        def htmx(request: Request) -> Response:
            return assets.answer(request, own, "public, max-age=86400")

        app.add_api_route(OWN_HTMX, htmx, include_in_schema=False)


def _answer_errors(app: FastAPI) -> None:
    app.add_exception_handler(DomainError, problems.on_domain_error)
    app.add_exception_handler(HTTPException, problems.on_http_exception)
    app.add_exception_handler(RequestValidationError, problems.on_invalid_form)
    app.add_exception_handler(Exception, problems.on_bug)
