#!/bin/sh
# Prepares this folder to run the program (`setup.sh run`) or its tests (`setup.sh test`): a virtual environment in
# .venv with the pinned requirements, and the system libraries that Qt needs. As root on Debian and Ubuntu what is
# missing is installed; otherwise the one line to paste is printed. A second time it only looks at a stamp.
set -eu
cd "$(dirname "$0")/.."

purpose=${1:?"usage: packaging/setup.sh run|test"}
case $purpose in
    run) requirements=packaging/requirements.txt ;;
    test) requirements=packaging/requirements-dev.txt ;;
    *) echo "usage: packaging/setup.sh run|test" >&2; exit 2 ;;
esac

say() { printf '%s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# --- what is done already -------------------------------------------------------------------------------------------

# With a display Qt loads one of these, which need more libraries; at another place .venv points to nowhere.
plugins="${DISPLAY:+libqxcb.so} ${WAYLAND_DISPLAY:+libqwayland.so}"
wanted="$PWD $plugins $(cat packaging/setup.sh "$requirements" pyproject.toml | cksum)"
stamp=.venv/ready-to-$purpose
if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && .venv/bin/python -c '' 2>/dev/null; then
    exit 0
fi

# --- packages of the system -----------------------------------------------------------------------------------------

has_apt() { command -v apt-get >/dev/null; }

# The first of several names that this release of Debian or Ubuntu knows, or else the last.
known_package() {
    for name in "$@"; do
        if apt-cache show "$name" >/dev/null 2>&1; then
            break
        fi
    done
    say "$name"
}

# Installs what is missing when root, without starting services that come along (redis-server would take its port).
# Otherwise says what to paste, and ends.
install_packages() {
    reason=$1
    shift
    if [ "$(id -u)" != 0 ]; then
        fail "$reason Paste this line, then try again:
  sudo apt-get update && sudo apt-get install -y --no-install-recommends $*"
    fi
    say "setup: $reason Installing $*"
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        trap 'rm -f $policy' EXIT
        trap 'exit 1' INT TERM HUP
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod +x $policy
    fi
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null </dev/null ||
        fail "apt-get could not install these packages: see above"
}

update_package_lists() {
    if [ "$(id -u)" = 0 ] && [ -z "${lists_updated-}" ]; then
        say "setup: reading the system's package lists"
        apt-get update -qq </dev/null || fail "apt-get update failed: see above"
        lists_updated=yes
    fi
}

# --- Python and .venv -----------------------------------------------------------------------------------------------

suits='import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))'
advice="Python 3.11, 3.12 or 3.13 is needed"

find_python() {
    for python in ${PYTHON:+"$PYTHON"} python3.11 python3.12 python3.13 python3; do
        if "$python" -c "$suits" >/dev/null 2>&1; then
            return
        fi
    done
    if ! has_apt; then
        fail "$advice and none was found. Install one, or name it: PYTHON=/path/to/python3.12 make ..."
    fi
    fail "$advice and none was found. Paste this line (Debian 12 or later, Ubuntu 24.04 or later), then try again:
  sudo apt-get update && sudo apt-get install -y python3 python3-venv"
}

if ! .venv/bin/python -c "$suits" 2>/dev/null || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    find_python
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        has_apt || fail "$python lacks the module ensurepip: install it, or name another Python: PYTHON=/path make ..."
        update_package_lists
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        install_packages "$python has no ensurepip." "$(known_package "python$version-venv" python3-venv)"
    fi
    say "setup: making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv || fail "$python could not make .venv: see above"
fi

say "setup: installing $requirements"
pip() {
    .venv/bin/python -m pip --disable-pip-version-check --no-input --quiet "$@" </dev/null
}
pip install --only-binary :all: --require-hashes -r "$requirements" ||
    fail "pip could not install the pinned requirements: see above (behind a mirror or proxy, pip wants PIP_INDEX_URL or PIP_CERT)"
pip install --no-deps --no-build-isolation --editable . || fail "pip could not install the program itself: see above"

# --- libraries of the system ----------------------------------------------------------------------------------------

# Says why Qt cannot start, or nothing when it can.
qt_complaint() {
    QT_QPA_PLATFORM=offscreen .venv/bin/python -c 'from PySide6.QtWidgets import QApplication; QApplication([])' \
        2>&1 >/dev/null | grep -E 'cannot open shared|Could not load|Error' | tail -n 1
    for plugin in $plugins; do
        ldd .venv/lib/python3.*/site-packages/PySide6/Qt/plugins/platforms/"$plugin" 2>/dev/null |
            sed -n 's/^[[:space:]]*\(.*\) => not found/\1 is missing/p' | head -n 1
    done
}

qt_packages() {
    known_package libglib2.0-0t64 libglib2.0-0
    say libgl1 libegl1 libxkbcommon0 libdbus-1-3 libfontconfig1
    case $plugins in
        *libqxcb*) say libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 libxcb-xkb1 libxkbcommon-x11-0 \
            libx11-xcb1 libxcb-randr0 libxcb-image0 libxcb-render-util0 ;;
    esac
    case $plugins in
        *libqwayland*) say libwayland-cursor0 libwayland-egl1 ;;
    esac
}

complaint=$(qt_complaint | head -n 1)
if [ -n "$complaint" ]; then
    has_apt || fail "Qt cannot start: $complaint. Install the library with your system's package manager."
    update_package_lists
    # shellcheck disable=SC2046  # one word a package
    install_packages "Qt cannot start: $complaint." $(qt_packages)
    complaint=$(qt_complaint | head -n 1)
    [ -z "$complaint" ] || fail "Qt still cannot start: $complaint"
fi

if [ "$purpose" = test ]; then
    # The tests start these servers beside those that come as wheels; the fonts make drawn text alike everywhere.
    missing=
    command -v redis-server >/dev/null || missing="redis-server"
    command -v redis-sentinel >/dev/null || missing="$missing redis-sentinel"
    command -v Xvfb >/dev/null || missing="$missing xvfb"
    command -v faketime >/dev/null || missing="$missing faketime"
    command -v ssh-agent >/dev/null || missing="$missing openssh-client"
    if has_apt; then
        for font in fonts-inter fonts-jetbrains-mono; do
            dpkg -s $font >/dev/null 2>&1 || missing="$missing $font"
        done
    fi
    if [ -n "$missing" ]; then
        has_apt || fail "the tests need these: $missing. Install them with your system's package manager."
        update_package_lists
        # shellcheck disable=SC2086  # one word a package
        install_packages "The tests need more." $missing
    fi
fi

printf '%s\n' "$wanted" >"$stamp"
