"""The shape of the file: every key, its type and its default. Rules that span several keys are elsewhere."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from controller.audio.gaps import GapStyle
from controller.config import text
from controller.config.settings import OnShutdown
from controller.domain.decision import Kind
from controller.domain.policy import (
    Basis,
    Channels,
    ConsentMode,
    Direction,
    ObjectionScope,
    OnDatabaseLoss,
    Start,
    StratumPart,
)

UNION = "union:"
"""How tags of a union begin: they are in pydantic's paths and not in the file."""


class Shape(BaseModel):
    """Nothing is converted, nothing unknown is let through."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class DataControllerShape(Shape):
    """Who answers for the recordings (GDPR art. 4(7)) and how to reach them."""

    name: Annotated[text.Spoken, Field(description="The data controller as callers know it.")]
    contact: Annotated[text.Spoken, Field(description="Where data subjects write to: the data protection officer.")]


class AriShape(Shape):
    """How the daemon reaches the PBX. The password is the secret ari-password."""

    url: Annotated[text.AriUrl, Field(description="Base address of ARI, http or https.")]
    username: Annotated[text.Word, Field(description="The user of ari.conf.")] = "recording-controller"
    application: Annotated[text.Word, Field(description="The name of the Stasis application.")] = "recording-controller"


class PbxShape(Shape):
    """One Asterisk."""

    name: Annotated[text.Name, Field(description="Our name for it, in logs and decisions.")]
    ari: AriShape
    fastagi_clients: Annotated[
        list[text.Network],
        Field(min_length=1, description="Addresses or networks from which this PBX speaks FastAGI."),
    ]
    sounds: Annotated[
        text.Folder, Field(description="The PBX's folder of sounds as the daemon sees it; languages are folders in it.")
    ]
    recordings: Annotated[
        text.Folder | None,
        Field(description="Asterisk's folder of recordings, where the daemon sees it: read from there, not over ARI."),
    ] = None


class FastAgiShape(Shape):
    """Where the daemon listens for FastAGI."""

    listen: Annotated[text.Host, Field(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[text.Port, Field(description="Port to listen on.")] = 4573


class OpenIdConnectShape(Shape):
    """The provider through which people log in. What it knows us by is the secret openid-client-secret."""

    issuer: Annotated[text.Issuer, Field(description="The provider: its discovery document names itself exactly so.")]
    client_id: Annotated[text.Client, Field(description="What the provider calls us.")]
    address: Annotated[
        text.Site,
        Field(description="Where browsers reach the daemon; the provider sends them to /login/openid/callback there."),
    ]
    claim: Annotated[
        text.Claim, Field(description="The claim by which an account knows somebody; sub alone is never another's.")
    ] = "sub"
    scopes: Annotated[list[text.Claim], Field(description="What is asked for; openid is among it.")] = [
        "openid",
        "profile",
    ]


class TlsShape(Shape):
    """The certificate for HTTPS."""

    certificate: Annotated[text.Folder, Field(description="The certificate in PEM, with those that lead to its root.")]
    key: Annotated[text.Folder, Field(description="Its key in PEM, without password.")]


class HttpShape(Shape):
    """Where the daemon listens for HTTP. The bearer token is the secret http-token."""

    listen: Annotated[text.Host, Field(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[text.Port, Field(description="Port to listen on.")] = 8080
    openid_connect: Annotated[
        OpenIdConnectShape | None, Field(description="Log-in through a provider of the company; none unless given.")
    ] = None
    tls: Annotated[TlsShape | None, Field(description="Listen for HTTPS; without it there is no encryption.")] = None
    trusted_proxies: Annotated[
        list[text.ProxyNetwork],
        Field(description="Addresses or networks of proxies that are believed in what they say of their clients."),
    ] = []
    embedded_by: Annotated[
        list[text.Origin],
        Field(description="Origins whose pages may embed the banner and a customer's recordings; none unless given."),
    ] = []


class DatabaseShape(Shape):
    """Either the embedded PostgreSQL or one that exists already. A URL with a password is the secret database-url."""

    embedded: Annotated[bool | None, Field(description="Start a PostgreSQL of our own in state_directory.")] = None
    url: Annotated[text.DatabaseUrl | None, Field(description="An existing PostgreSQL, without password.")] = None


class PublishShape(Shape):
    """What the broker is told by itself; alerts and whether the daemon is there always are."""

    decisions: Annotated[
        list[Annotated[Kind, Field(strict=False)]],
        Field(description="Kinds of decision that are published once they are in PostgreSQL; none unless given."),
    ] = []
    purposes: Annotated[
        list[text.Name],
        Field(description="Decisions about these purposes only; every decision unless given, about a purpose or not."),
    ] = []
    state: Annotated[bool, Field(description="What the recordings of each call under way are, retained.")] = True
    agents: Annotated[
        bool, Field(description="The same by the extension of each agent who talks, for a screen that knows no call.")
    ] = False
    metrics: Annotated[bool, Field(description="The metrics of the daemon.")] = True
    metrics_every: Annotated[text.Duration, Field(description="How often they are.")] = "30 seconds"


class MqttShape(Shape):
    """The broker over which pauses and other commands may come. The password is the secret mqtt-password."""

    url: Annotated[text.MqttUrl, Field(description="Address of the broker, mqtt or, encrypted, mqtts.")]
    username: Annotated[text.Word | None, Field(description="The user of the broker; nobody unless given.")] = None
    topic: Annotated[text.Topic, Field(description="What every topic begins with.")] = "recording-controller"
    name: Annotated[
        text.Word | None, Field(description="This daemon's name in its topics; that of its machine unless given.")
    ] = None
    purposes: Annotated[
        list[text.Name],
        Field(description="Commands are for the calls of these purposes only; of every one unless given."),
    ] = []
    publish: PublishShape = PublishShape()


class WebhookShape(Shape):
    """Somebody who is sent decisions by HTTP, signed."""

    name: Annotated[text.Name, Field(description="Our name for it, in logs and metrics; by it we know where to go on.")]
    url: Annotated[text.WebhookUrl, Field(description="Where to: https, or http on this machine.")]
    secret: Annotated[
        text.WebhookSecret | None,
        Field(description="The name of the secret that signs, webhook- first; webhook-NAME unless given."),
    ] = None
    kinds: Annotated[
        list[Annotated[Kind, Field(strict=False)]], Field(description="Kinds of decision; every one unless given.")
    ] = []
    purposes: Annotated[
        list[text.Name],
        Field(description="Decisions about these purposes only; every decision unless given, about a purpose or not."),
    ] = []
    give_up_after: Annotated[
        text.Retention, Field(description="A decision that could not be delivered for so long is given up.")
    ] = "3 days"


class AgentsShape(Shape):
    """Who is an agent."""

    channels: Annotated[list[text.Channel], Field(min_length=1, description="Channels of agents, patterns allowed.")]
    notice: Annotated[
        text.Word,
        Field(description="Version of the notice by which an agent must have been informed; else not recorded."),
    ]


class NeverRecordedShape(Shape):
    """Who is never recorded."""

    representatives: Annotated[list[text.Channel], Field(description="Lines of the employees' representatives.")] = []
    representative_numbers: Annotated[
        list[text.Numbers], Field(description="Their numbers outside the company, in either direction.")
    ] = []
    queues: Annotated[list[text.Glob], Field(description="Queues whose calls are never recorded.")] = []
    numbers: Annotated[list[text.Numbers], Field(description="Customers' numbers that are never recorded.")] = []
    emergency_numbers: Annotated[
        list[text.Number], Field(description="Emergency numbers beside those built in for the country.")
    ] = []


class KeysShape(Shape):
    """What an agent dials in mid-call."""

    pause: Annotated[text.Sequence, Field(description="Pauses every recording of the call.")] = "*7"
    resume: Annotated[text.Sequence, Field(description="Resumes them.")] = "*8"
    objection: Annotated[text.Sequence, Field(description="The caller has told the agent that they object.")] = "*9"
    private: Annotated[text.Sequence, Field(description="The call is the agent's own: not recorded.")] = "*6"
    start: Annotated[text.Sequence, Field(description="What an on-trigger purpose waits for begins.")] = "*5"


class PausesShape(Shape):
    """What pauses a call beside those who ask for it, and how long a pause may last."""

    endpoints: Annotated[
        list[text.Channel], Field(description="Channels of a payment platform: paused while one takes part.")
    ] = []
    contexts: Annotated[
        list[text.Glob], Field(description="Dialplan contexts that ask for card data: paused once a leg enters one.")
    ] = []
    hold: Annotated[bool, Field(description="Whether an agent's hold pauses.")] = False
    alert_after: Annotated[text.Duration, Field(description="A longer pause raises an alert.")] = "5 minutes"
    longest: Annotated[text.Duration, Field(description="A longer pause ends the recording.")] = "15 minutes"


class ObjectionsShape(Shape):
    """What is remembered of who objected."""

    remember: Annotated[text.Memory, Field(description="How long an objection is kept.")] = "1 year"
    scope: Annotated[
        ObjectionScope, Field(strict=False, description="It holds for the purposes of its call, or for everything.")
    ] = ObjectionScope.PURPOSE
    ask_again: Annotated[bool, Field(description="Whether the next call asks again; else it is not recorded.")] = True


class LimitsShape(Shape):
    """How much is taken on; what is beyond goes through unrecorded."""

    calls: Annotated[int, Field(ge=1, description="Calls under way on one PBX that are decided about.")] = 5000


class AuditShape(Shape):
    """How decisions are proven. The key that signs is the secret audit-key."""

    sign_every: Annotated[text.Duration, Field(description="How often the end of the chain is signed.")] = "1 minute"


class JournalShape(Shape):
    """Where decisions are kept until PostgreSQL has them: the folder journal in state_directory."""

    most_megabytes: Annotated[int, Field(ge=8, description="How large it may become.")] = 256


class StorageShape(Shape):
    """Where recordings go once Asterisk has finished them. The key that seals them is the secret master-key."""

    url: Annotated[
        text.StoreUrl | None,
        Field(
            description="A folder (file:///…), S3 (s3://bucket/prefix), Google Cloud Storage (gs://…) or Azure (az://…);"
            " the folder recordings in state_directory unless given."
        ),
    ] = None
    options: Annotated[
        dict[text.Option, str],
        Field(description="Options of that store, such as endpoint and region; credentials come from the environment."),
    ] = {}
    gaps: Annotated[GapStyle, Field(strict=False, description="What stands for a pause in what is listened to.")] = (
        GapStyle.SILENCE
    )
    archive_after: Annotated[
        text.Retention,
        Field(description="When evidence and what is kept by legal obligation goes to the intermediate archive."),
    ] = "6 months"
    access_kept: Annotated[
        text.Accesses, Field(description="How long it is kept who listened to what; at most 3 years.")
    ] = "1 year"
    quarantine_kept: Annotated[
        text.Retention, Field(description="How long a file out of hearing stays on the PBX before it is destroyed.")
    ] = "30 days"
    least_free_megabytes: Annotated[
        int, Field(ge=0, description="With less room than this on the disk of a folder nothing new is recorded.")
    ] = 1024


class AnnouncementShape(Shape):
    """One announcement: a sound, and the words spoken in it, by language."""

    sound: Annotated[text.Sound, Field(description="Name of the sound, the same in the folder of each language.")]
    text: Annotated[dict[text.Language, text.Spoken], Field(min_length=1, description="The words spoken, by language.")]


class SamplingShape(Shape):
    """Which share of the calls is recorded."""

    rate: Annotated[text.Rate, Field(description="Target share of the answered calls of a stratum.")]
    block: Annotated[int, Field(ge=1, le=100, description="Calls in a block; rate x block must be whole.")] = 20
    minimum: Annotated[
        text.Floor | None, Field(description="Quality goal; 0.20 unless given, or the rate where that is lower.")
    ] = None
    maximum: Annotated[
        text.Rate | None, Field(description="Never exceeded; 0.30 unless given, or the rate where that is higher.")
    ] = None
    strata: Annotated[
        list[Annotated[StratumPart, Field(strict=False)]],
        Field(description="What divides the calls into strata, each sampled for itself."),
    ] = [StratumPart.QUEUE, StratumPart.AGENT]


class ConsentKeysShape(Shape):
    """What the other party presses."""

    object: Annotated[text.Key | None, Field(description='Refuses; "1" unless given, required with opt-in.')] = None
    agree: Annotated[text.Key | None, Field(description="Agrees; required with opt-in.")] = None
    information: Annotated[text.Key | None, Field(description="Plays the full information.")] = None


class ConsentShape(Shape):
    """How the other party is told and asked."""

    mode: Annotated[
        ConsentMode,
        Field(
            strict=False,
            description="opt-out: silence lets record; opt-in: silence is no; refusal-ends-call: whoever objects is not"
            " served by telephone; none: told, not asked.",
        ),
    ]
    announcement: Annotated[text.Name | None, Field(description="What is played first, whole or nothing counts.")] = (
        None
    )
    information: Annotated[text.Name | None, Field(description="The full information (GDPR art. 13).")] = None
    choice: Annotated[text.Name | None, Field(description="The choice, asked again after the information.")] = None
    keys: ConsentKeysShape = ConsentKeysShape()


def _branch(value: object) -> str:
    return f"{UNION}all" if isinstance(value, str) else f"{UNION}sample"


SamplingChoice = Annotated[
    Annotated[Literal["all"], Tag(f"{UNION}all")] | Annotated[SamplingShape, Tag(f"{UNION}sample")],
    Discriminator(_branch),
    Field(description="A sample, or all for every call that may be recorded."),
]


class PurposeShape(Shape):
    """Why a recording is made."""

    basis: Annotated[Basis, Field(strict=False, description="Lawful basis (GDPR art. 6(1)).")]
    starts: Annotated[Start, Field(strict=False, description="When a recording begins.")]
    sampling: SamplingChoice
    consent: ConsentShape
    retention: Annotated[text.Retention, Field(description="How long a recording is kept, such as 6 months.")]
    without_contract: Annotated[
        text.Retention | None,
        Field(
            description="How long a recording is kept unless a contract came of its call (C. assur. R. 112-7: 1 month);"
            " retention unless given."
        ),
    ] = None
    notice: Annotated[
        text.Name | None, Field(description="Announcement heard again when an on-trigger recording begins.")
    ] = None
    analyses: Annotated[
        text.Retention | None, Field(description="How long documents made from recordings are kept; none unless given.")
    ] = None
    listeners: Annotated[list[text.Name], Field(min_length=1, description="Roles that may listen to the recordings.")]
    reason_required: Annotated[
        bool, Field(description="Whether who listens must say why, as they must in the intermediate archive.")
    ] = False
    assessed: Annotated[text.Day, Field(description="Day of the impact assessment (GDPR art. 35), such as 2026-01-31.")]
    consulted: Annotated[
        text.Consultation,
        Field(description="Day when the staff's representatives were consulted, or no-representatives."),
    ]
    channels: Annotated[
        Channels, Field(strict=False, description="All mixed, or the customer left and the agent right.")
    ] = Channels.MONO


class RouteShape(Shape):
    """Which calls serve which purposes. The first route that matches wins."""

    name: Annotated[text.Name, Field(description="Shown in decisions as routes.NAME.")]
    direction: Annotated[Direction | None, Field(strict=False, description="Either direction unless given.")] = None
    queues: Annotated[list[text.Glob], Field(description="Queues, patterns allowed; every queue unless given.")] = []
    called: Annotated[list[text.Numbers], Field(description="Numbers called; every one unless given.")] = []
    calling: Annotated[list[text.Numbers], Field(description="Numbers calling; every one unless given.")] = []
    contexts: Annotated[list[text.Glob], Field(description="Dialplan contexts that ask; every one unless given.")] = []
    languages: Annotated[list[text.Glob], Field(description="Languages of the channel; every one unless given.")] = []
    purposes: Annotated[
        list[text.Name], Field(min_length=1, description="Purposes of these calls; one consent for all.")
    ]
    language: Annotated[text.Language | None, Field(description="Spoken instead of the channel's language.")] = None


class FileShape(Shape):
    """The whole file."""

    data_controller: DataControllerShape
    country: Annotated[
        text.Country,
        Field(description="ISO 3166 code: how national numbers are read, and which emergency numbers are built in."),
    ]
    state_directory: Annotated[
        text.Folder, Field(description="Where generated secrets and the embedded database live.")
    ] = "/var/lib/recording-controller"
    secrets_directory: Annotated[
        text.Folder | None, Field(description="Where secret files are; state_directory/secrets unless given.")
    ] = None
    pbxs: Annotated[list[PbxShape], Field(min_length=1)]
    fastagi: FastAgiShape = FastAgiShape()
    http: HttpShape = HttpShape()
    database: DatabaseShape = DatabaseShape()
    mqtt: MqttShape | None = None
    webhooks: Annotated[
        list[WebhookShape], Field(description="Who is sent decisions by HTTP; nobody unless given.")
    ] = []
    agents: AgentsShape
    never_recorded: NeverRecordedShape = NeverRecordedShape()
    keys: KeysShape = KeysShape()
    pauses: PausesShape = PausesShape()
    objections: ObjectionsShape = ObjectionsShape()
    audit: AuditShape = AuditShape()
    journal: JournalShape = JournalShape()
    limits: LimitsShape = LimitsShape()
    storage: Annotated[
        StorageShape | None, Field(description="Where recordings go; they stay on the PBX unless given.")
    ] = None
    on_database_loss: Annotated[
        OnDatabaseLoss,
        Field(strict=False, description="Recordings under way while decisions cannot be written: stop or continue."),
    ] = OnDatabaseLoss.STOP
    on_shutdown: Annotated[
        OnShutdown,
        Field(
            strict=False, description="Recordings under way when the daemon ends: hand over to the next one, or stop."
        ),
    ] = OnShutdown.HAND_OVER
    default_language: Annotated[text.Language, Field(description="Spoken where a prompt lacks the call's language.")]
    announcements: Annotated[dict[text.Name, AnnouncementShape], Field(description="Announcements by name.")]
    purposes: Annotated[dict[text.Name, PurposeShape], Field(min_length=1, description="Purposes by name.")]
    routes: Annotated[list[RouteShape], Field(description="In order; a call that matches none is not recorded.")]
