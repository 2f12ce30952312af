"""The places in the rail, in their order. A page that exists stands here; one that does not has no link."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    key: str
    label: str
    href: str
    icon: str
    on_phone: bool = False
    """It has a button of its own in the phone's bar; the others stand under More."""
    apart: bool = False
    """Below the line, for whoever runs the installation."""
    needs: str = ""
    """The name of what the viewer must be allowed; empty: everybody."""


PLACES: tuple[Place, ...] = ()
