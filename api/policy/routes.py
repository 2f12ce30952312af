"""The check before publishing over REST."""

from api.deps import (
    DEFAULT_LIMIT,
    CurrentViewer,
    CursorParam,
    IdempotencyKey,
    LimitParam,
    PageOut,
    ReadSession,
    WriteSession,
    api_router,
    needs,
)
from api.policy import queries, service
from api.policy.rulebook import rules
from api.policy.schemas import (
    CheckIn,
    FalseAlarmIn,
    FalseAlarmOut,
    OverrideIn,
    OverrideOut,
    RuleOut,
    SettingsIn,
    SettingsOut,
    VerdictOut,
)
from api.policy.values import Override

router = api_router("/policy", "policy")
WRITERS = ("posts:write", "posts:publish", "inbox:write")


@router.post("/check", summary="What would do harm in a text, and what to write instead", **needs(*WRITERS))
async def check(session: ReadSession, viewer: CurrentViewer, body: CheckIn) -> VerdictOut:
    """Nothing is kept. Rules never replace the person who answers the journalist question."""
    return VerdictOut.of(await service.checked(session, viewer, body.text, body.context()))


@router.get("/rules", summary="The rules, as your force has them", **needs(*WRITERS))
async def list_rules(session: ReadSession, viewer: CurrentViewer) -> PageOut[RuleOut]:
    service.require_writer(viewer)
    decided = await queries.overrides(session, viewer.force_id)
    shown = [RuleOut.of(rule, decided.get(rule.id, Override())) for rule in rules().values()]
    return PageOut[RuleOut](items=shown, next_cursor=None)


@router.post("/rules", summary="Decide about one rule for the whole force", **needs("policy:write"))
async def decide_rule(session: WriteSession, viewer: CurrentViewer, body: OverrideIn) -> OverrideOut:
    """R01, R26 and R48 cannot be softened."""
    decided = body.model_dump(exclude={"rule"})
    return OverrideOut.of(await service.override(session, viewer, body.rule, decided))


@router.get("/settings", summary="What the force has said is its own", **needs("policy:write"))
async def show_settings(session: ReadSession, viewer: CurrentViewer) -> SettingsOut:
    return SettingsOut.of(await queries.get_settings(session, viewer))


@router.post("/settings", summary="Say what is the force's own", **needs("policy:write"))
async def change_settings(session: WriteSession, viewer: CurrentViewer, body: SettingsIn) -> SettingsOut:
    return SettingsOut.of(await service.change_settings(session, viewer, body.model_dump()))


@router.post("/false-alarms", status_code=201, summary="Say that a finding is wrong", **needs(*WRITERS))
async def note_false_alarm(
    session: WriteSession, viewer: CurrentViewer, body: FalseAlarmIn, _: IdempotencyKey = None
) -> FalseAlarmOut:
    row = await service.note_false_alarm(session, viewer, body.rule, body.start, body.end, body.words, body.note)
    return FalseAlarmOut.of(row)


@router.get("/false-alarms", summary="Findings that people called wrong, the newest first", **needs("policy:write"))
async def list_false_alarms(
    session: ReadSession, viewer: CurrentViewer, cursor: CursorParam = None, limit: LimitParam = DEFAULT_LIMIT
) -> PageOut[FalseAlarmOut]:
    page = await queries.false_alarms(session, viewer, cursor, limit)
    return PageOut.of(page, [FalseAlarmOut.of(row) for row in page.items])
