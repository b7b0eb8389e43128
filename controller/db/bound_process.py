"""A program that replaces itself with another one, which ends when the process that started it ends.

Run by path, not imported: ``python bound_process.py PARENT SIGNAL UID GID PROGRAM ARGUMENT…``. It stands between fork
and exec, where Python code in the parent would not be safe with threads. The order matters: Linux forgets the
parent-death signal when the user changes (prctl(2)).
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Become the program, as the given user."""
    parent, signal_number, uid, gid = (int(word) for word in sys.argv[1:5])
    command = sys.argv[5:]
    os.umask(0o077)
    if os.geteuid() != uid:
        os.setgroups([gid])
        os.setgid(gid)
        os.setuid(uid)
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0):
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        sys.exit("the process that started this one is gone")
    os.execv(command[0], command)  # noqa: S606 - no shell is what is wanted


if __name__ == "__main__":
    main()
