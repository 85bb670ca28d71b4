import subprocess
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from mai.project.tree import File, from_archive, read_tree, to_archive

paths = st.lists(
    st.text("abcé ._-", min_size=1, max_size=8).filter(lambda part: part.strip(". ")),
    min_size=1,
    max_size=3,
).map("/".join)
trees = st.dictionaries(paths, st.builds(File, st.binary(max_size=200), st.booleans()), max_size=6)


@given(trees)
def test_an_archive_gives_back_its_tree_and_is_the_same_every_time(tree: dict[str, File]) -> None:
    data = to_archive(tree)
    assert from_archive(data) == tree
    assert to_archive(dict(reversed(tree.items()))) == data


def test_a_blob_sha_is_the_one_that_git_gives(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"hello\r\n")
    command = ["git", "hash-object", "--no-filters", "file"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert File(b"hello\r\n").blob_sha == said.stdout.strip()


def test_a_tree_is_read_with_its_exec_bits(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "run"
    script.write_bytes(b"#!")
    script.chmod(0o755)
    (tmp_path / "plain").write_bytes(b"")
    assert read_tree(tmp_path) == {"bin/run": File(b"#!", executable=True), "plain": File(b"")}
