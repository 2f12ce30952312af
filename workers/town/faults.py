"""What goes wrong on purpose: which rules there are, and which of them strike a request."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatchcase
from random import Random
from typing import Any, Generic, Literal, TypeVar, get_args

Kind = Literal[
    "lost_answer",  # processed and committed; the connection closes without a byte
    "reset",  # the connection is reset before anything is processed
    "error_before",  # 5xx, nothing was processed
    "error_after",  # 5xx, although it was committed
    "rate_limited",
    "slow_before",
    "slow_after",  # processed and committed, answered late
    "cut_body",  # processed; half of the promised body
    "html",  # a 200 page where JSON should be; nothing was processed
    "redirect",  # to a private address; nothing was processed
    "token_expired",
    "token_revoked",
]
LimitStyle = Literal["usual", "iso", "epoch", "seconds", "date", "none"]  # usual: as this platform does it
KINDS: tuple[str, ...] = get_args(Kind)
AFTER = frozenset({"lost_answer", "error_after", "slow_after", "cut_body"})


@dataclass(frozen=True)
class Asked:
    """A request, as rules look at it. `who` is asked only if a rule wants to know."""

    method: str
    path: str
    who: Callable[[], str] = lambda: ""
    body: bytes = b""


@dataclass
class Rule:
    kind: Kind
    probability: float = 1.0
    next: int | None = None  # strikes so many times more, then never
    skip: int = 0  # lets so many matching requests pass first
    method: str = "*"
    path: str = "*"  # with * and ?
    account: str = "*"  # only what this account asks
    holding: str = ""  # only requests that have these words in them
    seconds: float = 30.0  # slow: how long. rate_limited: when to come back
    status: int = 503
    style: LimitStyle = "usual"
    location: str = "http://169.254.169.254/latest/meta-data/"

    def strikes(self, asked: Asked, chance: Random) -> bool:
        if self.next == 0 or not self._is_about(asked):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.probability < 1.0 and chance.random() >= self.probability:
            return False
        if self.next is not None:
            self.next -= 1
        return True

    def _is_about(self, asked: Asked) -> bool:
        return (
            self.method in {"*", asked.method}
            and fnmatchcase(asked.path, self.path)
            and self.holding.encode() in asked.body
            and self.account in {"*", asked.who() if self.account != "*" else ""}
        )


S = TypeVar("S")


@dataclass
class Faults(Generic[S]):
    """Rules, and the switches of one kind of server."""

    switches: S
    rules: list[Rule] = field(default_factory=list)
    chance: Random = field(default_factory=lambda: Random(1))  # noqa: S311 - practice, not secrets

    @classmethod
    def parse(cls, wanted: dict[str, Any], seed: int, switches: type[S]) -> "Faults[S]":
        """Refuses a rule that would do nothing because of a slip of the pen."""
        unknown = set(wanted) - {"rules", "switches"}
        rules = [Rule(**rule) for rule in wanted.get("rules", [])]
        wrong: list[str] = [rule.kind for rule in rules if rule.kind not in KINDS]
        wrong += [rule.style for rule in rules if rule.style not in get_args(LimitStyle)]
        if unknown or wrong:
            raise ValueError(f"There is no such fault: {', '.join([*sorted(unknown), *wrong])}.")
        return cls(switches(**wanted.get("switches", {})), rules, Random(seed))  # noqa: S311

    def of_account(self, account: str, rules: "list[Rule]") -> "Faults[S]":
        """With these instead of the account's own; everybody else's go on as they were."""
        others = [rule for rule in self.rules if rule.account != account]
        return type(self)(self.switches, others + [replace(rule, account=account) for rule in rules], self.chance)

    def as_dict(self) -> dict[str, Any]:
        switched: Any = self.switches
        return {"rules": [asdict(rule) for rule in self.rules], "switches": asdict(switched)}

    @property
    def want_words(self) -> bool:
        return any(rule.holding for rule in self.rules)

    def strike(self, asked: Asked) -> Rule | None:
        """The first rule that applies; at most one strikes a request."""
        return next((rule for rule in self.rules if rule.strikes(asked, self.chance)), None)
