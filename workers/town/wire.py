"""What every route needs: who asks, with which words, and how an answer or a refusal is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from sqlite3 import Row
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from workers.town import ids, lists, statuses
from workers.town.people import Account
from workers.town.shapes import Shapes
from workers.town.world import Town


class ApiError(Exception):
    def __init__(self, status: int, message: str, **more: str) -> None:
        super().__init__(message)
        self.status, self.body = status, {"error": message, **more}


async def refuse(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, ApiError)
    return JSONResponse(problem.body, problem.status)


def not_found() -> ApiError:
    return ApiError(404, "Record not found")


@dataclass(frozen=True)
class Caller:
    account: Account
    scopes: frozenset[str]
    app: str


def town_of(request: Request) -> Town:
    town: Town = request.app.state.town
    return town


def base_of(request: Request) -> str:
    return town_of(request).settings.base_url.rstrip("/") or str(request.base_url).rstrip("/")


def bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def known_token(request: Request) -> Row | None:
    """None without a token; a token that is wrong is always refused."""
    token = bearer(request)
    if not token:
        return None
    row = town_of(request).store.one(
        "SELECT tokens.*, coalesce(apps.name, 'Practice town') AS app FROM tokens "
        "LEFT JOIN apps ON apps.client_id = tokens.client_id WHERE token = ?",
        token,
    )
    if row is None:
        raise ApiError(401, "The access token is invalid")
    if row["revoked"]:
        raise ApiError(401, "The access token was revoked")
    return row


def anyone(request: Request) -> Caller | None:
    row = known_token(request)
    if row is None or row["account_id"] is None:
        return None
    account = town_of(request).people[row["account_id"]]
    return Caller(account, frozenset(row["scopes"].split()), row["app"])


def someone(request: Request, scope: str) -> Caller:
    """A person with a token that covers the scope, such as write:statuses."""
    caller = anyone(request)
    if caller is None:
        if bearer(request):
            raise ApiError(422, "This method requires an authenticated user")
        raise ApiError(401, "The access token is invalid")
    if not caller.scopes & {scope, scope.split(":")[0]}:
        raise ApiError(403, "This action is outside the authorized scopes")
    return caller


def shapes_for(request: Request, caller: Caller | None = None) -> Shapes:
    return Shapes(town_of(request), base_of(request), caller.account.id if caller else None)


async def fields(request: Request) -> dict[str, Any]:
    """The body, whether JSON or a form; a name that ends in [] holds a list."""
    if "json" in request.headers.get("content-type", ""):
        try:
            body = await request.json()
        except ValueError as problem:
            raise ApiError(400, "Error occurred while parsing request parameters") from problem
        if not isinstance(body, dict):
            raise ApiError(400, "Error occurred while parsing request parameters")
        return body
    form: FormData = await request.form()
    found: dict[str, Any] = {}
    for name, value in form.multi_items():
        if name.endswith("[]"):
            found.setdefault(name[:-2], []).append(value)
        else:
            found[name] = value
    return found


def words(body: Mapping[str, Any], name: str, default: str = "") -> str:
    value = body.get(name, default)
    return default if value is None or isinstance(value, UploadFile | dict | list) else str(value)


def yes(value: object) -> bool:
    return str(value).lower() in {"true", "1", "on", "t", "yes"}


def page_of(request: Request, default: int = 20, most: int = 40) -> lists.Page:
    query, switches = request.query_params, town_of(request).faults.switches
    asked = query.get("limit", "")
    limit = min(max(int(asked), 1), most) if asked.isdigit() else default
    if asked.isdigit() and 0 < switches.refuse_limit_over < int(asked):
        raise ApiError(422, "limit: must be less than or equal to its maximum")
    limit = min(limit, switches.most or limit)
    marks = {name: ids.read(query[name]) for name in ("max_id", "since_id", "min_id") if query.get(name)}
    return lists.Page(limit, marks.get("max_id"), marks.get("since_id"), marks.get("min_id"))


def listing(request: Request, rows: list[Row], shown: Any, page: lists.Page, key: str = "id") -> Response:
    """The list, and the Link header that leads to older and newer ones."""
    if not rows or town_of(request).faults.switches.links == "none":
        return JSONResponse(shown)
    kept = [(k, v) for k, v in request.query_params.multi_items() if k not in {"max_id", "since_id", "min_id"}]
    town = town_of(request)
    base = "https://behind.example" if town.faults.switches.links == "elsewhere" else base_of(request)
    here = f"{base}{request.url.path}"

    def link(mark: str, row: Row, rel: str) -> str:
        return f'<{here}?{urlencode([*kept, (mark, town.show(row[key]) or "")])}>; rel="{rel}"'

    links = [link("max_id", rows[-1], "next")] if len(rows) == page.limit else []
    return JSONResponse(shown, headers={"Link": ", ".join([*links, link("min_id", rows[0], "prev")])})


def status_in_path(request: Request, viewer: Caller | None) -> Row:
    """What the viewer may not see is not found."""
    town = town_of(request)
    status = statuses.get(town, ids.read(request.path_params["status_id"]))
    if status is None or not lists.may_see(town, status, viewer.account.id if viewer else None):
        raise not_found()
    return status


def own_status_in_path(request: Request, caller: Caller) -> Row:
    status = status_in_path(request, caller)
    if status["account_id"] != caller.account.id:
        raise not_found()
    return status


def account_in_path(request: Request) -> Account:
    account = town_of(request).people.by_id.get(ids.read(request.path_params["account_id"]) or 0)
    if account is None:
        raise not_found()
    return account
