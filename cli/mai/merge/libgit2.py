"""The one door to libgit2: its merge of a single file.

Its repository is a dict: no file, no configuration and no attributes of anybody take part.
"""

from collections.abc import Mapping
from typing import Any

import pygit2
from pygit2.enums import FileMode, MergeFavor, MergeFileFlag, ObjectType
from pygit2.errors import check_error
from pygit2.ffi import C, ffi

from .lines import Labels

_FAVORS = {None: MergeFavor.NORMAL, "ours": MergeFavor.OURS, "theirs": MergeFavor.THEIRS}


def merge_file(
    base: bytes | None, yours: bytes, new: bytes, labels: Labels, favor: str | None
) -> tuple[bytes, int]:
    """The merged content and its number of conflict blocks.

    pygit2's own call takes neither labels nor style nor favor, so this one goes to the C function
    below it. Without a base, common lines in a block are worth more than zdiff3's empty ancestor.
    """
    blobs = {pygit2.hash(side): side for side in (base, yours, new) if side is not None}
    options = ffi.new("git_merge_file_options *", {"version": 1})
    told = [ffi.new("char[]", one.encode()) for one in (labels.base, "yours", labels.new)]
    options.ancestor_label, options.our_label, options.their_label = told
    options.flags = MergeFileFlag.STYLE_MERGE if base is None else MergeFileFlag.STYLE_ZDIFF3
    options.favor = _FAVORS[favor]
    repository = _repository(blobs)
    entries = [_entry(side) for side in (base, yours, new)]
    result = ffi.new("git_merge_file_result *")
    check_error(
        C.git_merge_file_from_index(
            result,
            repository._repo,  # noqa: SLF001 pygit2 has no other name for it
            *(pointer for pointer, _ in entries),
            options,
        )
    )
    try:
        merged = bytes(ffi.buffer(result.ptr, result.len))
        if result.automergeable:
            return merged, 0
    finally:
        C.git_merge_file_result_free(result)
    marker = b"<<<<<<< yours"
    if not yours:  # libgit2 gives an empty side no label
        merged = marker + merged.removeprefix(b"<<<<<<<")
    if not new:
        merged = f">>>>>>> {labels.new}".encode().join(merged.rsplit(b">>>>>>>", 1))
    return merged, max(1, merged.count(marker) - yours.count(marker))


class _Blobs(pygit2.OdbBackend):
    def __init__(self, blobs: Mapping[pygit2.Oid, bytes]) -> None:
        super().__init__()
        self._blobs = blobs

    def read_cb(self, oid: pygit2.Oid) -> tuple[int, bytes]:
        return ObjectType.BLOB, self._blobs[oid]


def _repository(blobs: Mapping[pygit2.Oid, bytes]) -> pygit2.Repository:
    store = pygit2.Odb()
    store.add_backend(_Blobs(blobs), 1)
    repository = pygit2.Repository()
    repository.set_odb(store)
    return repository


def _entry(content: bytes | None) -> tuple[Any, Any]:
    """libgit2's pointer to an index entry, and what must live as long."""
    if content is None:
        return ffi.NULL, None
    entry = pygit2.IndexEntry("file", pygit2.hash(content), FileMode.BLOB)
    return entry._to_c()  # noqa: SLF001 the same
