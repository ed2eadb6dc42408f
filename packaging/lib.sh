# Shared by packaging/run and packaging/test, which source it: installs what is missing, configures
# and builds. All messages go to stderr, so that stdout belongs to the program.
# shellcheck shell=bash

# The script that sources this sets `root`, the top of the source tree, and `log_folder`.
readonly packages_file=${root:?}/packaging/packages.txt

# Exit codes, the program's own: wrong machine or usage; a passing trouble (network, disk).
readonly exit_unsupported=2 exit_try_again=75

say() { printf 'kinora: %s\n' "$*" >&2; }

# fail CODE MESSAGE...: one sentence or more that say what is wrong and what to do.
fail() {
    local code=$1
    shift
    say "$@"
    exit "$code"
}

# packages_of GROUP...: the package names below those groups.
packages_of() {
    awk -v wanted=" $* " '
        /^\[/ { inside = index(wanted, " " substr($0, 2, length($0) - 2) " ") > 0; next }
        inside && NF && !/^#/ { print $1 }' "$packages_file"
}

# Sets `tested` to yes on Debian 12; stops where there is no apt.
tested=no
detect_system() {
    local id='' version='' name='this system'
    if [[ -r /etc/os-release ]]; then
        # shellcheck source=/dev/null
        IFS='|' read -r id version name < <(
            . /etc/os-release && printf '%s|%s|%s\n' "${ID:-}" "${VERSION_ID:-}" "${PRETTY_NAME:-$name}"
        )
    fi
    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
        say "$name has no apt, so nothing can be installed for you. Install what these Debian" \
            "packages hold, then configure and build with" \
            "\"cmake --preset release && cmake --build build/release\":"
        packages_of "$@" | sed 's/^/    /' >&2
        exit "$exit_unsupported"
    fi
    if [[ $id == debian && $version == 12 ]]; then
        tested=yes
    else
        say "$name is untested; trying the packages of Debian 12."
    fi
}

# missing_packages NAME...: those that are not installed.
missing_packages() {
    local name
    local -A installed=()
    while read -r name; do
        installed[$name]=1
    done < <(dpkg-query -W -f '${db:Status-Status} ${binary:Package}\n' "$@" 2>/dev/null |
        sed -n 's/^installed \([^:]*\).*/\1/p')
    for name in "$@"; do
        [[ -n ${installed[$name]:-} ]] || printf '%s\n' "$name"
    done
}

# need_space FOLDER MEGABYTES WHAT
need_space() {
    local free
    free=$(df -Pm "$1" | awk 'NR == 2 { print $4 }')
    if ((free < $2)); then
        fail "$exit_try_again" "$3 needs about $2 MB in $1, where $free MB are free." \
            "Make room and run this again."
    fi
}

# install_packages GROUP...: does nothing where all are there.
install_packages() {
    detect_system "$@"
    local -a wanted missing as_root=()
    mapfile -t wanted < <(packages_of "$@")
    mapfile -t missing < <(missing_packages "${wanted[@]}")
    ((${#missing[@]})) || return 0

    say "Kinora is built on this machine and needs ${#missing[@]} Debian packages that are not" \
        "here: ${missing[*]}"
    if ((EUID != 0)); then
        command -v sudo >/dev/null || fail "$exit_unsupported" \
            "Installing them takes root, and there is no sudo here. Ask an administrator to run:" \
            "apt-get install --no-install-recommends ${missing[*]}"
        say "Installing them with sudo, which may ask for your password."
        as_root=(sudo)
    fi
    need_space /usr 1500 "Installing the packages"
    mkdir -p "${log_folder:?}"
    local log=$log_folder/packages.log
    : >"$log"

    if ! apt_get --simulate install --no-install-recommends "${missing[@]}" &>/dev/null; then
        update_lists "$log"
    fi
    say "Installing (about 300 MB to download where nothing is there yet; log: $log)"
    if ! apt_install "$log" "${missing[@]}"; then
        # The lists may be older than the servers: once more with fresh ones.
        update_lists "$log"
        apt_install "$log" "${missing[@]}" || {
            tail -n 15 "$log" >&2
            if [[ $tested == yes ]]; then
                fail "$exit_try_again" "The packages could not be installed; the lines above say why."
            else
                fail "$exit_unsupported" "The packages could not be installed; the lines above say" \
                    "why. Names may differ on this system: find its names for what is missing," \
                    "install them, and put them into $packages_file."
            fi
        }
    fi
}

apt_get() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
        apt-get -q -o DPkg::Lock::Timeout=600 "$@" </dev/null
}

apt_install() {
    local log=$1
    shift
    apt_get install -y --no-install-recommends "$@" >>"$log" 2>&1
}

update_lists() {
    say "Asking the package servers what they have (apt-get update)"
    if ! apt_get -o APT::Update::Error-Mode=any update >>"$1" 2>&1; then
        tail -n 8 "$1" >&2
        fail "$exit_try_again" "The package servers could not be reached or did not answer rightly" \
            "(the lines above say which). Check the network connection and /etc/apt/sources.list," \
            "then run this again."
    fi
}

# build_jobs: one for each core, fewer where memory is short (a Qt source takes up to 1 GB).
build_jobs() {
    local cores memory
    cores=$(nproc)
    memory=$(awk '/^MemAvailable:/ { print int($2 / 1000000) }' /proc/meminfo)
    ((memory >= 1)) || memory=1
    printf '%s\n' $((cores < memory ? cores : memory))
}

# logged LABEL LOG COMMAND...: runs it with its output in LOG and, of that, progress on the screen;
# where it fails, the end of the log is shown.
logged() {
    local label=$1 log=$2 status=0
    shift 2
    "$@" </dev/null 2>&1 | tee "$log" | show_progress "$label" || status=$?
    if ((status != 0)); then
        grep -m 1 -n -E 'error:|CMake Error|FAILED:' "$log" |
            sed 's/^/First trouble, line /' >&2 || true
        tail -n 40 "$log" >&2
        say "$label failed; the lines above are the end of $log"
    fi
    return "$status"
}

# Reads ninja's lines "[12/340] ..."; a terminal gets one line that counts, a pipe one line every
# twenty seconds.
show_progress() {
    local label=$1 line shown=$SECONDS
    while IFS= read -r line; do
        if [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]]; then
            if [[ -t 2 ]]; then
                printf '\rkinora: %s, %s of %s \033[K' "$label" "${BASH_REMATCH[1]}" \
                    "${BASH_REMATCH[2]}" >&2
            elif ((SECONDS - shown >= 20)); then
                say "$label, ${BASH_REMATCH[1]} of ${BASH_REMATCH[2]}"
                shown=$SECONDS
            fi
        fi
    done
    [[ ! -t 2 ]] || printf '\r\033[K' >&2
}

# alone_in FOLDER: one build at a time in a folder; released when the script ends or execs.
alone_in() {
    mkdir -p "$1" 2>/dev/null && exec 9>"$1/.kinora-lock" || fail "$exit_unsupported" \
        "Nothing can be written into $1: Kinora is built inside its source folder."
    flock -n 9 || {
        say "Another build is running in $1; waiting for it."
        flock 9
    }
}

# configure FOLDER PRESET OPTIONS...: only where the folder was not configured with the same before;
# ninja itself configures again when a CMake file changes.
configure() {
    local folder=$1 preset=$2 stamp want
    shift 2
    stamp=$folder/.kinora-configured
    want="$(sha256sum <"$root/CMakePresets.json") $preset $*"
    if [[ -f $folder/build.ninja && -f $stamp && $(<"$stamp") == "$want" ]]; then
        return 0
    fi
    mkdir -p "$folder"
    say "Configuring ($preset)"
    (cd "$root" && logged "Configuring" "$folder/configure.log" \
        cmake --preset "$preset" "$@") || exit 1
    printf '%s\n' "$want" >"$stamp"
}

# build FOLDER TARGET...
build() {
    local folder=$1
    shift
    # Objects are the same wherever the sources lie, so ccache may reuse those of another copy.
    export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
    if [[ -z ${CCACHE_DIR:-} && ! -w ${HOME:-/nowhere} ]]; then
        export CCACHE_DIR=$root/build/ccache
    fi
    NINJA_STATUS='[%f/%t] ' \
        logged "Building" "$folder/build.log" ninja -C "$folder" -j "$(build_jobs)" "$@" || exit 1
}
