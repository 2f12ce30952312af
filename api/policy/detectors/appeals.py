"""R42: an appeal names what happened, where, on which day, a reference and a way to reach us."""

import re
from collections.abc import Iterator, Mapping, Sequence

from api.policy.read import Read
from api.policy.values import Context, Hit, Kind

_ASKS = re.compile(
    r"\b(?:appeal(?:ing)? (?:for|to)|appeal:|witness(?:es)?\b.{0,30}\b(?:sought|please|come forward|wanted|needed|to)|seeking witnesses|any witnesses|did (?:you|anyone|anybody)\b.{0,25}\b(?:see|hear|notice|spot|film|catch|witness|happen)"
    r"|(?:have|has|had) (?:you|anyone|anybody) (?:seen|heard|noticed|been offered|got)|if you (?:saw|were (?:in|near|there|around|driving|passing|walking|at)|heard|witnessed|have (?:any )?(?:information|footage|dashcam)|know (?:anything|something|who)|recognise|noticed|drove|bought|spotted)"
    r"|were you (?:there|in|near|around|at|driving|passing|walking|on)|(?:do|does) (?:you|anyone|anybody) (?:know|recognise|have|remember)|anyone (?:see|seen|saw|know|with|got|who)|anybody (?:see|seen|saw|know|with)"
    r"|seen (?:it|anything|owt|something|them|this|him|her|that)\??|see (?:owt|anything|something)\?|saw (?:it|anything|something|owt|them)\b|know (?:anything|something|owt)\b|heard (?:anything|owt|something)\b|calling all dashcams|dashcam (?:footage|appeal)|check your (?:dashcam|doorbell|cctv|footage)"
    r"|(?:dashcam|doorbell|cctv|footage|information|info|clips?)\b.{0,40}\b(?:please|wanted|needed|welcome|would help|get in touch|sought)|speak up|come forward|help us (?:trace|identify)|we(?:'d| would) (?:like|love) to (?:hear|speak|talk|see)|want to (?:speak|talk|hear|trace)|keen to (?:speak|trace|hear)|could we have a (?:chat|word)|like a (?:quiet )?word|call (?:us|101) if you (?:saw|were|know|heard)|101 if you (?:saw|were|know|heard|have)"
    r"|what you know\b|keep (?:your|an) eyes? (?:peeled|open|out)|eyes peeled|might (?:well )?have (?:heard|seen)|would the (?:person|driver|owner|rider|lady|gentleman|man|woman)\b.{0,60}\b(?:please|contact|call|tell|get)|please share|share (?:this|far|widely)|(?:on|be on) the look ?out|look out for (?:a|the|him|her|them)|who saw|tell us what you (?:saw|heard|know)|(?:drop|send) us (?:your|any)|apelio am|apêl|oes gan|a welsoch|(?:to )?whoever (?:left|tucked|took|saw|was|has|stopped)|looking for (?:witnesses|the (?:driver|owner|person)|a driver))",
    re.I,
)
_NOT = re.compile(
    r"\b(?:is this yours|is it yours|to claim it|name our|signs of|the sky|aurora|handed in|lost property|found property|drop[- ]in|don't need|aren't after|no appeal|did you know|have your say|thank you for|thanks to|thanks,|guess|stood down|has been found|is safe|herbert|charity appeal|appealing, isn't|fraud|scam|hall|volunteer|recruit|moon|rainbow|northern lights|duvets|kennel|front counter|rehome|event|film|museum)",
    re.I,
)
_INCIDENT = re.compile(
    r"\b(?:report\w*|theft|stolen|stole|nicked|pinched|burgl\w*|robb\w*|assault\w*|attack\w*|damage\w*|vandal\w*|smash\w*|fire|arson|collision|crash\w*|bump|hit|dent\w*|scrape\w*|fail(?:ed|ing) to stop|incident|offence|missing|lead|graffiti|fight\w*|broke\w*|break-?ins?|threat\w*|harass\w*|dump\w*|fly-?tip\w*|shouting|bangs?|dealing|poach\w*|bikes?|vans?|cars?|hatchback|motorbikes?|traffic team|roads team|generator|quad|trailer|tools|plant|difrod|ladrad|adroddiad|dashcams?|footage|witness\w*|appeal\w*|last sighting|last seen|hasn't come home|brother|him|her|man|woman|male|female|f|m|misper|teen|boy|girl|gentleman|lady|injur\w*|parked|note under)\b",
    re.I,
)
_ROUTE = re.compile(
    r"\b(?:101|999|0800 555 111|crimestoppers|police\.uk|https?://|front counter|ffoniwch|0\d{9,10}|via the link|online at|station desk)\b|\b0\d[\d ]{8,}",
    re.I,
)
_MISSING = re.compile(
    r"\b(?:missing|misper|come home|hasn't been seen|not been seen|last seen|walked out|still haven't got|ar goll|look in your)\b",
    re.I,
)


def lacking(read: Read, context: Context, seen: Mapping[str, Sequence[Hit]]) -> Iterator[Hit]:
    """Also what another rule sees as an appeal: for somebody missing, or to the public to tell in the open."""
    text = read.text
    others = [*seen.get("R11", ()), *seen.get("R37", ())] if context.kind is Kind.POST else []
    if others and not (_ROUTE.search(text) and read.has("crime_ref")):
        yield others[0]
        return
    asked = (
        _ASKS.search(text)
        or (
            read.has("crime_ref")
            and _ROUTE.search(text)
            and re.search(r"\b(?:were there|you saw|saw it|info)\b", text, re.I)
        )
        or None
    )
    missing = (
        _MISSING.search(text)
        if not asked and context.kind is Kind.POST and (read.has("missing_words") and read.has("share"))
        else None
    )
    found = asked or missing
    if found is None or _NOT.search(text) or (context.kind is Kind.REPLY and "?" not in text):
        return
    if not (_INCIDENT.search(text) or len(text.split()) < 12 or read.has("crime_ref")):
        return
    if not all(
        (
            _ROUTE.search(text),
            read.has("crime_ref"),
            read.has("day") or read.has("clock"),
            _says_where(read),
            _INCIDENT.search(text),
        )
    ):
        yield Hit(found.start(), found.end())


def _says_where(read: Read) -> bool:
    return read.has("street") or read.has("capital")
