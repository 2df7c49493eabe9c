"""Photos by URL against a real server on loopback, which is just what a stranger's URL may not reach unless allowed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from photo_host import PHOTO, PhotoHost, make_png, serve_photos

from pumgpt.catalog.photos.addresses import CheckedNetwork, IPAddress, is_public
from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.photos.download import PhotoDownloads
from pumgpt.catalog.photos.hosts import DownloadLimits
from pumgpt.catalog.photos.url_cache import UrlCache
from pumgpt.catalog.product import ImageRef
from pumgpt.errors import CatalogError, PhotoError

QUICK = DownloadLimits(connect_s=1, read_s=0.3, total_s=0.6, backoff_s=0.01, max_bytes=200_000)

Make = Callable[..., PhotoDownloads]


@pytest.fixture(scope="module")
def server() -> Iterator[PhotoHost]:
    with serve_photos() as host:
        yield host


@pytest.fixture
def host(server: PhotoHost) -> PhotoHost:
    server.asked.clear()
    server.conditional.clear()
    server.photo, server.etag, server.most_at_once = PHOTO, '"one"', 0
    return server


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[PhotoDownloads] = []

    def build(**settings: object) -> PhotoDownloads:
        made.append(PhotoDownloads(tmp_path / "cache", **{"allow_private": True, "limits": QUICK, **settings}))
        return made[-1]

    yield build
    for downloads in made:
        downloads.close()


def _refusal(downloads: PhotoDownloads, url: str) -> str:
    with pytest.raises(PhotoError) as caught:
        open_photo(ImageRef(url=url), fetch=downloads)
    message = str(caught.value)
    assert message.startswith(url)
    assert "\n" not in message
    assert "; " in message, "says how to mend it"
    return message


def _files(tmp_path: Path) -> list[Path]:
    return [file for file in (tmp_path / "cache").rglob("*") if file.is_file()]


def test_a_photo_by_url_opens_and_is_asked_for_once(host: PhotoHost, make: Make) -> None:
    url = host.url("/a.png")
    downloads = make()
    assert open_photo(ImageRef(url=url), fetch=downloads).getpixel((0, 0)) == (255, 0, 0)
    assert downloads(url) == PHOTO
    assert make()(url) == PHOTO, "another run finds it on the disk"
    assert host.asked == {"/a.png": 1}


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "0.0.0.0", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_this_machine_is_refused_by_default(host: PhotoHost, make: Make, name: str) -> None:
    message = _refusal(make(allow_private=False), host.url("/a.png", name))
    assert "no public address" in message
    assert "--allow-private-urls" in message
    assert not host.asked


def test_a_redirect_into_this_machine_is_refused(host: PhotoHost, make: Make, tmp_path: Path) -> None:
    public = IPv4Address("127.0.0.2")  # stands for one: all of 127/8 leads here
    downloads = make(network=CheckedNetwork(allowed=lambda address: address == public))
    assert downloads(host.url("/a.png", "127.0.0.2")) == PHOTO
    target = host.url("/secret.png")
    assert "leads to 127.0.0.1" in _refusal(downloads, host.url(f"/to?{target}", "127.0.0.2"))
    assert host.asked["/secret.png"] == 0


def test_an_address_is_checked_when_the_connection_is_made(host: PhotoHost, make: Make) -> None:
    """DNS rebinding: the name is public at the first look, and this machine's at the second."""
    answers = iter(["127.0.0.2", "127.0.0.1"])

    async def turncoat(name: str, port: int) -> list[IPAddress]:
        return [ip_address(next(answers))]

    downloads = make(
        limits=DownloadLimits(connections=1, read_s=0.3, backoff_s=0.01, attempts=1),
        network=CheckedNetwork(allowed=lambda address: address == IPv4Address("127.0.0.2"), resolver=turncoat),
    )
    first, second = host.url("/cut?9", "shop.example"), host.url("/b.png", "shop.example")
    assert "broke off" in _refusal(downloads, first)
    assert "leads to 127.0.0.1" in _refusal(downloads, second)
    assert host.asked["/b.png"] == 0


