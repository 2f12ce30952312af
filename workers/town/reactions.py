"""How residents answer what a team writes."""

import re
from collections.abc import Callable
from random import Random
from sqlite3 import Row
from typing import Any

from workers.town import phrases, scenario, statuses
from workers.town.people import Account
from workers.town.world import Town

ASKS = re.compile(
    r"work on\?|name up to three|\bpriorit\w+\b[^.!]*\?|\?[^.!]*\bpriorit|tell us what (matters|to work on)"
    r"|what matters( most)? to you|what should (we|your)",
    re.IGNORECASE,
)
MOST_PLANS = 60  # a flood of posts gets no flood of answers


class Reactions:
    def __init__(self, town: Town, plan: Callable[..., None]) -> None:
        self.town, self._plan = town, plan

    def notice(self, status_id: int) -> None:
        """Called for everything written through the API, within its transaction."""
        status = statuses.get(self.town, status_id)
        if status is None or not self.town.people[status["account_id"]].is_force:
            return
        private = status["visibility"] == "direct"
        asks = not private and status["reply_to"] is None and bool(ASKS.search(status["text"]))
        if asks:
            self.town.store.remember("question", str(status_id))
        if self.town.settings.pace == "still":
            return
        if int(self.town.store.value("SELECT count(*) FROM plans")) > MOST_PLANS:
            return
        chance = Random(f"{self.town.settings.seed}/{status_id}")  # noqa: S311
        if asks:
            self._plan_answers(chance, status_id)
        elif status["reply_to"] is None and not private:
            self._plan_echo(chance, status_id)
        else:
            self._plan_reply(chance, status)

    def _plan_answers(self, chance: Random, status_id: int) -> None:
        after = 4.0
        for turn in range(chance.randint(6, 9)):
            after += chance.uniform(5, 25)
            self._plan(after, "answer_question", turn=turn, question=status_id)

    def _plan_echo(self, chance: Random, status_id: int) -> None:
        if chance.random() < 0.6:
            self._plan(chance.uniform(12, 40), "comment", status_id=status_id)
        if chance.random() < 0.7:
            self._plan(chance.uniform(5, 20), "like", status_id=status_id)
        if chance.random() < 0.3:
            self._plan(chance.uniform(10, 30), "boost", status_id=status_id)

    def _plan_reply(self, chance: Random, status: Row) -> None:
        who = self._addressee(status)
        thread = f"answers {status['conversation_id']}"
        given = int(self.town.store.fact(thread) or 0)
        if who is None or given >= self.town.settings.answers_per_thread:
            return
        self.town.store.remember(thread, str(given + 1))
        low, high = self.town.settings.answer_seconds
        self._plan(chance.uniform(low, high), "reply", status_id=status["id"], who=who.acct, given=given)

    def _addressee(self, status: Row) -> Account | None:
        """Whom the team spoke to, if it is somebody who talks back and who can read it."""
        named = self.town.store.all("SELECT account_id FROM mentions WHERE status_id = ?", status["id"])
        people = [self.town.people[row[0]] for row in named]
        answered = status["reply_to_account"]
        if answered and status["visibility"] != "direct":
            people.insert(0, self.town.people[answered])
        return next((one for one in people if not one.is_force and one.voice != "none"), None)

    def carry_out(self, reaction: str, chance: Random, **plan: Any) -> None:
        if reaction == "answer_question":
            self.answer_question(chance, **plan)
            return
        status = statuses.get(self.town, plan.pop("status_id"))
        if status is None:  # the team took it down meanwhile
            return
        match reaction:
            case "reply":
                self._reply(chance, status, **plan)
            case "comment":
                self._comment(chance, status)
            case "like":
                statuses.favourite(self.town, status, self._anybody(chance), wanted=True)
            case "boost":
                statuses.boost(self.town, status, self._anybody(chance))

    def _anybody(self, chance: Random) -> Account:
        return chance.choice([one for one in self.town.people.by_id.values() if one.kind == "resident"])

    def _write(self, who: Account, text: str, under: Row, lang: str = "en") -> None:
        team = self.town.people[under["account_id"]]
        draft = statuses.Draft(who, f"@{team.acct} {text}", under["visibility"], under["id"], language=lang)
        statuses.write(self.town, draft)

    def _reply(self, chance: Random, status: Row, who: str, given: int) -> None:
        asked, urgent = "?" in status["text"], "999" in status["text"]
        private = ["private"] if status["visibility"] == "direct" else []
        if given > 0:
            groups = ["closing"]
        elif urgent:
            groups = ["urgent"]
        elif asked:
            groups = ["asked"]
        else:
            groups = [*private, chance.choice(["thanks", "follow"])]
        account = self.town.account(who)
        lang = {"welsh": "cy"}.get(account.voice, "en")
        self._write(account, phrases.voiced(self.town, account.voice, groups, chance), status, lang)
        if given == 0 and chance.random() < 0.3:
            statuses.favourite(self.town, status, account, wanted=True)

    def _comment(self, chance: Random, status: Row) -> None:
        who = self._anybody(chance)
        self._write(who, phrases.voiced(self.town, who.voice, ["post"], chance), status)

    def answer_question(self, chance: Random, turn: int, question: int | None = None) -> None:
        """Somebody says what matters to them, under the newest post of a team that asks."""
        asked = statuses.get(self.town, question or int(self.town.store.fact("question") or 0))
        lines = scenario.answers()
        start = chance.randrange(len(lines)) + turn
        line, text = phrases.choose(self.town, lines, start, chance)
        who = self.town.account(line.who) if line.who else self._anybody(chance)
        if asked is not None:
            self._write(who, text, asked, line.lang)
        else:
            draft = statuses.Draft(
                who, f"@{line.account} You asked what to work on. {text}", language=line.lang
            )
            statuses.write(self.town, draft)
