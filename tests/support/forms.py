"""What a person would send with every form of the pages, and which addresses carry more than their path.

A new door that takes a form stands here, or the walk over the pages fails. The order is that of a working day: what
ends a thing comes after what needs it. `{account_id}` stands for one of the things in `tests/support/belongings.py`.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from api.core.clock import now
from tests.support.belongings import Belongings
from web.words import for_input

Form = Mapping[str, str | list[str]]
POST_WORDS: Form = {"team_id": "{team_id}", "account_ids": ["{account_id}"], "text": "Bike marking on Saturday."}
LATER: Form = {"when": "on", "publish_at": "{in two days}"}

FORMS: dict[str, tuple[Form, ...]] = {
    "/inbox/{conversation_id}": (
        {"text": "We will look on Thursday."},
        {"text": "Seen it myself.", "kind": "note"},
        {"text": "Done, thank you.", "then": "close"},
    ),
    "/inbox/deleted/{message_id}": ({"reason": "Asked for by the court."},),
    "/inbox/{conversation_id}/assign": ({"person_id": "{person_id}"}, {"person_id": ""}),
    "/inbox/{conversation_id}/close": ({},),
    "/inbox/{conversation_id}/reopen": ({},),
    "/write/fill": ({"standard": "bike-marking"},),
    "/write/check": (POST_WORDS,),
    "/write/policy": (POST_WORDS,),
    "/write/policy/false-alarm": ({**POST_WORDS, "text": "Ring my mobile.", "alarm": "R35-0-14"},),
    "/write/pictures": (
        {**POST_WORDS, "media_ids": ["{media_id}"]},
        {**POST_WORDS, "media_ids": ["{media_id}"], "picture": "out:{media_id}"},
    ),
    "/write": (
        {**POST_WORDS, "as_thread": "yes", "content_warning": "Injuries", "visibility": "unlisted", "language": "cy"},
        {**POST_WORDS, "answer": "unsure"},
        {**POST_WORDS, **LATER, "answer": "yes"},
    ),
    "/write/{post_id}": (
        {**POST_WORDS, "media_ids": ["{media_id}"], "version": "1", "answer": "look"},
        {**POST_WORDS, "version": "1", "answer": "unsure"},
    ),
    "/deliveries/{delivery_id}/sighting": ({"url": "https://town.example/@north/1000"},),
    "/deliveries/{delivery_id}/retry": ({"looked": "yes"},),
    "/share/{post_id}": (
        {"team_id": "{team_id}", "account_ids": ["{account_id}"], "text": "Here too, on Saturday.", "how": "link"},
        {"team_id": "{team_id}", "account_ids": ["{account_id}"], "how": "repost-proposed"},
    ),
    "/posts/{post_id}/share-now": ({},),
    "/posts/{post_id}/words": ({"text": "Bike marking on Sunday."},),
    "/messages/{message_id}/like": ({},),
    "/messages/{message_id}/unlike": ({},),
    "/messages/{message_id}/words": ({"text": "We will look on Friday."},),
    "/messages/{message_id}/withdraw": ({"reason": "It was the wrong day"},),
    "/posts/{post_id}/move": ({"publish_at": "{in two days}"},),
    "/posts/{post_id}/cancel": ({}, {"back": "calendar"}),
    "/posts/{post_id}/withdraw": ({"reason": "It was the wrong day"},),
    "/priorities/ask": (
        {**POST_WORDS, **LATER, "neighbourhood_id": "{neighbourhood_id}", "answer": "yes"},
        {"neighbourhood_id": "{neighbourhood_id}", "text": "What matters?", "answer": "offline"},
    ),
    "/answers/{answer_id}": ({"issues": ["parking"], "do": "count"}, {"do": "aside"}),
    "/questions/{question_id}/tally": (
        {"place": "Northgate Hall", "held_on": "2026-11-23", "heads": "9", "count-parking": "3"},
        {"place": "Northgate Hall", "heads": "9", "more": "parking"},
    ),
    "/questions/{question_id}/record": ({"source": "doorstep", "issues": ["parking"], "text": "The bins, too."},),
    "/questions/{question_id}/record/{answer_id}/take-back": ({"source": "doorstep"},),
    "/questions/{question_id}/decision": ({"issue": "fly-tipping-and-environment", "reason": "Named most often."},),
    "/questions/{question_id}/close": ({},),
    "/priorities/{priority_id}/updates": ({"text": "Two patrols."}, {"text": "A third.", "then": "draft"}),
    "/priorities/{priority_id}/draft": ({},),
    "/priorities/{priority_id}/end": ({"came": "The lane is quiet."},),
    "/accounts/connect": ({"team": "{team_id}", "instance": "https://town.example"},),
    "/accounts/connect/app-password": (
        {"team": "{team_id}", "handle": "sandford.example", "app_password": "abcd-efgh-ijkl-mnop"},
        {"team": "{team_id}", "handle": "s.example", "app_password": "abcd-efgh-ijkl-mnop", "server": "s.example"},
    ),
    "/accounts/{account_id}/register": (
        {"owner_id": "{person_id}", "people": ["{person_id}"], "recovery_address": "a@b.example", "version": "1"},
    ),
    "/accounts/{account_id}/disconnect": ({},),
    "/people/new": ({"name": "PC New", "email": "new@sandfordvale.example", "role": "team_member", "team": "{team_id}"},),
    "/people/{person_id}": ({"name": "PCSO Alice Marsh", "email": "moved@sandfordvale.example", "version": "1"},),
    "/people/{person_id}/roles": ({"role": "supervisor", "team": "{team_id}"},),
    "/people/{person_id}/link": ({},),
    "/people/{person_id}/second-step": ({},),
    "/people/{person_id}/roles/{membership_id}/take": ({},),
    "/people/{person_id}/active": ({"active": "no"}, {"active": "yes"}),
    "/teams/new": ({"name": "Sandford South"},),
    "/teams/{team_id}/neighbourhoods": ({"name": "The Quays", "police_uk_id": "Q9", "about": "By the water."},),
    "/teams/{team_id}/neighbourhoods/{neighbourhood_id}": ({"name": "Mill Lane", "about": "As before."},),
    "/alerts/webhooks": ({"url": "https://alarm.example/beatline"},),
    "/alerts/webhooks/{webhook_id}/test": ({},),
    "/alerts/webhooks/{webhook_id}/move": ({"url": "https://alarm.example/other"},),
    "/alerts/webhooks/{webhook_id}/end": ({},),
    "/alerts/{alert_id}/seen": ({},),
    "/me/mails": ({"kinds": ["missed"]},),
    "/me/keys": ({"name": "Till", "scopes": ["posts:read"], "expires_on": "{the day after}"},),
    "/me/keys/{token_id}/end": ({},),
    "/me/sign-ins/{sign_in_id}/end": ({},),
    "/me/second-step": ({},),
    "/me/second-step/confirm": ({"code": "000000"},),
    "/sign-out": ({},),
    "/sign-in": ({"email": "nobody@sandfordvale.example", "password": "not theirs"},),
    "/sign-in/code": ({"code": "000000"},),
    "/set-password/{link}": ({"password": "a long sentence of mine", "again": "a long sentence of mine"},),
}  # fmt: skip
"""Path → the forms to send there."""

ADDRESSES: dict[str, tuple[Form, ...]] = {
    "/inbox": ({}, {"view": "closed"}, {"view": "waiting"}, {"view": "unassigned"}, {"view": "mine"}),
    "/inbox/news": ({"since": "2026-01-01T00:00:00Z"},),
    "/share/{post_id}": ({}, {"team": "{team_id}"}),
    "/write": ({}, {"standard": "bike-marking"}),
    "/write/standard": ({}, {"find": "marking"}),
    "/priorities/ask": ({}, {"neighbourhood": "{neighbourhood_id}"}),
    "/questions/{question_id}": ({}, {"show": "confirmed"}, {"aside": "{answer_id}"}),
    "/questions/{question_id}/record": ({}, {"after": "{answer_id}"}),
    "/accounts/connect": ({}, {"account": "{account_id}"}),
    "/oauth/{platform}/callback": ({"state": "made up", "code": "made up"}, {"state": "made up"}),
    "/on-time": ({}, {"account": "{account_id}"}),
    "/on-time/days.csv": ({}, {"account": "{account_id}"}),
    "/people": ({}, {"team": "{team_id}"}),
}
"""Path → what its address may carry besides; only those that differ from nothing at all."""

SPOKEN = {"link": "made-up", "platform": "mastodon"}
"""What in a path is a word and no id."""


def filled(form: Form, things: Belongings, used: set[UUID]) -> dict[str, Any]:
    """The form about these things; `used` learns which."""

    def one(value: str) -> str:
        if value == "{in two days}":
            return for_input(now() + timedelta(days=2))
        if value == "{the day after}":
            return (now() + timedelta(days=3)).date().isoformat()
        if value.startswith("{"):
            found = things.ids[value.strip("{}")][0]
            used.add(found)
            return str(found)
        return value

    return {
        name: [one(each) for each in value] if isinstance(value, list) else one(value) for name, value in form.items()
    }
