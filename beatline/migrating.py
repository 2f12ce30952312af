"""beatline migrate: the database as this version needs it, and the first keys."""

import asyncio

from sqlalchemy.exc import SQLAlchemyError

from api.core.settings import Settings
from beatline import assembly
from beatline.installation import Data, say, settings_for, sqlite_file, unreachable, writable_folder
from migrations.run import upgrade


def migrate(data: Data = None) -> None:
    """Bring the database up to date and make the first keys. Twice does no harm."""
    settings = settings_for(data)
    asyncio.run(bring_up_to_date(settings))
    say("The database is up to date.")


async def bring_up_to_date(settings: Settings) -> None:
    file = sqlite_file(settings)
    if file is not None:
        writable_folder(file.parent)
    runtime = assembly.runtime_of(settings)
    try:
        await upgrade(runtime.database)
    except (SQLAlchemyError, OSError) as error:
        raise unreachable(settings, error) from error
    finally:
        await runtime.close()
    assembly.first_keys(settings)
