"""What makes the town live: plans with their times, kept in the store, and a loop that carries them out."""

import asyncio
import contextlib
import json
from random import Random
from sqlite3 import Row
from typing import Any

from workers.town import history, phrases, scenario, statuses
from workers.town.people import Account
from workers.town.reactions import Reactions
from workers.town.world import Town

# In this order, again and again, so that five minutes show one of each.
ROUND = ("mention", "thread", "direct", "answer", "thanks", "joke", "report", "urgent")


class Engine:
    def __init__(self, town: Town) -> None:
        self.town = town
        self._reactions = Reactions(town, self.plan)
        town.noticed = self._reactions.notice
        self.begin()

    def begin(self) -> None:
        """Opens the town; a town that was open before goes on where it stood."""
        store = self.town.store
        with store.change():
            if store.fact("begun"):
                return
            history.play(self.town)
            store.remember("begun", str(self.town.now()))
            if self.town.settings.pace == "still":
                return
            if self.town.scenario.kinds:
                self.plan(5, "round", number=0)
            for number, beat in enumerate(self.town.scenario.beats):
                self.plan(beat.minute * 60, "beat", number=number)

    def plan(self, seconds: float, do: str, **more: Any) -> None:
        due = self.town.now() + int(seconds * 1000 / self.town.settings.factor)
        what = json.dumps({"do": do} | more)
        self.town.store.run("INSERT INTO plans (due_ms, what) VALUES (?, ?)", due, what)
        self.town.wake.set()

    async def run(self) -> None:
        """Sleeps until the next plan is due, or somebody makes a new one."""
        while True:
            self.town.wake.clear()
            due = self.town.store.value("SELECT min(due_ms) FROM plans")
            wait = None if due is None else max(0.0, (due - self.town.now()) / 1000)
            if wait is None or wait > 0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.town.wake.wait(), wait)
            self.carry_out_next()
            await asyncio.sleep(0)

    def carry_out_next(self) -> bool:
        """Done and crossed off in one transaction: a restart neither loses nor repeats it."""
        store = self.town.store
        row = store.one("SELECT * FROM plans WHERE due_ms <= ? ORDER BY due_ms, id LIMIT 1", self.town.now())
        if row is None or self.town.settings.pace == "still":
            return False
        with store.change():
            store.run("DELETE FROM plans WHERE id = ?", row["id"])
            self._carry_out(json.loads(row["what"]), Random(f"{self.town.settings.seed}/{row['id']}"))  # noqa: S311
        return True

    def _carry_out(self, plan: dict[str, Any], chance: Random) -> None:
        match plan.pop("do"):
            case "round":
                self._round(chance, **plan)
            case "beat":
                self._beat(**plan)
            case "say":
                self.say(**plan)
            case "edit":
                self._edit(**plan)
            case "delete":
                if (row := statuses.get(self.town, plan["status_id"])) is not None:
                    statuses.delete(self.town, row)
            case _ as reaction:
                self._reactions.carry_out(reaction, chance, **plan)

    def say(
        self, who: str, text: str, reply_to: int | None = None, visibility: str = "public", lang: str = "en"
    ) -> int:
        author = self.town.account(who)
        draft = statuses.Draft(author, text, visibility, reply_to, language=lang)
        return statuses.write(self.town, draft)

    def _round(self, chance: Random, number: int) -> None:
        """One more thing happens, and the next is planned."""
        low, high = self.town.settings.gap_seconds
        self.plan(chance.uniform(low, high), "round", number=number + 1)
        kind, turn = ROUND[number % len(ROUND)], number // len(ROUND)
        if kind == "answer":
            self._reactions.answer_question(chance, turn)
            return
        lines = (self.town.scenario.kinds or {})[kind]
        line, text = phrases.choose(self.town, lines, turn, chance)
        who = self._speaker(line.who, again=turn >= len(lines), chance=chance)
        visibility = "direct" if kind == "direct" else "public"
        status_id = self.say(who, f"@{line.account} {text}", visibility=visibility, lang=line.lang)
        if line.reply:
            other = line.reply_who if line.reply_who != who else line.who
            answer = self._echo(line.reply, chance)
            self.plan(
                chance.uniform(6, 12),
                "say",
                who=other,
                text=f"@{who} @{line.account} {answer}",
                reply_to=status_id,
            )
        if line.edit and text == line.text:
            self.plan(15, "edit", status_id=status_id, text=f"@{line.account} {line.edit}")
        if line.delete:
            self.plan(25, "delete", status_id=status_id)

    def _echo(self, reply: str, chance: Random) -> str:
        """What the other resident has to say, or the like of it when that was said within the hour."""
        if phrases.is_fresh(self.town, reply):
            return phrases.take(self.town, reply)
        lines = (self.town.scenario.kinds or {})["echo"]
        return phrases.choose(self.town, lines, chance.randrange(len(lines)), chance)[1]

    def _speaker(self, who: str, *, again: bool, chance: Random) -> str:
        """The second time round, somebody else who talks like that."""
        first = self.town.account(who)
        alike = [one.acct for one in self._residents() if one.voice == first.voice and one != first]
        return chance.choice(alike) if again and alike else who

    def _residents(self) -> list[Account]:
        return [one for one in self.town.people.by_id.values() if one.kind == "resident"]

    def _edit(self, status_id: int, text: str) -> None:
        row: Row | None = statuses.get(self.town, status_id)
        if row is not None:
            statuses.edit(self.town, row, text, row["spoiler"], bool(row["sensitive"]))

    def _beat(self, number: int) -> None:
        beat: scenario.Beat = self.town.scenario.beats[number]
        reply_to = None
        if beat.kind == "reply":
            newest = (
                "SELECT max(id) FROM statuses "
                "WHERE account_id = ? AND deleted_ms IS NULL AND visibility = 'public'"
            )
            reply_to = self.town.store.value(newest, self.town.account(beat.to or beat.account).id)
        names = (
            []
            if beat.kind == "post"
            else [f"@{name}" for name in dict.fromkeys([beat.to, beat.account]) if name]
        )
        text = " ".join([*names, beat.text])
        self.say(beat.who, text, reply_to, "direct" if beat.kind == "direct" else "public")