def test_one_private_address_among_public_ones_refuses_the_host(host: PhotoHost, make: Make) -> None:
    async def mixed(name: str, port: int) -> list[IPAddress]:
        return [ip_address("127.0.0.2"), ip_address("127.0.0.1")]

    network = CheckedNetwork(allowed=lambda address: address == IPv4Address("127.0.0.2"), resolver=mixed)
    assert "leads to 127.0.0.1" in _refusal(make(network=network), host.url("/a.png", "shop.example"))
    assert not host.asked


def test_a_dead_address_gives_way_to_the_next(host: PhotoHost, make: Make) -> None:
    async def two(name: str, port: int) -> list[IPAddress]:
        return [ip_address("::1"), ip_address("127.0.0.1")]  # the server listens to IPv4 only

    network = CheckedNetwork(allowed=lambda address: True, resolver=two)
    assert make(network=network)(host.url("/a.png", "shop.example")) == PHOTO


NOT_PUBLIC = """127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.100.100.200 168.63.129.16 192.0.0.192 224.0.0.1
0.0.0.0 255.255.255.255 240.0.0.1 192.0.2.1 198.18.0.1 :: ::1 fe80::1%eth0 fec0::1 fd00:ec2::254 ff02::1 ff0e::1 ::ffff:127.0.0.1
::ffff:169.254.169.254 ::7f00:1 64:ff9b::7f00:1 64:ff9b:1::1 2002:7f00:1:: 2001:0:7f00:1::1 2001:db8::1 100::1"""


@pytest.mark.parametrize("address", NOT_PUBLIC.split())
def test_what_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_what_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@given(st.ip_addresses(v=4))
def test_wrapping_an_address_changes_nothing(address: IPv4Address) -> None:
    for wrapper in ("::ffff:0:0", "64:ff9b::"):
        assert is_public(IPv6Address(int(IPv6Address(wrapper)) + int(address))) == is_public(address)
    assert is_public(IPv6Address((0x2002 << 112) + (int(address) << 80))) == is_public(address)


@pytest.mark.parametrize("target", ["ftp://127.0.0.1/a.png", "file:///etc/passwd", "ws://127.0.0.1/a"])
def test_other_schemes_are_refused(host: PhotoHost, make: Make, target: str) -> None:
    assert "only http and https" in _refusal(make(), host.url(f"/to?{target}")) or "file" in target


@pytest.mark.parametrize(
    "url", ["http://", "http://[::1", "http:///a.png", "http://a b/", "http://\udcff/", "https://"]
)
def test_what_is_no_url(make: Make, url: str) -> None:
    with pytest.raises(PhotoError):
        make()(url)


def test_a_circle_of_redirects_ends(host: PhotoHost, make: Make) -> None:
    assert "leads on more than 5 times" in _refusal(make(), host.url("/round"))
    assert host.asked["/round"] == 6


@pytest.mark.parametrize(
    ("path", "says", "asked"),
    [
        ("/status?404", "404 Not Found", 1),
        ("/status?403", "403 Forbidden", 1),
        ("/status?204", "204 No Content", 1),
        ("/status?503", "busy or broken (503", 3),
        ("/page", "text/html, no photo", 1),
        ("/empty", "empty (0 bytes)", 1),
        ("/huge", "more than 0.2 MB", 1),
        ("/flood", "more than 0.2 MB", 1),
        ("/drip", "longer than 0.6 s", 3),
        ("/slow?2", "did not answer in time", 3),
        ("/cut?9", "broke off", 3),
        ("/busy?999", "busy or broken (429", 1),
    ],
)
def test_what_fails_says_so_once_and_leaves_nothing(
    host: PhotoHost, make: Make, tmp_path: Path, path: str, says: str, asked: int
) -> None:
    if path == "/empty":
        host.photo = b""
    downloads = make()
    assert says in _refusal(downloads, host.url(path))
    _refusal(downloads, host.url(path))
    assert host.asked[path] == asked, "not asked again in this run"
    assert _files(tmp_path) == []


