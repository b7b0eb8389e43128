"""The one error tree of the product; adapters translate what they meet into it, once.

RecordingControllerError
├── ConfigurationError          the file or a secret is wrong; says where
├── AddressUnavailable          what we are to listen on cannot be had
├── PbxError                    Asterisk did not do what was asked
│   ├── PbxUnreachable          no connection, or no answer in time
│   ├── PbxAuthenticationFailed the ARI user or password is wrong
│   ├── Gone                    the channel, bridge or recording no longer exists (404)
│   ├── NotNow                  it exists, but not in a state that allows this (409, 412)
│   └── PbxRefused              any other answer that is not a success
├── AgiError                    a FastAGI session cannot go on
│   ├── AgiHangup               the channel hung up, or the PBX closed the connection
│   └── AgiProtocolError        the peer does not speak FastAGI, or too slowly, or too much of it
├── StoreError                  what lies in the object store cannot be had, or not be put there
│   ├── StoreAway               it does not answer as it should: try again later
│   ├── ObjectGone              there is no such object
│   ├── SealBroken              it is damaged, or no key of ours opens it
│   └── ErasureNotKept          the file of erasures cannot be written: nothing is destroyed
├── AudioUnreadable             a file is no audio of the kind that Asterisk writes
├── NotForYou                   whoever asks may not have it, or not yet; says why
├── NotDelivered                who was to be told could not be, or did not take it: try again later
│   └── ReceiverGone            they want to be told nothing any more
├── ProviderAway                the OpenID provider does not answer as it should: try again later
├── NotProven                   what came from the OpenID provider says of nobody who they are
├── UnderWay                    somebody else does it at this moment
├── RegisterRefused             what was to be registered is faulty, and nothing of it is
└── DatabaseError               what was to be stored is not
    ├── DatabaseAway            PostgreSQL cannot be reached, or did not answer in time: try again later
    │   └── DatabaseNotMigrated it answers, but its tables are older than we are
    ├── DatabaseTaken           it is stored already, or something else stands in its place: look, and try again
    └── DatabaseRefused         PostgreSQL will never take this: do not try again
"""


class RecordingControllerError(Exception):
    """Whatever this product raises on purpose."""


class ConfigurationError(RecordingControllerError):
    """The configuration cannot be used; the text names file, line and path."""


class AddressUnavailable(RecordingControllerError):  # noqa: N818
    """What we are to listen on cannot be had; the text names the listener."""


class PbxError(RecordingControllerError):
    """Asterisk did not do what was asked."""


class PbxUnreachable(PbxError):  # noqa: N818 - reads as the state it tells
    """No connection, or no answer in time: what was asked may or may not have happened."""


class PbxAuthenticationFailed(PbxError):  # noqa: N818
    """The ARI user or password is wrong."""


class Gone(PbxError):  # noqa: N818
    """The channel, bridge or recording no longer exists (404)."""


class NotNow(PbxError):  # noqa: N818
    """It exists, but not in a state that allows this (409, 412)."""


class PbxRefused(PbxError):  # noqa: N818
    """Any other answer that is not a success."""


class AgiError(RecordingControllerError):
    """A FastAGI session cannot go on."""


class AgiHangup(AgiError):  # noqa: N818
    """The channel hung up, or the PBX closed the connection."""


class AgiProtocolError(AgiError):
    """The peer does not speak FastAGI, or too slowly, or too much of it."""


class AudioUnreadable(RecordingControllerError):  # noqa: N818
    """What is to be a recording is none that can be read; the text says what it is instead."""


class LogInRefused(RecordingControllerError):  # noqa: N818
    """No account has this name and this password."""


class TooManyAttempts(RecordingControllerError):  # noqa: N818
    """Too many have tried to log in; ``retry_s`` is when one may again, in seconds."""

    def __init__(self, retry_s: float) -> None:
        super().__init__("too many attempts to log in")
        self.retry_s = retry_s


class RegisterRefused(RecordingControllerError):  # noqa: N818
    """What was to be registered is faulty, and nothing of it is; ``faults`` has every reason, and no number."""

    def __init__(self, *faults: str) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))


class StoreError(RecordingControllerError):
    """What lies in the object store cannot be had, or not be put there."""


class StoreAway(StoreError):  # noqa: N818
    """The object store does not answer as it should: try again later."""


class ObjectGone(StoreError):  # noqa: N818
    """There is no such object."""


class SealBroken(StoreError):  # noqa: N818
    """What was sealed is damaged, or no key of ours opens it."""


class ErasureNotKept(StoreError):  # noqa: N818
    """The file of erasures cannot be written, or not be read: nothing is destroyed."""


class NotForYou(RecordingControllerError):  # noqa: N818
    """Whoever asks may not have it, or not yet; says why, and names nobody."""


class NotDelivered(RecordingControllerError):  # noqa: N818
    """Who was to be told could not be, or did not take it; the text says why, and names no address."""


class ReceiverGone(NotDelivered):
    """Who was to be told wants nothing any more: do not try again."""


class ProviderAway(RecordingControllerError):  # noqa: N818
    """The OpenID provider does not answer as it should; the text says how, and holds nothing that it has said."""


class NotProven(RecordingControllerError):  # noqa: N818
    """What came from the OpenID provider says of nobody who they are; the text says why, and names nobody."""


class UnderWay(RecordingControllerError):  # noqa: N818
    """Somebody else does it at this moment."""


class DatabaseError(RecordingControllerError):
    """What was to be stored is not."""


class DatabaseAway(DatabaseError):  # noqa: N818
    """PostgreSQL cannot be reached, or did not answer in time: try again later."""


class DatabaseNotMigrated(DatabaseAway):
    """PostgreSQL answers, but has not the tables that we need: try again once it is migrated."""


class DatabaseTaken(DatabaseError):  # noqa: N818
    """It is stored already, or something else stands in its place: look, and try again."""


class DatabaseRefused(DatabaseError):  # noqa: N818
    """PostgreSQL will never take this: do not try again."""
