#!/bin/sh
# Installs what the tests start by themselves and pip cannot bring, from Debian: PostgreSQL, the shells whose Tab key is
# tested, what shows manual pages, and LLDB. What is there stays.
set -eu
missing=""
for program in zsh:zsh fish:fish man:man-db groff:groff-base lldb-22:lldb-22; do
    command -v "${program%:*}" >/dev/null || missing="$missing ${program#*:}"
done
found=""
for postgres in "$(command -v postgres || true)" /usr/lib/postgresql/*/bin/postgres; do
    if [ -x "$postgres" ]; then
        found=yes
    fi
done
[ -n "$found" ] || missing="$missing postgresql"
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null; then
    echo "not installed, and there is no apt-get to install it with:$missing" >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null; then
    as_root="sudo"
else
    echo "not installed; install it, or run this as root or with sudo: apt-get install$missing" >&2
    exit 1
fi
$as_root apt-get update -qq
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing
