import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calib.datasets import download as module, load_dataset
from calib.datasets.download import RemoteFile, download
from calib.errors import InputError

from .server import Server, serve
from .synthetic import write_cifar_binary, write_cifar_pickles, write_mnist

ARCHIVE = "cifar-10-binary.tar.gz"
FOLDER = "cifar-10-batches-bin"

pytestmark = pytest.mark.usefixtures("few_rows", "no_data")


def official_archive(folder: Path, extra: Callable[[tarfile.TarFile], object] = lambda tar: None) -> bytes:
    """A tar.gz as the official one: the folder, its files, and what ``extra`` adds."""
    write_cifar_binary(folder, 10)
    (folder / FOLDER / "batches.meta.txt").write_text("\n".join(f"class {i}" for i in range(10)))
    (folder / FOLDER / "readme.html").write_text("read me")
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as tar:
        tar.add(folder / FOLDER, arcname=FOLDER)
        extra(tar)
    return target.getvalue()


def publish(patch: pytest.MonkeyPatch, server: Server, name: str, files: dict[str, bytes]) -> None:
    """Serve ``files``, and let the table of sizes and checksums be theirs."""
    server.files.update(files)
    remote = tuple(RemoteFile(file, len(content), hashlib.md5(content).hexdigest()) for file, content in files.items())
    table = dict(module._SOURCES)
    table[name] = replace(table[name], files=remote, base_url=server.url)
    patch.setattr(module, "_SOURCES", table)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serve({}) as running:
        yield running