@pytest.mark.parametrize("path", ["/cut?2", "/busy?0", "/busy?1", "/busy?d1"])
def test_what_passes_is_tried_again(host: PhotoHost, make: Make, path: str) -> None:
    began = time.monotonic()
    assert make()(host.url(path)) == PHOTO
    if path == "/busy?1":
        assert time.monotonic() - began > 1, "waited as long as it was told to"


def test_an_old_copy_is_asked_for_only_if_it_changed(host: PhotoHost, make: Make) -> None:
    url, stale = host.url("/a.png"), DownloadLimits(fresh_s=0)
    assert make(limits=stale)(url) == PHOTO
    assert make(limits=stale)(url) == PHOTO
    assert (host.asked["/a.png"], host.conditional["/a.png"]) == (2, 1)
    host.photo, host.etag = make_png("blue"), '"two"'
    assert make(limits=stale)(url) == host.photo
    assert make()(url) == host.photo, "fresh again"
    assert (host.asked["/a.png"], host.conditional["/a.png"]) == (3, 1)


def test_an_old_copy_serves_where_the_host_is_down(make: Make) -> None:
    with serve_photos() as passing:
        url = passing.url("/a.png")
        assert make()(url) == PHOTO
    assert make(limits=DownloadLimits(fresh_s=0, backoff_s=0.01))(url) == PHOTO


def test_many_at_once_but_few_from_one_host(make: Make) -> None:
    """On a server of its own: one that others asked may still be busy with a request that they gave up."""
    with serve_photos() as host:
        downloads = make(limits=DownloadLimits(connections_per_host=3))
        urls = [host.url(f"/slow/{number}?0.1") for number in range(12)]
        began = time.monotonic()
        downloads.prefetch(urls)
        assert time.monotonic() - began < 0.5, "does not wait"
        assert all(downloads(url) == PHOTO for url in urls)
        assert host.most_at_once == 3, host.asked
        assert set(host.asked.values()) == {1}


def test_a_host_that_is_down_is_left_alone(make: Make) -> None:
    with socket.socket() as taken:  # bound, not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        downloads = make(limits=DownloadLimits(backoff_s=0.01, connections_per_host=1))
        urls = [f"http://127.0.0.1:{taken.getsockname()[1]}/{number}.png" for number in range(8)]
        messages = [_refusal(downloads, url) for url in urls]
    assert all("no connection" in message for message in messages[:4])
    assert all("isn't asked any more" in message for message in messages[4:])


