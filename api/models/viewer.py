"""Who is asking: a frozen value, made once per request."""

from dataclasses import dataclass
from uuid import UUID

from api.models.people import Role

WHOLE_FORCE = frozenset({Role.SUPERVISOR, Role.COMMS, Role.CONTACT_DESK, Role.RECORDS, Role.ADMIN})


@dataclass(frozen=True, slots=True)
class Viewer:
    """`roles` holds (role, team or None for the whole force). `scopes` is None for a person in a browser."""

    person_id: UUID
    force_id: UUID
    name: str
    roles: frozenset[tuple[Role, UUID | None]]
    scopes: frozenset[str] | None = None
    token_id: UUID | None = None
    sign_in_id: UUID | None = None
    second_factor: bool = False
    """They have proven it in this sign-in (a token's person: when it was made)."""

    def roles_in(self, team_id: UUID | None) -> frozenset[Role]:
        """What they are in a team, counting what they are in the whole force."""
        return frozenset(role for role, team in self.roles if team is None or team == team_id)

    @property
    def whole_force(self) -> bool:
        return any(team is None and role in WHOLE_FORCE for role, team in self.roles)

    @property
    def team_ids(self) -> frozenset[UUID]:
        return frozenset(team for _, team in self.roles if team is not None)
