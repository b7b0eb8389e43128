"""What is sealed, where it lies, and who opens it: in a folder, and in S3 over HTTP."""

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.records import StoredRecord, StoredState
from controller.errors import ConfigurationError, ObjectGone, SealBroken, StoreAway
from controller.store.keys import MasterKeys, new_key, new_master_key
from controller.store.objects import ObjectStore
from controller.store.sealing import opened, sealed
from controller.store.vault import Vault, derived_name

NAME = "quality/2026/11/25/rc-1.age"


def stored(vault: Vault, pieces: list[bytes], name: str = NAME) -> StoredRecord:
    key = new_key()
    wrapped = vault.masters.wrap(key)
    vault.put(name, pieces, key)
    return StoredRecord(
        recording="rc-1", state=StoredState.STORED, object=name, sealed_key=wrapped.sealed, master=wrapped.master
    )


@given(st.lists(st.binary(max_size=200_000), max_size=6))
def test_what_was_sealed_is_opened_whatever_its_pieces(pieces: list[bytes]) -> None:
    key = new_key()
    assert b"".join(opened(sealed(pieces, key), key)) == b"".join(pieces)


def test_what_is_put_is_found_again(vault: Vault) -> None:
    content = [os.urandom(3_000_000) for _ in range(7)]
    there = stored(vault, content)
    assert b"".join(vault.pieces(there)) == b"".join(content)
    assert vault.content(NAME, vault.key(there)).sha256 == hashlib.sha256(b"".join(content)).digest()
    assert list(vault.objects.names()) == [NAME]
    assert content[0][:64] not in b"".join(vault.objects.pieces(NAME))


def test_an_empty_object_is_one_too(vault: Vault) -> None:
    assert b"".join(vault.pieces(stored(vault, []))) == b""


def test_what_is_broken_off_while_it_is_written_is_not_there(vault: Vault) -> None:
    def breaks() -> Iterator[bytes]:
        yield os.urandom(12_000_000)
        raise ObjectGone("the PBX has no such file any more")

    with pytest.raises(ObjectGone, match="PBX"):
        vault.put(NAME, breaks(), new_key())
    assert vault.objects.size(NAME) is None
    assert list(vault.objects.names()) == []


def test_what_was_destroyed_is_not_opened_by_its_object_alone(vault: Vault) -> None:
    there = stored(vault, [b"once said"])
    without_key = StoredRecord(recording="rc-1", state=StoredState.DESTROYED, object=NAME)
    with pytest.raises(ObjectGone):
        list(vault.pieces(without_key))
    assert list(vault.pieces(there)) == [b"once said"]


def test_what_is_removed_takes_with_it_what_was_made_of_it(vault: Vault) -> None:
    there = stored(vault, [b"once said"])
    key = vault.key(there)
    vault.put(derived_name("rc-1", "silence.mp3"), [b"mp3"], key)
    vault.put(derived_name("rc-10", "silence.mp3"), [b"another"], key)
    vault.remove(there)
    vault.remove(there)
    assert list(vault.objects.names()) == [derived_name("rc-10", "silence.mp3")]


def test_nothing_that_was_changed_is_taken_for_what_it_was(vault: Vault) -> None:
    there = stored(vault, [os.urandom(200_000)])
    bytes_there = bytearray(b"".join(vault.objects.pieces(NAME)))
    bytes_there[-1000] ^= 1
    vault.objects.put(NAME, iter([bytes(bytes_there)]))
    with pytest.raises(SealBroken):
        list(vault.pieces(there))


def test_a_reader_that_stops_early_leaves_no_thread(vault: Vault) -> None:
    there = stored(vault, [os.urandom(3_000_000)])
    pieces = vault.pieces(there)
    next(pieces)
    pieces.close()


def test_two_masters_open_while_keys_are_wrapped_anew(objects: ObjectStore) -> None:
    old, new = new_master_key(), new_master_key()
    there = stored(Vault(objects, MasterKeys.read(old)), [b"once said"])
    both = Vault(objects, MasterKeys.read(new, old))
    assert list(both.pieces(there)) == [b"once said"]
    again = both.masters.wrap(both.key(there))
    assert again.master == both.masters.public
    with pytest.raises(SealBroken, match="not among the secrets"):
        list(Vault(objects, MasterKeys.read(new)).pieces(there))


def test_age_itself_opens_a_recording(vault: Vault, tmp_path: Path) -> None:
    there = stored(vault, [b"once said"])
    object_, identity = tmp_path / "object.age", tmp_path / "identity.txt"
    object_.write_bytes(b"".join(vault.objects.pieces(NAME)))
    identity.write_text(str(vault.key(there)))
    command = ["age", "--decrypt", "--identity", str(identity), str(object_)]
    opened_by_age = subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - age, on files of our own
    assert opened_by_age.stdout == b"once said"


@pytest.mark.parametrize("text", ["nonsense", "AGE-SECRET-KEY-1NOTONE"])
def test_a_secret_that_is_no_identity_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        MasterKeys.read(text)
    assert text not in str(caught.value)


def test_a_store_that_does_not_answer_says_so() -> None:
    away = ObjectStore("s3://nowhere/recordings", {"endpoint": "http://127.0.0.1:9", "region": "eu-west-3"})
    with pytest.raises(StoreAway):
        away.size(NAME)


def test_a_folder_that_cannot_be_made_is_the_configurations_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError):
        ObjectStore((tmp_path / "file" / "recordings").as_uri())
