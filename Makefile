# Every target works from a fresh clone: Python 3.11 or later with its venv module is all that must be there.
PYTHON ?= python3
PY = .venv/bin/python
SERVERS ?= tests/servers
CLIENTS ?= tests/clients
BOOTSTRAP = $(PYTHON) project/launch/bootstrap.py

.DEFAULT_GOAL := help
.PHONY: help environment run demo life drill reset story test test-processes test-services test-outage test-proxies test-browser screenshots test-clients client-results client-table test-servers servers-table test-packages test-deploy bench-verify bench-feed bench-admin bench-growth bench-memory check audit sbom docs packages format lock

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

environment:  ## make .venv and install the lock, if it is not there or not current
	@$(BOOTSTRAP)

run: environment  ## issuer, API and example application on loopback, until Ctrl-C
	@exec $(PY) -m project.launch.run

demo: environment  ## the seven steps once, with evidence; exit 0 only if every one held
	@exec $(PY) -m project.launch.run --once

life: environment  ## the whole life of a signing key within two minutes, while the application goes on working
	@exec $(PY) -m project.launch.life

drill: environment  ## break a deployment on loopback, part by part, under load, and judge it; DRILL=quick, DRILL="quick json"
	@$(PY) -m project.drill $(addprefix --,$(DRILL))

reset: environment  ## forget databases, keys and demo secrets under var/
	@$(PY) -m project.launch.reset

story:  ## the seven steps, and the module that carries each
	@$(PYTHON) project/story.py

NEEDY = services or proxies or servers or browser or node or clients or packages or deploy
test: environment  ## every test that needs no service and starts no server
	@$(PY) -m pytest -n auto --dist loadgroup -m "not processes and not ($(NEEDY))"

test-processes: environment  ## the other tests that need no service: issuer, API and application as processes, and their commands
	@$(PY) -m pytest -n auto --dist loadgroup -m "processes and not ($(NEEDY))"

test-services: environment  ## the tests that need PostgreSQL, Redis, RabbitMQ and node, and those of the proxies; fails if one is missing
	@npm ci --prefix tests/clients/node --no-audit --no-fund --silent
	@$(PY) -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m services tests/services
	@$(MAKE) --no-print-directory test-proxies

test-proxies: environment  ## docs/proxies.md with nginx, HAProxy, Caddy and Apache, forward authentication with Traefik, too; needs PyPI
	@$(PY) -m pytest -m proxies

test-outage: environment  ## the tests that freeze and stop servers, kill workers and set clocks wrong (docs/operations.md)
	@$(PY) -m pytest -m outage

test-browser: environment  ## the pages in a real browser; fails if chromium, node or npm is missing
	@npm ci --prefix tests/clients/node --no-audit --no-fund --silent
	@$(PY) -m pytest -n 2 --dist loadgroup -m browser

screenshots: environment  ## a picture of each page, in light, dark and on a phone, in docs/images/
	@mkdir -p docs/images
	@SCREENSHOTS=docs/images $(PY) -m pytest -q -p no:randomly -m browser tests/browser/test_page_list.py tests/browser/test_admin_pages.py -k fit

test-clients: client-results  ## every client of docs/clients/, and foreign verifiers; fails if node, npm, nginx or chromium is missing
	@$(PY) -m tests.clients.recipes.table --check

client-results: environment  ## the same without the comparison of the table, or only the files of CLIENTS="…"
	@npm ci --prefix tests/clients/node --no-audit --no-fund --silent
	@$(PY) -m tests.clients.recipes.environments
	@$(PY) -m pytest $(CLIENTS)

client-table: client-results  ## run the clients, and write the table of docs/clients/README.md from the results
	@$(PY) -m tests.clients.recipes.table

test-servers: environment  ## docs/resource-servers/ with servers of Debian and PyPI, or only the files of SERVERS="…"; fails if one is missing
	@$(PY) -m pytest -n 2 --dist loadfile -m servers $(SERVERS)

