"""Which issues an answer seems to name. Plain word patterns, so that anybody can see why; a person always confirms."""

import re

from api.models import Issue

MOST = 3
PATTERNS: dict[Issue, str] = {
    Issue.ASB: r"anti[- ]?social|asb|rowdy|yobs?|hooligans?|gangs?|intimidat\w+|fireworks?|hanging (about|around|round)|"
    r"nuisance (kids|youths|neighbours?)|egg(s|ed|ing)|abusive|loiter\w*",
    Issue.SPEEDING: r"speed(s|ing|ers?|ed)?|too fast|racing|racers?|boy racers|rat[- ]run\w*|road safety|crossings?|"
    r"car meets?|phones? (at|behind) the wheel|drink[- ]driv\w+|dangerous driv\w+|(20|30|40) ?mph|fast (cars|traffic)|"
    r"zebra|red lights?|uninsured|overtak\w+|hit[- ]and[- ]run",
    Issue.PARKING: r"park(ed|ing|s)? (on|across|over|outside|by|at|in|near|all|wherever|like)|parking|double[- ]park\w*|"
    r"blocked? (drives?|driveways?|pavements?|in)|blocking|abandoned (cars?|vans?)|resident bays?|pavement park\w*",
    Issue.DRUGS: r"drugs?|dealers?|dealing|weed|cannabis|needles?|syringes?|nitrous|gas canisters?|nos canisters?|"
    r"spice|cuckoo\w*|county lines|junkies?|smackheads?|heroin|crack",
    Issue.BURGLARY: r"burgl\w+|break[- ]?ins?|broken into|broke into|shed (theft|thefts|break\w*)|sheds? (raided|emptied)",
    Issue.VEHICLE_CRIME: r"cars? (nicked|stolen|broken into|taken)|vans? (nicked|stolen|broken into|raided)|"
    r"(stolen|nicked) (cars?|vans?|plates?)|car (crime|theft|thefts|thieves)|catalytic\w*|"
    r"door handles?|number plates?|fuel siphon\w*|keyless|vehicle crime|theft from (cars?|vans?|vehicles?)|tools? (from|out of) vans?",
    Issue.THEFT: r"shoplift\w*|thefts?|thiev\w+|stealing|stolen (bikes?|parcels?|purses?|phones?)|pickpockets?|"
    r"(parcels?|bikes?|purses?) (nicked|stolen|taken|going|gone)|bike theft|nicking",
    Issue.VIOLENCE: r"kni(fe|ves)|stabb?\w*|violen\w+|machetes?|fights?|fighting|assault\w*|mugg\w+|robber(y|ies)|robbed|"
    r"beaten up|punch\w*|blades?",
    Issue.DOMESTIC_ABUSE: r"domestic\w*|abusive (ex|partner|husband|boyfriend)|coerci\w+|his missus|elder abuse|forced marriage",
    Issue.VAWG: r"harass\w+|catcall\w*|cat[- ]call\w*|flash(ed|er|ers|ing)|spik(ed|ing)|women|girls?|followed home|"
    r"unsafe walking|walking home|wolf[- ]whistl\w*|creep(s|y)?|grop\w+",
    Issue.HATE_CRIME: r"hate crimes?|racis[mt]\w*|homophob\w*|transphob\w*|islamophob\w*|antisemit\w*|slurs?|swastikas?|"
    r"(because of|for) (my|her|his|our|their) (race|faith|religion|disability|skin|accent|headscarf|hijab)",
    Issue.FRAUD: r"scam\w*|fraud\w*|con(ned|[- ]?men|[- ]?man)|rogue traders?|doorstep (sellers?|traders?)|courier fraud|phishing",
    Issue.RURAL: r"hare cours\w*|cours(ing|ers)|poach\w*|wildlife|farm (thefts?|machinery|gates?)|tractors?|quads? (nicked|stolen)|"
    r"rural crime|sheep|livestock|badgers?|4x4s? (across|over)|diesel (thefts?|tank)",
    Issue.FLY_TIPPING: r"fly[- ]?tip\w*|dump(ed|ing)|litter\w*|rubbish|mattress\w*|rats?|polluti\w+|bonfires?|burning (waste|plastic)",
    Issue.E_SCOOTERS: r"e[- ]?scooters?|scooters?|e[- ]?bikes?|mopeds?|quad ?bikes?|quads|off[- ]?road(ers?| bikes?)?|"
    r"(motor|dirt|nuisance|electric) ?bikes?|bikes? on (the )?(pavements?|paths?)|cycl(ing|ists?) on (the )?(pavements?|paths?)",
    Issue.DRINK: r"drunks?|drunken|street drink\w*|drinkers?|drinking|alcohol\w*|booze\w*|pub turning[- ]out|closing time|cans? in the park",
    Issue.BEGGING: r"begg(ing|ars?)|homeless\w*|rough sleep\w*|sleeping (rough|in doorways?)|tents?|doorways?",
    Issue.YOUTH: r"youth (clubs?|centres?|workers?|provision|services?)|(nothing|something|somewhere|things?|activities) (for|to do for) "
    r"(the )?(kids|young|teens?|teenagers|youngsters|youth)|skate ?park|nothing to do",
    Issue.PATROLS: r"patrol\w*|bobb(y|ies)|on the beat|never see (a |any |the )?(police|pc?so|officer|bobby|copper)\w*|"
    r"police presence|more (police|officers|pcsos?|coppers|bobbies)|visible|see (a|more) (police|officers?|pcsos?|copper)\w*",
    Issue.CYBER: r"hack\w*|troll\w*|online (abuse|bullying|safety|grooming)|cyber\w*|sextortion|snapchat|deepfakes?|"
    r"accounts? (hacked|stolen|taken over)|kids online|nudes?",
    Issue.BUSINESS: r"business (crime|crimes)|staff (threatened|abused|attacked|scared)|shop ?workers?|shop staff|drive[- ]offs?|"
    r"till (raids?|snatch)|traders?|(building )?sites? raided",
    Issue.SLAVERY: r"slaver\w*|traffick\w*|exploit\w*|groom(ed|ing|ers?)|forced (work|labour)|unpaid work|cuckoo\w*",
    Issue.DOGS: r"dogs?|dog (mess|poo|fouling)|off (the )?leads?|bully xl|xl bull\w*",
    Issue.NOISE: r"nois(e|y)|loud (music|parties|exhausts?|bangs?)|music (all night|till|until|at)|barking|alarms?|"
    r"party|parties|can'?t sleep|bass|racket|din",
    Issue.GRAFFITI: r"graffiti|vandal\w*|tagging|spray[- ]?paint\w*|smash(ed|ing)|criminal damage|arson|fires? (set|started)|"
    r"keyed|bus shelters?|windows? (broken|smashed)",
    Issue.OTHER: r"street ?lights?|street ?lighting|lighting|pot ?holes?|vap(e|es|ing)|cctv|101|drones?|hedges?|mental health",
}  # fmt: skip
_FOUND = {issue: re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE) for issue, pattern in PATTERNS.items()}
_DENIED = re.compile(
    r"\b(?:no|not|isn'?t|aren'?t|never|without|don'?t (?:mind|care about|have)|"
    r"not bothered (?:by|about)|nothing (?:wrong )?(?:with|about)|forget|fine with)\s+(?:\w+\s+){0,2}\Z",
    re.IGNORECASE,
)
"""Words just before a hit that say the opposite: no speeding here."""


def suggest(text: str) -> tuple[Issue, ...]:
    """Up to three issues in the order in which they are first named; nothing where nothing was recognised."""
    first = {issue: at for issue, pattern in _FOUND.items() if (at := _first(pattern, text)) is not None}
    return tuple(sorted(first, key=lambda issue: first[issue])[:MOST])


def words_for(issue: Issue, text: str) -> tuple[str, ...]:
    """The words that made us think of an issue."""
    return tuple(hit[0] for hit in _FOUND[issue].finditer(text) if not _denied(text, hit))


def _first(pattern: re.Pattern[str], text: str) -> int | None:
    return next((hit.start() for hit in pattern.finditer(text) if not _denied(text, hit)), None)


def _denied(text: str, hit: re.Match[str]) -> bool:
    # “never see a bobby” denies nothing: the pattern itself begins with its never.
    return bool(_DENIED.search(text[max(0, hit.start() - 40) : hit.start()]))
