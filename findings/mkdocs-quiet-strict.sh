#!/usr/bin/env bash
# MkDocs 1.6.1 and Material for MkDocs 9.8.2: `--quiet` turns `--strict` off, and the plugin `offline` loads from a CDN.
#
# Behaviour: `mkdocs build --strict` exits with 1 for a broken link. With `--quiet` beside it, it exits with 0, because the
# quiet logger drops the warnings that the strict mode counts. The plugin `offline`, which makes a site for file://
# addresses, puts a script of https://unpkg.com into each page, unless the plugin `privacy` is on as well.
# One would guess that `--quiet` changes the output only, and that an offline site loads nothing from another host.
# Remedy: capture the output instead of `--quiet`; leave `offline` out, or add `privacy`.
#
# Output seen:
#   --strict: exit 1
#   --strict --quiet: exit 0
#   offline: <script src="https://unpkg.com/iframe-worker/shim"
#
# Needs python3 with venv and pip. Opens no socket after the installation. Exits with 1 if the behaviour differs.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq mkdocs==1.6.1 mkdocs-material==9.8.2 2>/dev/null
mkdir docs
echo '[broken](nothing.md)' >docs/index.md
echo 'site_name: x' >mkdocs.yml
export NO_MKDOCS_2_WARNING=1

loud=0
venv/bin/mkdocs build --strict >/dev/null 2>&1 || loud=$?
echo "--strict: exit $loud"
quiet=0
venv/bin/mkdocs build --strict --quiet >/dev/null 2>&1 || quiet=$?
echo "--strict --quiet: exit $quiet"

echo '# Start' >docs/index.md
printf 'site_name: x\ntheme: {name: material, font: false}\nplugins: [search, offline]\n' >mkdocs.yml
venv/bin/mkdocs build --quiet
script=$(grep -o '<script src="https://[^"]*"' site/index.html || true)
echo "offline: $script"

[ "$loud" = 1 ] && [ "$quiet" = 0 ] && [ -n "$script" ]
