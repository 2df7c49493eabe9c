"""Which addresses a URL of a stranger's catalogue may lead to, checked where the connection is made.

A catalogue is somebody else's file: a URL in it must not make this machine talk to its own network (server-side request
forgery). The name of a host proves nothing, and asking for its address first and connecting later leaves time for another
answer (DNS rebinding). So the name is resolved once, all its addresses are checked, and the connection goes to a checked
one; TLS still proves the name. Redirects and reused connections pass here too, as every new connection does.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

import httpcore2
import httpx2

from pumgpt.errors import PhotoError

IPAddress = IPv4Address | IPv6Address
Resolver = Callable[[str, int], Awaitable[list[IPAddress]]]

_MOST_TRIED = 4
_METADATA = (IPv4Network("168.63.129.16/32"), IPv4Network("192.0.0.0/24"))
"""Azure's and Oracle's metadata addresses, which look public. The other clouds' are link-local, unique local or shared."""
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")


class RefusedAddressError(PhotoError):
    """A host whose address we don't talk to; `str(error)` says which, and how to allow it."""


def is_public(address: IPAddress) -> bool:
    """Whether an address is on the public internet, also where IPv6 only wraps an IPv4 address."""
    if isinstance(address, IPv4Address):
        metadata = any(address in network for network in _METADATA)
        return address.is_global and not (address.is_multicast or address.is_reserved or metadata)
    nat64 = IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None
    wrapped = address.ipv4_mapped or address.sixtofour or nat64
    if wrapped is not None:
        return is_public(wrapped)
    return address in _GLOBAL_UNICAST and address.is_global


async def resolve(host: str, port: int) -> list[IPAddress]:
    """All addresses of a host, the system's preferred ones first. Raises `OSError` where there are none."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(entry[4][0]) for entry in found))


class CheckedNetwork(httpcore2.AsyncNetworkBackend):
    """Opens connections to checked addresses only. One private address among a host's addresses refuses the host.

    Raises `RefusedAddressError`; what else can go wrong are httpcore's own errors.
    """

    def __init__(self, allowed: Callable[[IPAddress], bool] = is_public, resolver: Resolver = resolve) -> None:
        self._allowed, self._resolve = allowed, resolver
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        failure: Exception = httpcore2.ConnectError("the host has no address")
        for address in (await self._checked(host, port))[:_MOST_TRIED]:
            try:
                return await self._network.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _checked(self, host: str, port: int) -> list[IPAddress]:
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"its host can't be found ({error})") from error
        refused = next((address for address in addresses if not self._allowed(address)), None)
        if refused is not None:
            raise RefusedAddressError(
                f"leads to {refused}, which is no public address; allow it with --allow-private-urls"
            )
        return addresses

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.AsyncNetworkStream:
        raise RefusedAddressError("leads to a socket of this machine; mend the URL")

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


class CheckedTransport(httpx2.AsyncBaseTransport):
    """httpx over a `CheckedNetwork`. No proxy, whatever the environment says: it would resolve names by itself."""

    def __init__(self, network: CheckedNetwork, max_connections: int) -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpx2.create_ssl_context(),
            max_connections=max_connections,
            max_keepalive_connections=max_connections,
            keepalive_expiry=5.0,
            network_backend=network,
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        if url.scheme not in ("http", "https"):
            raise httpx2.UnsupportedProtocol(f"only http and https are fetched, not {url.scheme}")
        response = await self._pool.handle_async_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,  # type: ignore[arg-type]  # of a request without a body
                extensions=request.extensions,
            )
        )
        return httpx2.Response(response.status, headers=response.headers, stream=_Body(response))

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx2.AsyncByteStream):
    def __init__(self, response: httpcore2.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._response.aiter_stream():
            yield chunk

    async def aclose(self) -> None:
        await self._response.aclose()
