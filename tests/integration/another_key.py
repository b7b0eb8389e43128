"""For schemathesis: every request that has an idempotency key has another one, as a client's do.

What is no key is sent as it is.
"""

import re
from itertools import count
from typing import Any

import schemathesis

from controller.web.idempotency import KEY

_RIGHT = re.compile("[!-~]{1,255}")
_numbers = count(1)


@schemathesis.hook
def before_call(_context: schemathesis.HookContext, case: "schemathesis.Case[Any]", _words: dict[str, Any]) -> None:
    """Give it one."""
    if case.headers and _RIGHT.fullmatch(str(case.headers.get(KEY, ""))):
        case.headers[KEY] = f"key-{next(_numbers)}"
