"""The lab's two Asterisks: the PBX, and the telephones around it.

Owns their configuration, rendered from ``lab/etc`` and from what a user puts on a PBX, ``asterisk-conf``; and the plan
of addresses and ports that ties the two together. Does not own the processes (``lab.asterisk``), nor what the
telephones do (``lab.phones``).
"""

import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from lab.asterisk import AriAccess, Asterisk
from lab.ports import RtpRange, free_port, rtp_ranges
from lab.sip import SipPort

PBX_ADDRESS = "127.0.0.1"
AGENTS_ADDRESS = "127.0.0.2"
TRUNK_ADDRESS = "127.0.0.3"
AGENTS = tuple(str(extension) for extension in range(201, 221))
QUEUE_MEMBERS = AGENTS[:4]
REPRESENTATIVE = "290"
SOFTPHONE_NUMBER = "0639980062"
"""Of whoever calls by a telephone of their own."""
QUEUES = ("support", "orders", "investment")

_HERE = Path(__file__).parent
_ON_A_PBX = _HERE.parent / "asterisk-conf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The ports of one lab, chosen once so that both Asterisks know of each other before either is up."""

    pbx_sip: int
    pbx_http: int
    pbx_rtp: RtpRange
    phones_sip: int
    phones_http: int
    phones_rtp: RtpRange
    fastagi: int

    @classmethod
    def free(cls) -> Self:
        """Choose ports that nobody uses now; ``fastagi`` is left free for a controller."""
        pbx_rtp, phones_rtp = rtp_ranges(2)
        return cls(
            pbx_sip=free_port(socket.SOCK_DGRAM, PBX_ADDRESS),
            pbx_http=free_port(),
            pbx_rtp=pbx_rtp,
            phones_sip=free_port(socket.SOCK_DGRAM, AGENTS_ADDRESS, TRUNK_ADDRESS),
            phones_http=free_port(),
            phones_rtp=phones_rtp,
            fastagi=free_port(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A running Asterisk of the lab and how to reach it."""

    asterisk: Asterisk
    sip_address: str
    sip_port: int

    @property
    def directory(self) -> Path:
        """The instance folder: ``etc``, ``log``, ``spool`` and the rest."""
        return self.asterisk.directory

    @property
    def ari_url(self) -> str:
        """ARI's base, for example ``http://127.0.0.1:8088/ari``."""
        return self.asterisk.ari.url

    @property
    def ari_username(self) -> str:
        """The name of ARI's user."""
        return self.asterisk.ari.username

    @property
    def ari_password(self) -> str:
        """The password of ARI's user, new for each instance."""
        return self.asterisk.ari.password

    @property
    def recordings(self) -> Path:
        """The folder where ARI's recordings are written."""
        return self.directory / "spool" / "recording"


@dataclass(frozen=True, slots=True, kw_only=True)
class PbxOptions:
    """What a PBX of the lab may have different.

    ``agents`` are the telephones of the company; ``queues`` are beside the lab's own, each with its members;
    ``dialplan`` is added as it is to extensions.conf; ``softphone`` is the password with which a telephone of
    somebody's own registers, by the name ``softphone``: its calls come in from outside. Empty: there is none.
    """

    sounds: Path | None = None
    language: str = "fr"
    agents: Sequence[str] = (*AGENTS, REPRESENTATIVE)
    members: Sequence[str] = QUEUE_MEMBERS
    queues: Mapping[str, Sequence[str]] = field(default_factory=dict)
    dialplan: str = ""
    softphone: str = ""
    controller: str | None = None


@contextmanager
def start_pbx(plan: Plan, options: PbxOptions = PbxOptions()) -> Iterator[Instance]:
    """Run the PBX. ``options.sounds`` holds ``{fr,en}/recording-controller/*.wav``, before or after the start."""
    values = {
        "CONTROLLER": options.controller or f"127.0.0.1:{plan.fastagi}",
        "ADDRESS": PBX_ADDRESS,
        "SIP_PORT": str(plan.pbx_sip),
        "PHONES_SIP_PORT": str(plan.phones_sip),
        "TRUNK_ADDRESS": TRUNK_ADDRESS,
        "LANGUAGE": options.language,
        "EXTRA": options.dialplan,
    }
    with _instance("pbx", plan.pbx_rtp, values) as (directory, password):
        etc = directory / "etc"
        for name in ("recording-controller.conf", "ari.conf"):
            shutil.copy(_ON_A_PBX / name, etc)
        _write_http(etc, plan.pbx_http)
        _append(etc / "pjsip.conf", (_pbx_agent(extension, plan.phones_sip) for extension in options.agents))
        if options.softphone:
            _append(etc / "pjsip.conf", iter([_softphone(options.softphone)]))
        queues = {**dict.fromkeys(QUEUES, options.members), **options.queues}
        _append(etc / "queues.conf", (_queue(name, members) for name, members in queues.items()))
        if options.sounds is not None:
            _link_sounds(directory, options.sounds)
        ari = _access(plan.pbx_http, "recording-controller", password)
        folders = [options.sounds.resolve()] if options.sounds is not None else []
        sip = SipPort(address=PBX_ADDRESS, port=plan.pbx_sip, asker=TRUNK_ADDRESS)
        with Asterisk(directory, ari=ari, sip=[sip], folders=folders) as asterisk:
            yield Instance(asterisk=asterisk, sip_address=PBX_ADDRESS, sip_port=plan.pbx_sip)


@contextmanager
def start_phones(plan: Plan, *, agents: Sequence[str] = (*AGENTS, REPRESENTATIVE)) -> Iterator[Instance]:
    """Run the telephones: every call to one of them enters ``Stasis(phones,agent|callee,NUMBER)``."""
    values = {
        "AGENTS_ADDRESS": AGENTS_ADDRESS,
        "TRUNK_ADDRESS": TRUNK_ADDRESS,
        "SIP_PORT": str(plan.phones_sip),
        "PBX_ADDRESS": PBX_ADDRESS,
        "PBX_SIP_PORT": str(plan.pbx_sip),
    }
    with _instance("phones", plan.phones_rtp, values) as (directory, password):
        _write_http(directory / "etc", plan.phones_http)
        _append(directory / "etc" / "pjsip.conf", map(_phone, agents))
        ari = _access(plan.phones_http, "phones", password)
        addresses = (AGENTS_ADDRESS, TRUNK_ADDRESS)
        sip = [SipPort(address=address, port=plan.phones_sip, asker=PBX_ADDRESS) for address in addresses]
        with Asterisk(directory, ari=ari, sip=sip) as asterisk:
            yield Instance(asterisk=asterisk, sip_address=AGENTS_ADDRESS, sip_port=plan.phones_sip)


@contextmanager
def _instance(name: str, rtp: RtpRange, values: dict[str, str]) -> Iterator[tuple[Path, str]]:
    """Make an instance folder with its configuration and its ARI password; remove it afterwards."""
    with tempfile.TemporaryDirectory(prefix=f"rc-{name}-") as made:
        directory = Path(made).resolve()
        etc = directory / "etc"
        etc.mkdir()
        everything = {
            **values,
            "DIRECTORY": str(directory),
            "RTP_START": str(rtp.start),
            "RTP_END": str(rtp.end),
        }
        for source in (*(_HERE / "etc" / "common").iterdir(), *(_HERE / "etc" / name).iterdir()):
            (etc / source.name).write_text(_fill(source.read_text(), everything))
        password = secrets.token_urlsafe(16)
        secret = etc / "recording-controller.secret"
        secret.touch(mode=0o600)
        secret.write_text(f"password = {password}\n")
        yield directory, password


def _fill(template: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        template = template.replace(f"@{name}@", value)
    return template


def _access(port: int, username: str, password: str) -> AriAccess:
    return AriAccess(url=f"http://127.0.0.1:{port}/ari", username=username, password=password)


def _append(path: Path, sections: Iterator[str]) -> None:
    with path.open("a") as file:
        file.writelines(sections)


def _write_http(etc: Path, port: int) -> None:
    text = (_ON_A_PBX / "http.conf").read_text()
    (etc / "http.conf").write_text(text.replace("bindport = 8088", f"bindport = {port}"))


def _link_sounds(directory: Path, sounds: Path) -> None:
    for language in ("en", "fr"):
        folder = directory / "data" / "sounds" / language
        folder.mkdir(parents=True)
        (folder / "recording-controller").symlink_to(sounds.resolve() / language / "recording-controller")


def _pbx_agent(extension: str, phones_sip_port: int) -> str:
    return (
        f"[{extension}](agent)\naors = {extension}\ncallerid = <{extension}>\n"
        f"[{extension}]\ntype = aor\ncontact = sip:{extension}@{AGENTS_ADDRESS}:{phones_sip_port}\n\n"
    )


def _softphone(password: str) -> str:
    return (
        "[softphone](telephone)\ncontext = from-trunk\nauth = softphone\naors = softphone\n"
        f"callerid = <{SOFTPHONE_NUMBER}>\n"
        f"[softphone]\ntype = auth\nauth_type = userpass\nusername = softphone\npassword = {password}\n"
        "[softphone]\ntype = aor\nmax_contacts = 1\nremove_existing = yes\n\n"
    )


def _phone(extension: str) -> str:
    return f"[pbx-as-{extension}](telephone)\ntransport = agents\nfrom_user = {extension}\n\n"


def _queue(name: str, members: Sequence[str]) -> str:
    return "".join([f"[{name}](lab)\n", *(f"member => PJSIP/{member}\n" for member in members), "\n"])
