"""What every shape that comes in has in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class Wire(BaseModel):
    """What comes in: unknown members are refused, so that a typing mistake is not a silent default."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    @model_validator(mode="before")
    @classmethod
    def _text_only(cls, sent: Any) -> Any:
        """PostgreSQL keeps no NUL in text: refused here, or it would fall there."""
        if isinstance(sent, dict) and any(_has_nul(value) for value in sent.values()):
            raise ValueError("Text cannot hold the character NUL")
        return sent


def _has_nul(value: Any) -> bool:
    if isinstance(value, list):
        return any(_has_nul(each) for each in value)
    return isinstance(value, str) and "\x00" in value
