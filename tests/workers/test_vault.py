"""Who can close a box and who can open it."""

import ast
from pathlib import Path

import pytest

from api.core.sealing import Sealer
from workers import vault
from workers.vault import CannotOpen, Keyring, Vault

SECRET = b"a token of the town"


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_what_the_public_key_closes_only_the_vault_opens(tmp_path: Path) -> None:
    opened = Keyring(tmp_path / "keys").load_or_generate()
    sealed = Sealer.from_file(tmp_path / "keys" / "vault.pub").seal(SECRET)
    assert SECRET not in sealed.box
    assert opened.open(sealed.key_id, sealed.box) == SECRET


def test_another_vault_cannot_open_it(tmp_path: Path) -> None:
    ours, theirs = Keyring(tmp_path / "a").load_or_generate(), Keyring(tmp_path / "b").load_or_generate()
    sealed = ours.sealer.seal(SECRET)
    with pytest.raises(CannotOpen):
        theirs.open(sealed.key_id, sealed.box)


def test_a_changed_box_does_not_open(tmp_path: Path) -> None:
    opened = Keyring(tmp_path).load_or_generate()
    sealed = opened.sealer.seal(SECRET)
    for broken in (sealed.box[:-1] + bytes([sealed.box[-1] ^ 1]), sealed.box[:10], b""):
        with pytest.raises(CannotOpen):
            opened.open(sealed.key_id, broken)


def test_after_a_rotation_new_boxes_use_the_new_key_and_old_ones_still_open(tmp_path: Path) -> None:
    ring = Keyring(tmp_path)
    before = ring.load_or_generate().sealer.seal(SECRET)
    current = ring.rotate()
    opened = ring.load()
    after = Sealer.from_file(tmp_path / "vault.pub").seal(SECRET)
    assert before.key_id != after.key_id == current == opened.current
    assert opened.open(before.key_id, before.box) == opened.open(after.key_id, after.box) == SECRET


def test_a_resealed_box_outlives_the_old_key(tmp_path: Path) -> None:
    ring = Keyring(tmp_path)
    old = ring.load_or_generate().sealer.seal(SECRET)
    ring.rotate()
    new = ring.load().reseal(old.key_id, old.box)
    ring.retire(old.key_id)
    opened = ring.load()
    assert opened.open(new.key_id, new.box) == SECRET
    with pytest.raises(CannotOpen):
        opened.open(old.key_id, old.box)


def test_the_current_key_cannot_be_retired(tmp_path: Path) -> None:
    ring = Keyring(tmp_path)
    current = ring.load_or_generate().current
    with pytest.raises(CannotOpen):
        ring.retire(current)
    assert ring.load().current == current


def test_starting_twice_keeps_the_same_key(tmp_path: Path) -> None:
    ring = Keyring(tmp_path)
    assert ring.load_or_generate().current == ring.load_or_generate().current


def test_private_files_are_for_their_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "keys"
    current = Keyring(folder).load_or_generate().current
    assert mode(folder) == 0o700
    assert mode(folder / f"vault-{current}.key") == 0o600


def test_a_vault_does_not_print_its_keys(tmp_path: Path) -> None:
    opened = Keyring(tmp_path).load_or_generate()
    secret = next(tmp_path.glob("vault-*.key")).read_text().strip()
    assert secret not in repr(opened)


def test_a_vault_without_its_current_key_does_not_start(tmp_path: Path) -> None:
    current = Keyring(tmp_path).load_or_generate().current
    (tmp_path / f"vault-{current}.key").unlink()
    with pytest.raises(CannotOpen):
        Keyring(tmp_path).load()


def test_the_vault_knows_core_only() -> None:
    tree = ast.parse(Path(vault.__file__).read_text())
    ours = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    assert [name for name in ours if name.split(".")[0] in {"api", "web", "workers"}] == ["api.core.sealing"]


def test_a_vault_can_be_made_from_keys_held_elsewhere() -> None:
    opened = Vault([b"\x01" * 32, b"\x02" * 32])
    sealed = opened.sealer.seal(SECRET)
    assert len(opened.key_ids) == 2
    assert opened.open(sealed.key_id, sealed.box) == SECRET
