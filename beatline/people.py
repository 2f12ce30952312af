"""beatline person add, beatline token create."""

import asyncio
from datetime import timedelta
from typing import Annotated

import typer

from api.access.service import SCOPES
from api.core.clock import now
from api.core.settings import Settings
from api.identity import queries, service
from api.identity.tokens import usable_scopes
from api.models import Role
from beatline.finding import force_named, person_at, team_named
from beatline.installation import Data, Failure, Force, Json, opened, say, say_json, settings_for

person = typer.Typer(help="People.", no_args_is_help=True)
token = typer.Typer(help="API tokens.", no_args_is_help=True)


@person.callback()
@token.callback()
def _group() -> None:
    """A group of one command today; the word stays when there are more."""


@person.command("add")
def add_person(
    email: Annotated[str, typer.Option("--email")],
    name: Annotated[str, typer.Option("--name", help="As colleagues say it, with the rank.")],
    role: Annotated[Role, typer.Option("--role", help="What they are.")],
    team: Annotated[str | None, typer.Option("--team", help="In which team; without one: in the whole force.")] = None,
    of: Force = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Add somebody and print the link by which they choose a password. It works once."""

    async def run(settings: Settings) -> dict[str, object]:
        async with opened(settings) as runtime, runtime.unit_of_work() as session:
            where = await team_named(session, team, of) if team else None
            force_id = where.force_id if where else (await force_named(session, of)).id
            roles = [(role, where.id if where else None)]
            added = await service.add_person(session, None, force_id, email, name, roles)
            secret = await service.set_password_link(session, None, added, settings.set_password_hours)
            return {"id": added.id, "link": f"{settings.base_url.rstrip('/')}/set-password/{secret}"}

    added = asyncio.run(run(settings_for(data)))
    if as_json:
        say_json(added)
    else:
        say(str(added["link"]))


@token.command("create")
def create_token(
    email: Annotated[str, typer.Option("--person", help="Whose name it acts in: their e-mail address.")],
    name: Annotated[str, typer.Option("--name", help="What it is for.")],
    scope: Annotated[list[str] | None, typer.Option("--scope", help=f"One or more of: {', '.join(SCOPES)}.")] = None,
    every_scope: Annotated[bool, typer.Option("--all-scopes", help="All that the person's roles allow.")] = False,
    days: Annotated[int, typer.Option("--days", min=1, max=366, help="Days for which it works.")] = 90,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Make a token and print it, once, alone on a line."""
    if bool(scope) == every_scope:
        raise Failure("Say what the token may do: --scope NAME, as often as you need, or --all-scopes.", 2)

    async def run(settings: Settings) -> dict[str, object]:
        async with opened(settings) as runtime, runtime.unit_of_work() as session:
            of = await person_at(session, email)
            scopes = usable_scopes(await queries.viewer_of(session, of.id)) if every_scope else scope or []
            until = now() + timedelta(days=days)
            made, secret = await service.create_token(session, None, of, name, scopes, until)
            return {"id": made.id, "token": secret, "scopes": made.scopes, "expires_at": made.expires_at}

    made = asyncio.run(run(settings_for(data)))
    if as_json:
        say_json(made)
    else:
        say(str(made["token"]))