@pytest.fixture
def cifar10(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Server:
    publish(monkeypatch, server, "cifar10", {ARCHIVE: official_archive(tmp_path / "official")})
    return server


def test_a_downloaded_archive_is_unpacked_removed_and_readable(cifar10: Server, tmp_path: Path) -> None:
    root = tmp_path / "data"
    seen: list[tuple[int, int]] = []
    folder = download("cifar10", data_dir=root, progress=lambda done, total: seen.append((done, total)))
    assert folder == root / FOLDER
    assert sorted(path.name for path in root.iterdir()) == [FOLDER]
    assert "readme.html" not in {path.name for path in folder.iterdir()}
    ours, official = load_dataset("cifar10", data_dir=root), load_dataset("cifar10", data_dir=tmp_path / "official")
    assert np.array_equal(ours.images, official.images)
    assert ours.class_names[9] == "class 9"
    size = len(cifar10.files[ARCHIVE])
    assert seen[-1] == (size, size)


def test_without_a_folder_the_cache_is_filled_and_then_found(cifar10: Server, no_data: Path) -> None:
    assert download("cifar10") == no_data / FOLDER
    assert load_dataset("cifar10").n == 28


def test_what_is_there_is_not_fetched_again(cifar10: Server, tmp_path: Path) -> None:
    for _ in range(2):
        download("cifar10", data_dir=tmp_path / "data")
    assert len(cifar10.asked) == 1
    assert download("cifar10", data_dir=tmp_path / "data" / FOLDER) == tmp_path / "data" / FOLDER
    write_cifar_pickles(tmp_path / "torchvision", 10)
    assert download("cifar10", data_dir=tmp_path / "torchvision").name == "cifar-10-batches-py"
    assert len(cifar10.asked) == 1


@pytest.mark.parametrize("below", ["", FOLDER])
def test_a_truncated_file_is_fetched_anew(cifar10: Server, tmp_path: Path, below: str) -> None:
    root = tmp_path / "data"
    path = write_cifar_binary(root, 10) / "data_batch_1.bin"
    path.write_bytes(path.read_bytes()[:-1])
    assert download("cifar10", data_dir=root / below) == root / FOLDER
    load_dataset("cifar10", data_dir=root)


def test_somebody_elses_file_in_the_folder_is_never_removed(cifar10: Server, tmp_path: Path) -> None:
    mine = tmp_path / "data" / FOLDER / "thesis.tex"
    mine.parent.mkdir(parents=True)
    mine.write_text("years of work")
    with pytest.raises(InputError, match=r"holds thesis\.tex"):
        download("cifar10", data_dir=tmp_path / "data")
    assert mine.read_text() == "years of work"


def test_a_broken_transfer_resumes(cifar10: Server, tmp_path: Path) -> None:
    cifar10.close_after = 1000
    with pytest.raises(InputError, match="broke off after 1,000") as caught:
        download("cifar10", data_dir=tmp_path / "data")
    assert f"{cifar10.url}/{ARCHIVE}" in caught.value.help
    assert f"put it into {tmp_path / 'data'}" in caught.value.help
    cifar10.close_after = None
    download("cifar10", data_dir=tmp_path / "data")
    assert cifar10.asked[1] == (f"/{ARCHIVE}", "bytes=1000-")


def test_an_archive_put_there_by_hand_needs_no_network(cifar10: Server, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / ARCHIVE).write_bytes(cifar10.files[ARCHIVE])
    download("cifar10", data_dir=tmp_path / "data", base_url="http://127.0.0.1:1")
    assert cifar10.asked == []


def test_a_mirror_is_named_by_the_argument_or_the_environment(
    cifar10: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cifar10.files[f"mirror/{ARCHIVE}"] = cifar10.files.pop(ARCHIVE)
    download("cifar10", data_dir=tmp_path / "a", base_url=f"{cifar10.url}/mirror/")
    monkeypatch.setenv("CALIB_DATA_URL", f"{cifar10.url}/mirror")
    download("cifar10", data_dir=tmp_path / "b")
    assert [path for path, _ in cifar10.asked] == [f"/mirror/{ARCHIVE}"] * 2


def test_a_wrong_checksum_leaves_nothing_behind(cifar10: Server, tmp_path: Path) -> None:
    content = cifar10.files[ARCHIVE]
    cifar10.files[ARCHIVE] = content[:-1] + bytes([content[-1] ^ 1])
    with pytest.raises(InputError, match="wrong checksum"):
        download("cifar10", data_dir=tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == []


def link(name: str, target: str) -> Callable[[tarfile.TarFile], object]:
    def add(tar: tarfile.TarFile) -> None:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = tarfile.SYMTYPE, target
        tar.addfile(member)

    return add


def plain(name: str) -> Callable[[tarfile.TarFile], object]:
    def add(tar: tarfile.TarFile) -> None:
        member = tarfile.TarInfo(name)
        member.size = 4
        tar.addfile(member, io.BytesIO(b"evil"))

    return add


@pytest.mark.parametrize(
    "extra",
    [
        plain("../evil"),
        plain("/tmp/evil"),
        plain(f"{FOLDER}/../../evil"),
        plain(f"{FOLDER}/evil"),
        link("evil", "/etc"),
    ],
)
def test_members_that_are_not_expected_never_reach_the_disk(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, extra: Callable[[tarfile.TarFile], object]
) -> None:
    publish(monkeypatch, server, "cifar10", {ARCHIVE: official_archive(tmp_path / "official", extra)})
    download("cifar10", data_dir=tmp_path / "a" / "data")
    assert list(tmp_path.rglob("*evil*")) == []
    assert not Path("/tmp/evil").exists()
    assert not any(path.is_symlink() for path in (tmp_path / "a").rglob("*"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_a_link_in_place_of_an_expected_file_is_refused(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: bytes
) -> None:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as tar:
        member = tarfile.TarInfo(f"{FOLDER}/data_batch_1.bin")
        member.type, member.linkname = kind, "/etc/passwd"
        tar.addfile(member)
    publish(monkeypatch, server, "cifar10", {ARCHIVE: target.getvalue()})
    with pytest.raises(InputError, match=rf"lacks {FOLDER}/data_batch_1.bin as a plain file"):
        download("cifar10", data_dir=tmp_path / "data")
    assert [path.name for path in (tmp_path / "data").iterdir()] == [ARCHIVE]


def test_what_is_no_archive_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    whole = official_archive(tmp_path / "official")
    half = whole[: len(whole) // 2]
    for content in (b"plain text", gzip.compress(b"no tar"), half):
        publish(monkeypatch, server, "cifar10", {ARCHIVE: content})
        with pytest.raises(InputError, match=f"{ARCHIVE} cannot be unpacked"):
            download("cifar10", data_dir=tmp_path / "data")
        assert not (tmp_path / "data" / FOLDER).exists()


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_the_mnist_family_is_four_files_under_one_progress(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    publish(monkeypatch, server, name, write_mnist(tmp_path / "official", name))
    seen: list[Any] = []
    folder = download(name, data_dir=tmp_path / "data", progress=lambda *pair: seen.append(pair))
    assert folder == tmp_path / "data" / name
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1] == sum(map(len, server.files.values()))
    assert load_dataset(name, data_dir=tmp_path / "data").n == 28
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(b"damaged")
    download(name, data_dir=tmp_path / "data")
    assert len(server.asked) == 5  # only the damaged file came again


def test_digits_need_no_download() -> None:
    assert (download("digits") / "digits.npz").is_file()


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(InputError, match="no data set"):
        download("imagenet")


def test_the_table_has_whole_checksums_and_official_addresses() -> None:
    for source in module._SOURCES.values():
        assert source.base_url.endswith("/")
        assert all(len(file.md5) == 32 and int(file.md5, 16) and file.n_bytes > 4500 for file in source.files)
