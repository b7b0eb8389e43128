"""Who a client is behind a proxy, and whether its side is encrypted: believed of configured proxies, of nobody else."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from aiohttp import web

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Proxies:
    """Those whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed, by their addresses."""

    def __init__(self, trusted: Iterable[Network] = ()) -> None:
        self._trusted = tuple(trusted)

    def client_of(self, request: web.Request) -> str:
        """The address of who asks: the last that no proxy of ours has; empty where there is none (a Unix socket)."""
        client = address_of(request.remote or "")
        if client is None:
            return request.remote or ""
        for word in reversed(_words(request, "X-Forwarded-For")):
            before = address_of(word) if self._is_ours(client) else None
            if before is None:
                break
            client = before
        return str(client)

    def says_https(self, request: web.Request) -> bool:
        """Whether the proxy that asks says that its client came by HTTPS."""
        return self.trusts(request.remote or "") and _words(request, "X-Forwarded-Proto")[-1:] == ["https"]

    def trusts(self, address: str) -> bool:
        """Whether this is a proxy of ours."""
        found = address_of(address)
        return found is not None and self._is_ours(found)

    def _is_ours(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


PROXIES: Final = web.AppKey("proxies", Proxies)


def client_of(request: web.Request) -> str:
    """The address of who asks."""
    return request.config_dict[PROXIES].client_of(request)


def encrypted(request: web.Request) -> bool:
    """Whether the browser's side is HTTPS, by itself or by a proxy of ours that says so."""
    proxies = request.config_dict.get(PROXIES)
    return request.secure or (proxies is not None and proxies.says_https(request))


def _words(request: web.Request, name: str) -> list[str]:
    """What stands in a header that may come several times, from the first proxy to the last."""
    return [word.strip().lower() for line in request.headers.getall(name, ()) for word in line.split(",")]


def address_of(word: str) -> Address | None:
    """What is written here: IPv4 is IPv4, by whatever socket it came. None where it is no address."""
    try:
        found = ip_address(word)
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
