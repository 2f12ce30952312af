"""The installation's own secret."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from api.core import secret_key
from api.core.settings import Settings


def test_it_is_made_once_for_its_owner_only_and_stays(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, secret_key="")
    first = secret_key.key_for(settings, "a purpose")
    secret_key._from_folder.cache_clear()
    assert secret_key.key_for(settings, "a purpose") == first
    assert stat.S_IMODE((tmp_path / secret_key.FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [secret_key.FILE]


def test_two_purposes_have_two_keys_and_two_installations_too(tmp_path: Path) -> None:
    one, other = Settings(secret_key="one"), Settings(secret_key="other")
    keys = {secret_key.key_for(settings, purpose) for settings in (one, other) for purpose in ("a", "b")}
    assert len(keys) == 4


def test_processes_that_start_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(secret_key._make, [tmp_path / secret_key.FILE] * 8))
    assert len((tmp_path / secret_key.FILE).read_bytes()) == 64
    assert len(list(tmp_path.iterdir())) == 1