servers-table: environment  ## write what the servers answered into the table of docs/resource-servers/README.md
	@WRITE_SERVERS_TABLE=1 $(MAKE) --no-print-directory test-servers

test-packages: environment  ## build and install both packages, and use them from outside; needs PyPI
	@$(PY) -m pytest -n 2 --dist loadgroup -m packages

test-deploy: environment  ## deploy/ by hadolint, kubectl kustomize, the schemas of Compose and Kubernetes, systemd-analyze and promtool; needs PyPI
	@$(PY) -m pytest -m deploy tests/deploy

check: environment  ## format, lint, types, migrations, deployment checks, the linters of deploy/, then test and test-processes
	@$(PY) -m project.launch.check
	@$(MAKE) --no-print-directory test-deploy
	@$(MAKE) --no-print-directory test
	@$(MAKE) --no-print-directory test-processes

.PHONY: bench bench-quick
bench: environment  ## the issuer and the API beside other systems, with targets; BASE=commit: the build before; 15 minutes
	@npm ci --prefix tests/clients/node --no-audit --no-fund --silent
	@$(PY) -m bench.run

bench-quick: environment  ## the same in three minutes, with fewer and shorter rounds
	@npm ci --prefix tests/clients/node --no-audit --no-fund --silent
	@$(PY) -m bench.run --quick

bench-verify: environment  ## what verification costs, in units of one raw RSA-2048 verify
	@$(PY) -m bench.verify

audit: environment  ## look the lock up in PyPI's advisories; fails if a package is vulnerable or cannot be looked up
	@$(PY) -m pip_audit --strict --require-hashes --disable-pip -r requirements.txt -r requirements-dev.txt

sbom: environment  ## write dist/keyturn.cdx.json, the CycloneDX bill of materials of the issuer's lock
	@mkdir -p dist && $(PY) -m project.launch.sbom >dist/keyturn.cdx.json

bench-feed: environment  ## what the revocation feed costs with a million entries, beside the build before; needs PostgreSQL
	@$(PY) -m bench.feed

bench-admin: environment  ## the admin's lists with a million events and users, and 100,000 clients; needs PostgreSQL
	@$(PY) -m bench.admin_lists

bench-growth: environment  ## latency of each endpoint with 10,000 and 10,000,000 rows in each table; GROWTH="--rows 200000"; an hour, 35 GB
	@$(PY) -m bench.growth $(GROWTH)

bench-memory: environment  ## memory of issuer and API over a million tokens and a million random kids; MEMORY="--tokens 100000"
	@$(PY) -m bench.memory $(MEMORY)

packages: environment  ## wheels and source distributions of `keyturn` and `keyturn-resources`, in dist/
	@.venv/bin/uv build --quiet --out-dir dist .
	@.venv/bin/uv build --quiet --out-dir dist resources

format: environment  ## put every file into the one format
	@$(PY) -m ruff format . && $(PY) -m ruff check --fix .

docs: environment  ## the documentation site in var/site/: links checked, nothing loaded from other hosts; needs PyPI once
	@$(PY) -m project.launch.docs_site

# `fewest` locks one Django for every Python: the LTS, as 3.11 has no later one.
lock: environment  ## pin the dependencies of pyproject.toml, tests/servers, tests/deploy, tests/proxies, deploy/ and docs/, with hashes
	@for extra in "--extra=redis --extra=metrics" "--extra=dev"; do \
	  .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-emit-find-links --no-header --no-annotate --upgrade --fork-strategy fewest pyproject.toml $$extra \
	    -o requirements$$([ "$$extra" = "--extra=dev" ] && echo -dev).txt || exit 1; done
	@for list in tests/servers/requirements tests/deploy/requirements tests/proxies/requirements "-c requirements-dev.txt deploy/requirements-webapp"; do \
	  .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-emit-find-links --no-header --no-annotate --upgrade $$list.in -o $${list##* }.txt || exit 1; done
	@$(PY) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["docs"])' \
	  | .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-emit-find-links --no-header --no-annotate --upgrade - -o docs/requirements.txt
