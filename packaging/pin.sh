#!/bin/sh
# Writes the pinned requirements from pyproject.toml, for all platforms and Python versions at once. Needs uv.
# Pins stay as they are unless asked otherwise: packaging/pin.sh --upgrade, or --upgrade-package NAME.
set -eu
cd "$(dirname "$0")/.."

pin() {
    output=$1
    shift
    uv --quiet pip compile pyproject.toml --group build --output-file "$output" --universal --python-version 3.11 \
        --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links \
        --custom-compile-command packaging/pin.sh "$@"
}

pin packaging/requirements.txt "$@"
pin packaging/requirements-dev.txt --group dev --constraints packaging/requirements.txt "$@"
