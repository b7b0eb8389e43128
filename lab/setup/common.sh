# What the set-up scripts share. Sourced, never run.

cache="${XDG_CACHE_HOME:-$HOME/.cache}/recording-controller"
log=$(mktemp)
trap 'rm -f "$log"' EXIT

say() { echo "set-up: $*"; }

# fail MESSAGE: say it, with the end of what the last command printed, and stop.
fail() {
    tail -n 30 "$log" >&2
    echo "set-up: $*" >&2
    exit 1
}

# as_root COMMAND...: run it as root, through sudo where we are not root; never asks for a password.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

# need_root: stop with a hint where sudo would ask for a password.
need_root() {
    [ "$(id -u)" -eq 0 ] || sudo -n true 2>"$log" || fail "root is needed here: run sudo -v first, or make as root"
}

docker_engine() { command -v docker >/dev/null 2>&1 && docker info >/dev/null 2>&1; }

# suitable_python: print the first Python of 3.11 or later that can make a virtual environment.
suitable_python() {
    for candidate in ${PYTHON:-} python3 /usr/bin/python3 python3.13 python3.12 python3.11; do
        "$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        echo "$candidate"
        return 0
    done
    return 1
}
