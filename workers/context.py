"""What one worker process holds."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from api.core.runtime import Runtime
from api.platforms.values import Platform
from workers.jobs.patience import Patience
from workers.platforms import Connector
from workers.platforms.http import Carrier
from workers.vault import Vault


class Bells:
    """Loops hang up a bell; who wants them to look now rings it."""

    def __init__(self) -> None:
        self._bells: defaultdict[str, list[asyncio.Event]] = defaultdict(list)

    def hang(self, name: str) -> asyncio.Event:
        bell = asyncio.Event()
        self._bells[name].append(bell)
        return bell

    def ring(self, name: str) -> None:
        for bell in self._bells[name]:
            bell.set()

    def take_down(self, name: str, bell: asyncio.Event) -> None:
        self._bells[name].remove(bell)


@dataclass
class Context:
    runtime: Runtime
    carrier: Carrier
    connectors: Mapping[Platform, Connector]
    vault: Vault
    bells: Bells = field(default_factory=Bells)
    patience: Patience = field(default_factory=Patience)
