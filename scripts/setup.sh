# Sourced by the scripts beside it: makes $root/.venv once, and again when what it depends on changes.
# Sets $root and $python. POSIX sh. Exits 3, saying what to install, where this machine lacks something.

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
venv="$root/.venv"
python="$venv/bin/python"

fail() {
    printf 'harness: %s\n' "$1" >&2
    exit 3
}

# The newest Python of 3.11 or later on PATH.
find_python() {
    for candidate in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    fail "needs Python 3.11 or newer on PATH (Debian and Ubuntu: apt install python3 python3-venv; macOS: brew install python)"
}

# prepare GROUP…: an environment with the project (editable, with its extras) and these dependency groups.
prepare() {
    stamp="$venv/.ready-$(printf '%s' "run $*" | tr -c 'a-z0-9' '-')"
    if [ -x "$python" ] && [ "$stamp" -nt "$root/pyproject.toml" ] && [ "$stamp" -nt "$root/constraints.txt" ]; then
        return
    fi
    printf 'harness: setting up %s (once; about a minute)\n' "$venv" >&2
    if command -v uv >/dev/null 2>&1; then
        [ -x "$python" ] || uv venv --quiet --python '>=3.11' "$venv" || fail "uv could not make $venv (its words are above)"
        install='uv pip install --quiet --python'
        set -- "$python" "$@"
    else
        if [ ! -x "$python" ]; then
            base=$(find_python) || exit 3
            "$base" -m venv "$venv" || {
                rm -rf "$venv"
                fail "cannot make a virtual environment: install the venv module (Debian and Ubuntu: apt install python3-venv), or uv"
            }
        fi
        install=''
        set -- "$python" "$@"
    fi
    shift
    groups=''
    for group in "$@"; do groups="$groups --group $root/pyproject.toml:$group"; done
    if [ -n "$install" ]; then
        # shellcheck disable=SC2086 # words on purpose
        $install "$python" --constraint "$root/constraints.txt" --editable "$root[run]" $groups || fail "the installation failed (its words are above)"
    else
        # Dependency groups need pip 25.1.
        "$python" -m pip install --quiet --disable-pip-version-check --constraint "$root/constraints.txt" --upgrade pip &&
            # shellcheck disable=SC2086 # words on purpose
            "$python" -m pip install --quiet --disable-pip-version-check --constraint "$root/constraints.txt" \
                --editable "$root[run]" $groups || fail "the installation failed (its words are above)"
    fi
    : >"$stamp"
}
