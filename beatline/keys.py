"""beatline keys rotate: everything sealed is sealed again with a new key, while everything runs."""

import asyncio

import typer

from api.accounts import secrets
from api.core.runtime import Runtime
from api.core.settings import Settings
from beatline import assembly
from beatline.installation import Data, Failure, opened, say, settings_for
from workers.vault import CannotOpen, Keyring, LiveVault

keys = typer.Typer(help="The workers' keys.", no_args_is_help=True)
SETTLE = 3.0
"""Seconds in which whoever sealed with the old key has committed."""


@keys.callback()
def _group() -> None:
    """A group of one command today; the word stays when there are more."""


@keys.command("rotate")
def rotate(data: Data = None) -> None:
    """Make a new key, seal everything with it again, then drop the old ones. Interrupted, it is simply run again."""
    settings = settings_for(data)
    count = asyncio.run(_rotate(settings))
    say(f"The keys were turned: {count} secrets are sealed with the new one, the old keys are gone.")


async def _rotate(settings: Settings) -> int:
    ring = Keyring(settings.keys)
    if not (settings.keys / "vault.pub").exists():
        raise Failure(f"There are no keys in {settings.keys}. Run first: beatline migrate")
    async with opened(settings) as runtime:
        old = ring.load().key_ids
        current = ring.rotate()
        assembly.publish_key(settings)
        count = await reseal_everything(runtime, LiveVault(ring), current)
        await asyncio.sleep(SETTLE)
        count += await reseal_everything(runtime, LiveVault(ring), current)
        for key_id in old - {current}:
            ring.retire(key_id)
    return count


async def reseal_everything(runtime: Runtime, vault: LiveVault, current: str) -> int:
    """In small steps, so that nothing that runs has to wait; a box replaced meanwhile is left alone."""
    count = 0
    while True:
        async with runtime.unit_of_work() as session:
            boxes = await secrets.under_other_keys(session, current)
            for box in boxes:
                try:
                    await secrets.reseal(session, box, vault.reseal(box.key_id, box.box))
                except CannotOpen as error:
                    raise Failure(
                        f"A secret cannot be opened, so the old keys stay: {error} Put that key back, then run this again."
                    ) from error
        if not boxes:
            return count
        count += len(boxes)
