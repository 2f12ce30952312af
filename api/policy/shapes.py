"""What has a shape rather than a spelling: ages, plates, telephone numbers, postcodes, addresses, dates of birth."""

import re

from api.policy.patterns import Reading

MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*"
SPELLED = r"(?:oh|o|nought|zero|one|two|three|four|five|six|seven|eight|nine|double|treble|triple|hundred|\d+)"
ROAD = r"(?:street|st|road|rd|lane|ln|avenue|ave|close|drive|court|crescent|terrace|row|way|hill|rise|gardens|grove|place|square|mews|walk|view|bank|parade|green|park|house|heol|stryd|ffordd|lôn|flats?)"
STREETS = r"(?:Street|St|Road|Rd|Lane|Ln|Avenue|Ave|Close|Drive|Court|Crescent|Terrace|Row|Way|Hill|Rise|Gardens|Grove|Place|Square|Mews|Walk|View|Bank|Parade|Green|Yard|House|Park)"
SHAPES: dict[str, re.Pattern[str]] = {
    "age": re.compile(r"\b(?:aged? (?:of )?|of )?\d{1,2}[- ]?(?:yo|yrs?|year)s?(?:[- ]olds?)?\b|\b(?:man|woman|boy|girl|male|female|driver|youth|lad|M|F|him|her),? (?:of )?\d{2}\b|\baged \d{1,2}\b|(?<=, )\d{1,2}(?=[,.;)]| from|$)|\bin (?:his|her|their) (?:late |early |mid[- ]?)?(?:teens|twenties|thirties|forties|fifties|sixties|seventies|eighties|\d0s)\b", re.I),
    "child_age": re.compile(r"\b(?:[1-9]|1[0-7])[- ]?(?:yo|yrs?|year)s?(?:[- ]olds?)?\b|\baged (?:[1-9]|1[0-7])\b|\b(?:boy|girl|lad|him|her|youth|teenager|pupil|teen) (?:of )?(?:[1-9]|1[0-7])\b|(?<=, )(?:[1-9]|1[0-7])(?=[,.;)]| from)|(?<=(?:is|re) )(?:[1-9]|1[0-7])(?=[,.; ])(?!\s?(?:am|pm|miles|o'clock|%|per|hours?|minutes?|days?|weeks?))|\b(?:seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen)[- ]year[- ]olds?\b|(?<=(?:is|ed) )(?:seven|eight|nine|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen)\b|\((?:[1-9]|1[0-7])\)", re.I),
    "plate": re.compile(r"\b[A-HJ-PR-Y][A-HJ-Y]\d{2} ?[A-HJ-PR-Z]{3}\b|\b[A-HJ-NPR-TV-Y]\d{1,3} ?[A-HJ-PR-Z]{3}\b|\b[A-Z]{3} ?\d{1,3}[A-HJ-NPR-TV-Y]\b|\b[A-Z]{2}\d{2} ?[A-Z]{2}[*?_.]"),
    "part_plate": re.compile(r"\b[A-HJ-PR-Y][A-HJ-Y]\d{2}\b(?! ?\d)"),
    "phonetic": re.compile(r"\b(?:(?:alpha|alfa|bravo|charlie|delta|echo|foxtrot|golf|hotel|india|juliet|kilo|lima|mike|november|oscar|papa|quebec|romeo|sierra|tango|uniform|victor|whiskey|x-?ray|yankee|zulu|\d|one|two|three|four|five|six|seven|eight|nine|zero)[ ,]+){4,}\w+", re.I),
    "phone": re.compile(r"(?<![\d/])(?:\+44 ?\(?0?\)?|0)\d(?:[ -]?\d){7,10}(?!\d)"),
    "spelled_phone": re.compile(rf"\b(?:oh|zero|nought|o) (?:{SPELLED}[ ,]+){{4,}}{SPELLED}\b", re.I),
    "mail": re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b|\b[\w.+-]+ at [\w-]+ dot \w+"),
    "postcode": re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b"),
    "birth": re.compile(rf"\b(?:dob|d\.o\.b\.?|date of birth|born(?: on)?)\b[^.]{{0,12}}\d|\b\d{{1,2}}[./-]\d{{1,2}}[./-](?:19\d\d|200\d|201\d|[4-9]\d|0\d|1\d)\b|\bborn (?:on )?(?:the )?\d{{1,2}}(?:st|nd|rd|th)? {MONTH}", re.I),
    "house": re.compile(rf"\b(?i:no\.? ?|number |flat |apartment |apt )?\d{{1,4}}[a-d]?,? (?:[A-Z][\w'’]+ ){{1,3}}{STREETS}\b|\b\d{{1,3}}[a-d]? (?i:heol|stryd|ffordd|lôn)\b|\b(?i:flat|apartment|bungalow|caravan|pitch|lodge|chalet) \d{{1,3}}\b|\b(?i:at|of|from|to|live at|lives at) (?i:no\.? ?|number )\d{{1,3}}\b(?! bus)|\b(?i:no|number) (?i:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\d{{1,3}}) (?=(?i:who|rang|has|had|told|on|in) )|^\d{{1,3}} [A-Z]\w+ {STREETS}\b", re.M),
    "named_house": re.compile(r"\b(?:[A-Z][\w'’]+ (?:Cottage|Lodge|House|Villa|Barn|Grange|Bungalow|Farmhouse|Manor)|The (?:Gables|Laurels|Firs|Willows|Elms|Cedars|Hollies|Orchard|Old (?:Rectory|Vicarage|Forge|Post Office|School|Bakery|Dairy)|[A-Z][a-z]+s)), (?:[A-Z]\w+ ?){1,3}"),
    "handle": re.compile(r"(?<![\w.])@[A-Za-z_][\w.]{2,}"),
    "number": re.compile(r"(?<![\w/])\d[\d,.]*%?"),
    "percent": re.compile(r"\b\d[\d.,]*\s?(?:%|per ?cent)"),
    "money": re.compile(r"[£€$]\s?\d[\d,.]*(?:k|m)?\b|\b\d[\d,.]*\s?(?:quid|pounds)\b"),
    "clock": re.compile(r"\b\d{1,2}(?:[.:]\d{2})?\s?(?:am|pm)\b|\b\d{1,2}[:.]\d{2}\b(?!\s?(?:%|miles))|\b[012]\d[0-5]\d(?:hrs| ?hours)?\b|\bnoon\b|\bmidnight\b|\b(?:half|quarter) (?:past|to) \w+|\b(?:half|about|around|at|by|from|after|before|between) (?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)(?:ish)?\b|\bo'clock\b", re.I),
    "day": re.compile(rf"\b(?:mon|tues?|wed(?:nes)?|thur?s?|fri|sat(?:ur)?|sun)(?:day)?s?\b|\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {MONTH}\b|\b{MONTH} \d{{1,2}}(?:st|nd|rd|th)?\b|\b\d{{1,2}}[/.-]\d{{1,2}}(?:[/.-]\d{{2,4}})?\b|\byesterday\b|\btoday\b|\btonight\b|\bthis (?:morning|afternoon|evening|week)\b|\blast (?:night|week|weekend|month)\b|\bovernight\b|\bthe \d{{1,2}}(?:st|nd|rd|th)\b|\b\d{{1,2}}(?:af|ail|ydd|fed|eg) |\bnos (?:lun|fawrth|fercher|iau|wener|sadwrn|sul)\b|\b\d{{1,2}} (?:Ionawr|Chwefror|Mawrth|Ebrill|Mai|Mehefin|Gorffennaf|Awst|Medi|Hydref|Tachwedd|Rhagfyr)\b", re.I),
    "period": re.compile(rf"\b(?:since|between|from) (?:{MONTH}|(?:19|20)\d\d)|\b{MONTH}(?: \d{{4}})? (?:to|and|-|–|until) {MONTH}|\byear (?:ending|to)|\b(?:compared (?:with|to)|against|v|vs|versus|than) (?:the )?(?:same|last|previous)|\b(?:last|this|past) (?:year|month|quarter|week)|\b(?:19|20)\d\d\b|\b(?:in|during) {MONTH}\b|\b\d+ {MONTH} to \d+ {MONTH}|\bsince (?:{MONTH}|last)", re.I),
    "old_year": re.compile(r"\b1[0-9]\d\d\b(?!\s?(?:hrs|metres|litres|of|people))|\b1[0-9]th century|\b\d+ years ago", re.I),
    "crime_ref": re.compile(r"\b\d{2}/\d{3,6}\b|\b[A-Z]{2,3}/\d{2}/\d{2,6}\b|\b(?:ref|reference|cyfeirnod)\.? ?:?\s?\w*\d+", re.I),
    "link": re.compile(r"https?://\S+|\bwww\.\S+|\b[\w-]+(?:\.[\w-]+)*\.(?:ly|com|org|net|co|uk|gl|info|io|me|app|gd|cc|to|tv|site|shop|xyz)(?:/\S*)?\b(?!@)", re.I),
    "street": re.compile(r"\b(?:[A-Z][\w'’]+ ){1,3}(?:Street|St|Road|Rd|Lane|Ln|Avenue|Ave|Close|Drive|Court|Crescent|Terrace|Row|Way|Hill|Rise|Gardens|Grove|Place|Square|Mews|Walk|View|Bank|Parade|Green|Park|Flats|Estate|Fields?|Bridge|Viaduct|Wharf|Quay|Precinct|Point|Heights|Tower|House)\b"),
    "keypad": re.compile(r"\b[CX]\d{3,4}[A-Z]?\b|\b\d{3,4}[XYZ]\b"),
    "initial_name": re.compile(r"\b[A-Z]\. ?[A-Z][a-z]{3,}\b|\b[A-Z][a-z]{2,} [A-Z]\b(?=[.,!?]|$)"),
    "doing": re.compile(r"\b(?!(?:even|morn|build|someth|anyth|noth|everyth|meet|park|br|th|k|s|r|w|dur|ceil|wedd|warn|train|swimm|fly-tipp|tipp|litter|park)ing\b)\w{3,}ing\b", re.I),
    "log_number": re.compile(r"\b(?:log|cad|incident|inc|storm|occurrence|cofnod)(?: \w+)? ?(?:no\.? ?|number ?|#)?\d{2,5}\b(?!/)", re.I),
}  # fmt: skip


def note_shapes(reading: Reading, text: str) -> None:
    starts = {word.start: number for number, word in enumerate(reading.words)}
    ends = {word.end: number + 1 for number, word in enumerate(reading.words)}
    for name, shape in SHAPES.items():
        for match in shape.finditer(text):
            start = _nearest(starts, match.start(), 1, len(text))
            end = _nearest(ends, match.end(), -1, len(text))
            if start is not None and end is not None and end > start:
                reading.note(name, start, end)


def _nearest(places: dict[int, int], at: int, step: int, length: int) -> int | None:
    for _ in range(6):
        if at in places:
            return places[at]
        at += step
    return None
