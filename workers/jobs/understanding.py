"""What polled things are about, as far as the poller must know: whether they are news, whether they concern us."""

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from api.intake.service import Kept
from api.platforms.values import Address, Incoming, RawItem, Visibility
from workers.platforms import Connector


@dataclass(frozen=True, slots=True)
class Understood:
    """`incoming` is None for what the connector cannot read: it is kept all the same."""

    item: RawItem
    incoming: Incoming | None

    @property
    def fingerprint(self) -> str:
        """Of what a person would notice. Counters and avatars change without being news."""
        said = self.incoming
        parts = (
            [said.text, said.visibility, said.edited_at and said.edited_at.isoformat(), said.in_reply_to]
            + [[one.kind, one.url, one.alt] for one in said.attachments]
            if said
            else [self.item.payload]
        )
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()

    def kept(self, root: str | None = None) -> Kept:
        return Kept(self.item, self.fingerprint, root)


def understand(connector: Connector, address: Address, items: Iterable[RawItem]) -> list[Understood]:
    return [Understood(item, _read(connector, address, item)) for item in items]


def _read(connector: Connector, address: Address, item: RawItem) -> Incoming | None:
    try:
        return connector.read(address, item)
    except Exception:  # a payload nobody expected: it is kept, and the reader says what is wrong with it
        return None


def root_in(remote_id: str, around: Sequence[Understood]) -> str | None:
    """Where the thread of a message begins, as far as its surroundings show."""
    parents = {one.item.remote_id: one.incoming.in_reply_to for one in around if one.incoming}
    passed = {remote_id}
    while (parent := parents.get(remote_id)) is not None and parent not in passed:
        passed.add(parent)
        remote_id = parent
    return remote_id if len(passed) > 1 else None


def concerning(
    address: Address, around: Sequence[Understood], known: Collection[str] = (), *, under_ours: bool = False
) -> list[Understood]:
    """What is ours, names us, is private to us, answers us, or stands under a post of ours. Nobody else's talk."""
    ours = {one.item.remote_id for one in around if one.incoming and one.incoming.ours} | set(known)
    return [one for one in around if one.incoming and (under_ours or _concerns(address, one.incoming, around, ours))]


def _concerns(address: Address, said: Incoming, around: Sequence[Understood], ours: Collection[str]) -> bool:
    names = {handle.lower() for handle in said.mentions}
    return (
        said.ours
        or said.remote_id in ours
        or said.visibility is Visibility.DIRECT
        or address.handle.lower() in names
        or said.in_reply_to in ours
        or root_in(said.remote_id, around) in ours
    )
