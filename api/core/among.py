"""`among(column, ids)`: one parameter however many ids there are, so that the database reads the statement once.

`IN (…)` with a parameter for each id is another statement for each number of them: built, sent and planned anew.
"""

import json
from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Boolean, ColumnElement, SQLColumnExpression, Text, Uuid, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine


class Ids(TypeDecorator[Collection[UUID]]):
    """Many ids as one value: an array on PostgreSQL, JSON on SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(Uuid()) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Collection[UUID] | None, dialect: Dialect) -> Any:
        ids = value or ()
        return list(ids) if dialect.name == "postgresql" else json.dumps([each.hex for each in ids])


class _Among(FunctionElement[bool]):
    name = "among"
    type = Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> "_Among":
        return self  # SQLite has no booleans: as one, it would become "… = 1", and no index would serve it


def among(column: SQLColumnExpression[UUID], ids: Collection[UUID] | BindParameter[Any]) -> ColumnElement[bool]:
    """With a `bindparam(…, type_=Ids())` in place of ids, the statement is made once and kept."""
    given = ids if isinstance(ids, BindParameter) else bindparam(None, ids, type_=Ids(), unique=True)
    return _Among(column, given)


@compiles(_Among, "postgresql")
def _on_postgresql(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, ids = (compiler.process(each, **options) for each in element.clauses)
    return f"{column} = ANY ({ids})"


@compiles(_Among, "sqlite")
def _on_sqlite(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, ids = (compiler.process(each, **options) for each in element.clauses)
    return " ".join((column, "IN (SELECT value FROM json_each(", ids, "))"))
