"""beatline force add, beatline team add."""

import asyncio
from typing import Annotated

import typer

from api.core.settings import Settings
from api.forces import service
from beatline.finding import force_named
from beatline.installation import Data, Force, Json, opened, say, say_json, settings_for

force = typer.Typer(help="Forces.", no_args_is_help=True)
team = typer.Typer(help="Teams.", no_args_is_help=True)


@force.callback()
@team.callback()
def _group() -> None:
    """A group of one command today; the word stays when there are more."""


@force.command("add")
def add_force(
    name: Annotated[str, typer.Option("--name", help="The whole name.")],
    short_name: Annotated[str, typer.Option("--short-name", help="As people say it.")],
    police_uk_id: Annotated[str, typer.Option("--police-uk-id", help="Its id at data.police.uk.")],
    keep_days: Annotated[int, typer.Option("--keep-days", min=1, help="Days for which messages are kept.")] = 365,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Add a force."""

    async def run(settings: Settings) -> dict[str, object]:
        async with opened(settings) as runtime, runtime.unit_of_work() as session:
            added = await service.add_force(session, None, name, short_name, police_uk_id, keep_days)
            return {"id": added.id, "name": added.name}

    _show(asyncio.run(run(settings_for(data))), as_json)


@team.command("add")
def add_team(
    name: Annotated[str, typer.Option("--name", help="As the public knows it.")],
    of: Force = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Add a team to a force."""

    async def run(settings: Settings) -> dict[str, object]:
        async with opened(settings) as runtime, runtime.unit_of_work() as session:
            added = await service.add_team(session, None, await force_named(session, of), name)
            return {"id": added.id, "name": added.name}

    _show(asyncio.run(run(settings_for(data))), as_json)


def _show(added: dict[str, object], as_json: bool) -> None:
    if as_json:
        say_json(added)
    else:
        say(f"Added {added['name']}.")
