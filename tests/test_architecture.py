"""Who may import whom. The table is docs/architecture.md's; tests are exempt."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
OURS = ("api", "workers", "web", "beatline", "migrations")
GROUND = ("api.core", "api.platforms", "api.models")
RANK = {
    "audit": 1, "access": 1,
    "forces": 2, "identity": 2, "policy": 2,
    "accounts": 3, "media": 3,
    "library": 4, "approvals": 4, "pauses": 4,
    "outbox": 5, "intake": 5,
    "posts": 6, "inbox": 6, "directory": 6, "alerts": 6,
    "schedules": 7, "priorities": 7, "appeals": 7,
    "discovery": 8, "reports": 9,
}  # fmt: skip
NETWORK = (
    "httpx", "httpcore", "aiohttp", "aiosmtplib", "smtplib", "requests", "urllib.request", "boto3", "botocore",
)  # fmt: skip
NETWORK_HOMES = ("workers.platforms", "workers.outside", "beatline")
OWN_SERVERS = {"api.media.s3": ("boto3", "botocore")}
"""The file store is ours, like the database: whoever takes a picture in must be able to put it there."""


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def sources() -> Iterator[tuple[str, ast.Module]]:
    for package in OURS:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield module_of(path), ast.parse(path.read_text())


def imports(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def within(module: str, *homes: str) -> bool:
    return any(module == home or module.startswith(home + ".") for home in homes)


def domain(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "api" and len(parts) > 1 and parts[1] in RANK else None


def kind(module: str) -> str:
    """routes, schemas, service, queries or another file of a domain."""
    parts = module.split(".")
    return parts[2] if len(parts) > 2 else ""


def allowed(importer: str, imported: str) -> bool:
    """Whether a module of ours may import a name of ours."""
    if within(importer, "beatline"):
        return True
    if within(importer, "api.core", "api.platforms"):
        return within(imported, ".".join(importer.split(".")[:2]))
    if within(importer, "api.models"):
        return within(imported, *GROUND)
    if within(importer, "migrations"):
        return within(imported, "api.core", "api.models", "migrations")
    if within(importer, "workers.town"):
        return within(imported, "workers.town")
    if within(importer, "workers.platforms", "workers.outside"):
        return within(imported, "api.platforms", "workers.platforms", "workers.outside")
    if within(importer, "workers.vault"):
        return within(imported, "api.core")
    if within(importer, "workers"):
        return (within(imported, "workers") and not within(imported, "workers.town")) or _service_side(imported)
    if within(importer, "web"):
        return within(imported, "web") or _service_side(imported)
    if importer in ("api.deps", "api.idempotency"):
        return within(imported, *GROUND, "api.deps", "api.idempotency")
    if importer == "api.main":
        return within(imported, *GROUND, "api.deps") or kind(imported) == "routes"
    return _domain_may(importer, imported)


def _service_side(imported: str) -> bool:
    return within(imported, *GROUND) or (domain(imported) is not None and kind(imported) != "routes")


def _domain_may(importer: str, imported: str) -> bool:
    if within(imported, *GROUND):
        return True
    own, other = domain(importer), domain(imported)
    if own is None:
        return within(imported, importer.rpartition(".")[0])
    if kind(importer) == "routes" and within(imported, "api.deps"):
        return True
    if other is None or kind(imported) == "routes":
        return False
    return own == other or RANK[other] < RANK[own]


def test_no_module_imports_what_it_may_not() -> None:
    broken = [
        f"{importer} → {imported}"
        for importer, tree in sources()
        for imported in sorted(imports(tree))
        if within(imported, *OURS) and not allowed(importer, imported)
    ]
    assert broken == []


def test_only_workers_reach_the_network() -> None:
    broken = [
        f"{importer} → {imported}"
        for importer, tree in sources()
        for imported in imports(tree)
        if within(imported, *NETWORK)
        and not within(importer, *NETWORK_HOMES)
        and not within(imported, *OWN_SERVERS.get(importer, ()))
    ]
    assert broken == []


def test_services_and_models_know_nothing_of_the_web_framework() -> None:
    doors = ("api.core.http", "api.core.health", "api.deps", "api.idempotency", "api.main")
    broken = [
        f"{importer} → {imported}"
        for importer, tree in sources()
        for imported in imports(tree)
        if within(importer, "api") and within(imported, "fastapi", "starlette")
        and importer not in doors and kind(importer) not in ("routes",)
    ]  # fmt: skip
    assert broken == []


def test_no_import_hides_in_a_function() -> None:
    broken = [
        f"{module}:{node.lineno} {node.name}"
        for module, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert broken == []


def test_no_file_holds_more_than_one_idea() -> None:
    """400 lines is where a second idea usually lives; migrations are generated."""
    long = [
        f"{path.relative_to(ROOT)}: {lines}"
        for package in OURS
        for path in (ROOT / package).rglob("*.py")
        if "migrations/versions" not in path.as_posix() and (lines := path.read_text().count("\n")) > 400
    ]
    assert long == []


def test_the_table_itself_refuses_what_it_should() -> None:
    assert not allowed("api.inbox.service", "workers.jobs.send")
    assert not allowed("api.outbox.service", "api.posts.service")
    assert not allowed("api.inbox.service", "api.posts.queries")
    assert not allowed("web.pages.inbox", "workers.main")
    assert not allowed("web.pages.inbox", "api.inbox.routes")
    assert not allowed("workers.town.app", "api.models")
    assert not allowed("workers.platforms.mastodon", "api.models")
    assert allowed("api.posts.service", "api.outbox.service")
    assert allowed("workers.jobs.send", "api.posts.service")
