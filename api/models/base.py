"""What every table has in common."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Column, Enum, MetaData
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from api.core.clock import now
from api.core.ids import new_id

SQLModel.metadata.naming_convention = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
).naming_convention

Json = JSON().with_variant(JSONB(), "postgresql")
MaybeJson = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def one_of(values: type[StrEnum], default: StrEnum | None = None, **options: Any) -> Any:
    """A column holding an enum's value, readable by eye and extended without a migration of types."""
    kind = Enum(
        values,
        native_enum=False,
        values_callable=lambda e: [m.value for m in e],
        length=48,
        create_constraint=False,
    )
    return Field(default if default is not None else ..., sa_column=Column(kind, nullable=False, **options))


def json_column(factory: Any = dict) -> Any:
    return Field(default_factory=factory, sa_column=Column(Json, nullable=False))


class Row(SQLModel):
    """A row with an identity and a beginning."""

    id: UUID = Field(default_factory=new_id, primary_key=True)
    created_at: datetime = Field(default_factory=now)


class Shared(Row):
    """What two people can change at once: the version is its ETag."""

    version: int = 1
    updated_at: datetime = Field(default_factory=now)

    @property
    def etag(self) -> str:
        return f'"{self.version}"'
