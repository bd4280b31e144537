import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from calib.datasets.fetch import fetch
from calib.errors import InputError

from .server import Server, serve

CONTENT = bytes(range(256)) * 4000  # 1 MB: several chunks
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serve({"file": CONTENT}) as running:
        yield running


def get(server: Server, target: Path) -> list[int]:
    seen: list[int] = []
    url = f"{server.url}/file"
    fetch(url, target, md5=MD5, n_bytes=len(CONTENT), progress=seen.append, by_hand="fetch it by hand")
    return seen


def test_a_file_arrives_whole_and_progress_rises_to_its_size(server: Server, tmp_path: Path) -> None:
    seen = get(server, tmp_path / "new" / "file")
    assert (tmp_path / "new" / "file").read_bytes() == CONTENT
    assert seen == sorted(seen)
    assert seen[-1] == len(CONTENT)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["file"]


def test_a_file_that_is_there_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    assert get(server, tmp_path / "file") == [len(CONTENT)]
    assert server.asked == []


def test_a_wrong_file_that_is_there_is_replaced(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"something else")
    get(server, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_broken_transfer_is_kept_and_resumed_where_it_broke(server: Server, tmp_path: Path) -> None:
    server.close_after = 300_000
    with pytest.raises(InputError, match=r"broke off after 300,000 of 1,024,000 bytes") as caught:
        get(server, tmp_path / "file")
    assert caught.value.help == "run the command again, it resumes; or fetch it by hand"
    assert (tmp_path / "file.part").stat().st_size == 300_000
    server.close_after = None
    seen = get(server, tmp_path / "file")
    assert seen[0] == 300_000
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert server.asked == [("/file", None), ("/file", "bytes=300000-")]


def test_a_server_that_ignores_range_makes_it_start_anew(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(CONTENT[:300_000])
    server.ignore_range = True
    assert get(server, tmp_path / "file")[0] == 0
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_complete_part_needs_no_server(tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(CONTENT)
    get(Server({}, url="http://127.0.0.1:1"), tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_after_416_the_checksum_decides(server: Server, tmp_path: Path) -> None:
    server.files["file"] = CONTENT[:1000]  # the server's file is shorter than was published
    (tmp_path / "file.part").write_bytes(CONTENT[:1000])
    with pytest.raises(InputError, match="wrong checksum"):
        get(server, tmp_path / "file")
    (tmp_path / "file.part").write_bytes(CONTENT[:1000])
    short = hashlib.md5(CONTENT[:1000]).hexdigest()
    fetch(f"{server.url}/file", tmp_path / "file", md5=short, n_bytes=2000, progress=lambda _: None, by_hand="")
    assert (tmp_path / "file").read_bytes() == CONTENT[:1000]


@pytest.mark.parametrize("content", [b"x" + CONTENT[1:], b"<html>log in first</html>", CONTENT + b"more", b""])
@pytest.mark.parametrize("length_header", [True, False])
def test_wrong_bytes_are_removed_and_named(server: Server, tmp_path: Path, content: bytes, length_header: bool) -> None:
    server.files["file"], server.length_header = content, length_header
    with pytest.raises(InputError, match=f"wrong checksum: md5 {MD5} was published, .* came; the file was removed"):
        get(server, tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_no_more_than_one_byte_too_many_is_read(server: Server, tmp_path: Path) -> None:
    server.files["file"] = b"\0" * 5_000_000
    seen: list[int] = []
    with pytest.raises(InputError, match="wrong checksum"):
        fetch(f"{server.url}/file", tmp_path / "file", md5=MD5, n_bytes=1000, progress=seen.append, by_hand="")
    assert seen[-1] == 1000


def test_a_server_that_answers_404_or_not_at_all_is_named(server: Server, tmp_path: Path) -> None:
    server.files.clear()
    with pytest.raises(InputError, match=r"cannot fetch http://.*/file: the server answered 404") as caught:
        get(server, tmp_path / "file")
    assert "fetch it by hand" in caught.value.help
    with pytest.raises(InputError, match=r"cannot fetch http://127.0.0.1:1/file: .*refused"):
        get(Server({}, url="http://127.0.0.1:1"), tmp_path / "file")


def test_a_server_that_falls_silent_is_given_up(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    monkeypatch.setattr("calib.datasets.fetch.TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(InputError, match="timed out"):
        get(Server({}, url=f"http://127.0.0.1:{silent.getsockname()[1]}"), tmp_path / "file")


@pytest.mark.parametrize("url", ["file:///etc", "ftp://host", "/etc"])
def test_other_kinds_of_addresses_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(InputError, match="no http:// or https:// address"):
        get(Server({}, url=url), tmp_path / "file")


def test_a_folder_that_cannot_be_written_is_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"in the way")
    with pytest.raises(InputError, match="cannot write"):
        get(server, tmp_path / "file" / "below")