@pytest.mark.parametrize("num_photos", [16, 48])
def test_a_silent_host_is_given_up_after_so_many_requests(make: Make, num_photos: int) -> None:
    """It accepts connections and never answers. The cost is that of 12 requests, four at a time, for any number of photos."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as silent:
        accepted: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    accepted.append(silent.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        downloads = make(limits=DownloadLimits(connect_s=1, read_s=0.3, backoff_s=0.01))
        urls = [f"http://127.0.0.1:{silent.getsockname()[1]}/{number}.png" for number in range(num_photos)]
        began = time.monotonic()
        downloads.prefetch(urls)
        messages = [_refusal(downloads, url) for url in urls]
        took = time.monotonic() - began
        silent.shutdown(socket.SHUT_RDWR)
    for connection in accepted:
        connection.close()
    assert took < 2.5, "three rounds of 0.3 s, not three attempts of each photo"
    assert 12 <= len(accepted) <= 16, "12 requests, and those under way beside them"
    assert all("did not answer" in message for message in messages)
    assert "isn't asked any more" in messages[-1]


def test_a_host_that_answers_now_and_then_is_not_given_up(host: PhotoHost, make: Make) -> None:
    downloads = make(limits=DownloadLimits(read_s=0.1, backoff_s=0.01, attempts=1, unanswered_requests=2))
    for number in range(3):
        assert "did not answer" in _refusal(downloads, host.url(f"/slow/{number}?0.5"))
        assert "404" in _refusal(downloads, host.url(f"/status/{number}?404"))


def test_a_damaged_or_half_written_entry_does_not_count(host: PhotoHost, make: Make, tmp_path: Path) -> None:
    url = host.url("/a.png")
    make()(url)
    (photo,) = [file for file in _files(tmp_path) if not file.suffix]
    photo.write_bytes(PHOTO[:9])
    assert make()(url) == PHOTO
    photo.with_name(f"{photo.name}.json").write_text("{")
    assert make()(url) == PHOTO
    photo.unlink()
    assert make()(url) == PHOTO
    assert host.asked["/a.png"] == 4


def test_a_killed_process_leaves_nothing_that_counts(host: PhotoHost, make: Make, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from pumgpt.catalog.photos.download import PhotoDownloads\n"
        "d = PhotoDownloads(Path(sys.argv[1]), allow_private=True); d.prefetch(sys.argv[2:3]); d(sys.argv[3])"
    )
    urls = [host.url("/drip"), host.url("/a.png")]
    arguments = [sys.executable, "-c", program, str(tmp_path / "cache"), *urls]
    process = subprocess.Popen([*arguments, host.url("/drip")][:-1])
    while not (host.asked["/drip"] and any(file.suffix == ".json" for file in _files(tmp_path))):
        time.sleep(0.01)
        assert process.poll() is None or host.asked["/a.png"]
    process.kill()
    process.wait()
    assert make()(urls[1]) == PHOTO
    assert host.asked["/a.png"] == 1, "the complete one stayed"
    assert UrlCache(tmp_path / "cache").get(urls[0]) is None
    for part in (tmp_path / "cache" / "parts").iterdir():
        os.utime(part, (0, 0))
    UrlCache(tmp_path / "cache")
    assert list((tmp_path / "cache" / "parts").iterdir()) == [], "old parts are swept"


def test_stopping_frees_who_waits(host: PhotoHost, make: Make, tmp_path: Path) -> None:
    downloads = make(limits=DownloadLimits())
    told: list[str] = []
    waiting = threading.Thread(target=lambda: told.append(_refusal(downloads, host.url("/drip"))))
    waiting.start()
    while not host.asked["/drip"]:
        time.sleep(0.01)
    downloads.stop()
    waiting.join(timeout=2)
    assert not waiting.is_alive()
    assert "stopped" in told[0]
    assert "stopped" in _refusal(downloads, host.url("/a.png"))
    downloads.close()
    assert _files(tmp_path) == []


def test_a_cache_that_cannot_be_written_ends_the_run(host: PhotoHost, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with PhotoDownloads(tmp_path / "file" / "cache", allow_private=True) as downloads:
        with pytest.raises(CatalogError, match="can't be kept there") as caught:
            downloads(host.url("/a.png"))
        assert not isinstance(caught.value, PhotoError), "every further photo would fail too"


def test_without_a_url_nothing_starts(tmp_path: Path) -> None:
    before = threading.active_count()
    with PhotoDownloads(tmp_path / "cache"):
        assert threading.active_count() == before
    assert not (tmp_path / "cache").exists()


def test_ctrl_c_ends_a_program_that_waits_for_a_slow_host(host: PhotoHost, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from pumgpt.understand.intake import open_batches\n"
        "from pumgpt.catalog.photos.download import PhotoDownloads; from pumgpt.catalog.product import ImageRef, Product\n"
        "rows = [(n, Product(str(n), (ImageRef(url=u),))) for n, u in enumerate(sys.argv[2:], 1)]\n"
        "with PhotoDownloads(Path(sys.argv[1]), allow_private=True) as downloads:\n"
        "    list(open_batches(rows, 2, downloads=downloads))"
    )
    urls = [host.url(f"/drip/{number}") for number in range(6)]
    process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path), *urls], stderr=subprocess.PIPE)
    while not host.asked["/drip/1"]:
        time.sleep(0.01)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert time.monotonic() - began < 3
    assert errors.decode().rstrip().endswith("KeyboardInterrupt")
