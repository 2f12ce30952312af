"""JSON lines with a request id. Message texts, query strings and parameters never reach them."""

import logging
import sys
from contextvars import ContextVar

import structlog
from structlog.typing import EventDict, WrappedLogger

_request_id: ContextVar[str] = ContextVar("request_id", default="")


def request_id() -> str:
    return _request_id.get()


def set_request_id(value: str) -> None:
    _request_id.set(value)


def _add_request_id(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    if request_id():
        event["request_id"] = request_id()
    return event


def set_up(level: str, *, as_json: bool) -> None:
    """Everything goes to standard error; libraries speak from WARNING up."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            _add_request_id,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _only_the_kind_of_error,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(name)s %(levelname)s %(message)s", force=True
    )


def _only_the_kind_of_error(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """An exception's text may hold what somebody wrote: keep its type and where it was raised."""
    error = event.pop("exc_info", None)
    error = sys.exc_info()[1] if error is True else error
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["where"] = _frames(error)
    return event


def _frames(error: BaseException) -> list[str]:
    trace, frames = error.__traceback__, []
    while trace:
        code = trace.tb_frame.f_code
        frames.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return frames[-8:]


# Safe before anybody has set it up: structlog's own default prints the variables of every frame.
set_up("INFO", as_json=True)
log = structlog.get_logger()
