#!/bin/sh
# Installs what the tests start by themselves and pip cannot bring: PostgreSQL, from Debian, unless it is there.
set -eu
for postgres in "$(command -v postgres || true)" /usr/lib/postgresql/*/bin/postgres; do
    if [ -x "$postgres" ]; then
        exit 0
    fi
done
if ! command -v apt-get >/dev/null; then
    echo "PostgreSQL is not installed, and there is no apt-get to install it with" >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null; then
    as_root="sudo"
else
    echo "PostgreSQL is not installed; install it, or run this as root or with sudo: apt-get install postgresql" >&2
    exit 1
fi
$as_root apt-get update -qq
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends postgresql
