# Installs what is missing, then runs. Needs make, Python 3.11 or newer, and root on Debian 12.

PYTHON ?= python3
VENV = .venv/bin

DEMO_PACKAGES = dehydrated pebble
TEST_PACKAGES = $(DEMO_PACKAGES) bind9 bind9-dnsutils busybox certbot chromium cron dovecot-imapd git haproxy \
	iproute2 knot knot-dnsutils lego mksh nftables nginx-light openssh-client openssh-server openssl \
	pdns-backend-sqlite3 pdns-server postfix postgresql strace systemd uacme unbound

.PHONY: help demo test bench performance dist try docs trust lock locked audit lint pictures ruff types all-tests unit e2e \
	demo-notice demo-packages test-packages
.NOTPARALLEL:
unexport PYTHONDONTWRITEBYTECODE # else each of the thousands of processes that the tests start compiles all anew

TEST_PACKAGES += fish lintian man-db zsh # for tests of what is built

help: ## show this list
	@sed -n 's/^\([a-z0-9]*\)[a-z ]*:.*## /make \1	/p' Makefile | expand -t 14

demo: demo-notice demo-packages .venv/demo ## issue a certificate from a CA of your own, and show each step
	@$(VENV)/python demo/demo.py

test: test-packages .venv/test .venv-certbot/installed .venv-ansible/wheels ## run everything that follows but the bench
	@$(MAKE) --no-print-directory --keep-going ruff types all-tests

lint: ruff types ## ruff and mypy

ruff: .venv/test
	$(VENV)/ruff check && $(VENV)/ruff format --check --quiet

types: .venv/test
	$(VENV)/mypy --strict -p dns01

docs: .venv/test ## write what the documentation takes from the code, and build its HTML and man pages in docs/build
	@$(VENV)/python docs/update.py
	@$(VENV)/sphinx-build -q -W --keep-going -b html docs docs/build/html
	@$(VENV)/sphinx-build -q -W --keep-going -b man -t man docs docs/build/man

pictures: test-packages .venv/test ## draw the terminals in docs/pictures
	@$(VENV)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs,test]'
	@$(VENV)/python docs/draw_pictures.py

all-tests: # those end to end wait for most of their time: the others compute beside them
	$(VENV)/python -m pytest -n 8 --dist worksteal

unit: test-packages .venv/test ## all tests but the ones end to end
	$(VENV)/python -m pytest -n 6 --dist worksteal --ignore tests/e2e # they wait for half of the time

e2e: test-packages .venv/test .venv-certbot/installed .venv-ansible/wheels ## real clients, a real CA, real name servers
	$(VENV)/python -m pytest -n 6 --dist worksteal tests/e2e

trust: test-packages .venv/test ## tests/trust at length: kills, races, faults and inputs, for some hours
	@rm -f trust.jsonl
	TRUST=long TRUST_FIGURES=$(CURDIR)/trust.jsonl $(VENV)/python -m pytest -n 3 --dist worksteal tests/trust
	TRUST=long $(VENV)/python -m pytest -n 3 --dist worksteal tests/providers -k processes
	TRUST=long $(VENV)/python -m pytest tests/hooks/issue/fleet -k three_machines
	@$(VENV)/python docs/reliability.py trust.jsonl

lock: .venv/test ## write the versions that the tests need, with hashes, to requirements.lock
	@$(VENV)/python packaging/lock.py > requirements.lock.new && mv requirements.lock.new requirements.lock

locked: ## install what is locked in an environment of its own, by its hashes, and see that it fits together
	@rm -rf .venv-locked
	@$(PYTHON) -m venv .venv-locked
	.venv-locked/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@.venv-locked/bin/python -m pip check && rm -rf .venv-locked

audit: requirements.lock .venv-audit/bin/pip-audit ## ask an index for known vulnerabilities in what is locked
	@.venv-audit/bin/pip-audit --requirement requirements.lock --disable-pip --strict || { \
		echo 'Where the index of advisories is out of reach, this says nothing about vulnerabilities.'; exit 1; }

requirements.lock:
	@$(MAKE) --no-print-directory lock

.PHONY: deb
dist deb: .venv/test ## build all that is published, the Debian package too, from the last commit into dist/
	@$(VENV)/python packaging/dist.py

# As root, with debootstrap and a network; WAYS="deb pyz", SUITE=trixie.
try: .venv/test ## install each package of dist/ on a bare Debian, and order a certificate there
	@.ci/install-debian debootstrap
	@$(VENV)/python packaging/trial.py --suite $(or $(SUITE),bookworm) $(WAYS)

# Each with the seconds that it may take: less than a quarter of an hour together.
PERFORMANCE = "380 issue.py 500 20 3" "160 certbot.py" "60 http_api.py" "60 publishing.py 20" "60 startup.py" \
	"110 questions.py" "130 wait.py"

performance: test-packages .venv/test .venv-certbot/installed ## the figures of docs/performance.rst, on a machine at rest
	@failed=; for bench in $(PERFORMANCE); do set -- $$bench; seconds=$$1; shift; echo "bench/$$*"; \
		timeout --kill-after 5 $$seconds $(VENV)/python "bench/$$@" || failed=yes; done; [ ! "$$failed" ]

bench: test-packages .venv/test .venv-certbot/installed ## measurements
	@failed=; for bench in bench/*.py; do echo "$$bench"; $(VENV)/python "$$bench" || failed=yes; done; [ ! "$$failed" ]

demo-notice:
	@echo "What is missing gets installed: Debian's $(DEMO_PACKAGES) (no service is started),"
	@echo "and dns01 with the Python packages it needs into .venv in this folder."

demo-packages:
	@.ci/install-debian $(DEMO_PACKAGES)

test-packages:
	@.ci/install-debian $(TEST_PACKAGES)

.venv/demo: setup.cfg
	$(call virtual-environment,.venv,--editable '.[demo]')
	@touch $@

.venv/test: setup.cfg
	$(call virtual-environment,.venv,--editable '.[test]')
	@touch $@ .venv/demo

# Of its own, so that certbot's dependencies do not decide the versions of ours; with our plugin in it.
.venv-certbot/installed: setup.cfg
	$(call virtual-environment,.venv-certbot,--upgrade --editable '.[certbot]')
	@touch $@

.venv-audit/bin/pip-audit:
	$(call virtual-environment,.venv-audit,pip-audit)

# And what the role's tests, which have no network, install: our own dependencies, and what builds us.
.venv-ansible/wheels: setup.cfg .venv/test
	$(call virtual-environment,.venv-ansible,'ansible-core>=2.16' 'ansible-lint>=25')
	@rm -rf $@
	@$(VENV)/python -c 'from importlib.metadata import requires; \
		print(*(each for each in requires("dns01-hook") if "extra" not in each), "setuptools>=77", sep="\n")' | \
		.venv-ansible/bin/python -m pip download --quiet --disable-pip-version-check --dest $@ --requirement /dev/stdin

define virtual-environment
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || .ci/install-debian python3-venv
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'dns01 needs Python 3.11 or newer; to name another: make PYTHON=python3.12'; exit 1; }
	@echo "Installing $(2) into $(1)"
	@$(PYTHON) -m venv $(1)
	@$(1)/bin/python -m pip install --quiet --disable-pip-version-check $(2)
endef
