# bugevents: a PostgreSQL extension (PGXS) and its programs, gateway, verifier and carrier.
#
#   make demo        a live bug tracker in a minute
#   make test        everything that can fail
#   make check-one T=005_resume   one test, in seconds;  make gateway-test T=replay
#   make unit        the parts in pure C alone, in seconds
#   make fuzz        hostile bytes, a minute for each reader of them
#   make bench       what it costs, beside other designs and the floor;  make bench-gate  a commit's instructions beside those recorded
#   make torture     whether it keeps its promises while everything is killed, and in thousands of random worlds
#   make property    the random worlds alone: SEED=n COUNT=m
#   make worlds      who sees what, on every way, in a thousand random worlds: SEED=n COUNT=m;  make worlds-bite state-random state-bites  in wrong builds
#   make statistics  numbers of projects, users and bugs after 10,000 random changes and kills: COUNT=n
#   make nuisance    whether anybody who does what one may do holds up the others
#   make floods      what a gateway's clients notice of floods, and what these leave behind
#   make trackers    Redmine of Debian with its recipe, in a clean root
#   make matrix      the tests on each PostgreSQL and Debian, in clean roots
#   make deb         a Debian package, into build/;  make deb-smoke  installs it in a clean root
#   make docker-smoke   the Dockerfile's steps in clean roots
#   make dist        a release, into build/;  make rpm  an rpm of it
#   make             build;  make install;  make installcheck
#
# The version stands in bugevents.control; where it is repeated (docs/asyncapi.yaml,
# debian/changelog) it is compared.

EXTENSION = bugevents
# Not VERSION: that is PostgreSQL's, in PGXS.
BUGEVENTS_VERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" bugevents.control)
DATA = $(wildcard sql/bugevents--*.sql)
MODULE_big = bugevents

# The module: what runs in PostgreSQL, and of the common half what it shares with the programs.
OBJS = $(patsubst %.c,%.o,src/module.c $(wildcard $(addsuffix /*.c,src/common/event src/common/pipe \
	src/common/text src/server/* src/notify/*)))

# The programs, from objects of their own: they are built with other flags.
COMMON_SRCS = $(wildcard src/common/*/*.c)

GATEWAY = src/gateway/bugevents-gateway
GATEWAY_PKGS = libwebsockets libuv openssl jansson libseccomp
GATEWAY_SRCS = $(wildcard src/gateway/*/*.c) $(COMMON_SRCS)

VERIFIER = src/verifier/bugevents-verifier
VERIFIER_PKGS = openssl cjose jansson libseccomp
VERIFIER_SRCS = $(wildcard src/verifier/*/*.c) $(COMMON_SRCS)

CARRIER = src/carrier/bugevents-carrier
CARRIER_PKGS = libcurl openssl jansson libseccomp
CARRIER_SRCS = $(wildcard src/carrier/*/*.c) $(COMMON_SRCS)

REGRESS = setup attach kinds advice trust principals capture net follow actor types expressions partitions alter send consume token tracker access explain rights time
ISOLATION = $(patsubst test/specs/%.spec,%,$(wildcard test/specs/*.spec))
# The dispatcher stays connected to the database, so it can't be dropped again.
ISOLATION_OPTS = --inputdir=test --use-existing
TAP_TESTS ?= 1

# PostgreSQL's own headers are not ours to warn about.
PG_CPPFLAGS = -isystem $(shell $(PG_CONFIG) --includedir-server) -Isrc -DBUGEVENTS_VERSION='"$(BUGEVENTS_VERSION)"'
# The module exports what PostgreSQL calls; from 16 on that is so for all modules.
PG_CPPFLAGS += -DPGDLLEXPORT='__attribute__((visibility("default")))'
PG_CFLAGS = -std=gnu11 -fvisibility=hidden -Wall -Wextra -MMD -MP
# PostgreSQL's flags may be for gcc.
ifneq (,$(findstring clang,$(CC)))
PG_CFLAGS += -Wno-ignored-optimization-argument -Wno-unknown-warning-option
endif
ifdef WERROR
PG_CFLAGS += -Werror
endif

EXTRA_CLEAN = $(GATEWAY) $(VERIFIER) $(CARRIER) $(OBJS:.o=.d) build

# The module holds nothing that a query could inline.
override with_llvm := no

PG_CONFIG ?= pg_config
# The commands of two words install what PGXS needs, so they do without it.
ifeq (,$(filter demo test check-one unit gateway-test lint fuzz bench bench-gate property statistics mail-pictures nuisance floods worlds worlds-bite state-random state-bites torture torture-bites trackers matrix postgresql-regress dist rpm deb deb-smoke docker-smoke,$(MAKECMDGOALS)))
# With several majors installed, which one: Debian's pg_config is the newest one's.
ifneq (,$(word 2,$(wildcard /usr/lib/postgresql/*/bin/pg_config)))
$(info bugevents: for $(shell $(PG_CONFIG) --version); PG_CONFIG says which)
endif
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)
endif

# What bugevents.database must say for make installcheck.
CONTRIB_TESTDB = bugevents_regress
ISOLATION_TESTDB = bugevents_regress

PROVE_TESTS = test/t/*.pl
PROVE_FLAGS = -I test/perl

PROGRAM_CPPFLAGS = -Isrc -DBUGEVENTS_VERSION='"$(BUGEVENTS_VERSION)"' -DBEV_CLIENTS='"clients"'
PROGRAM_CFLAGS = -std=gnu11 -O2 -g -Wall -Wextra \
	-fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE \
	$(if $(WERROR),-Werror) $(PROGRAM_EXTRA_CFLAGS)
PROGRAM_PKG_CFLAGS := $(shell pkg-config --cflags $(GATEWAY_PKGS) $(VERIFIER_PKGS) $(CARRIER_PKGS) 2>/dev/null)
PROGRAM_LDFLAGS = -pie -Wl,-z,relro,-z,now

all: $(GATEWAY) $(VERIFIER) $(CARRIER)

# Where the programs' objects go; another one for other flags (test/run's sanitizers).
PROGRAM_OBJ = build/program

$(GATEWAY): $(GATEWAY_SRCS:src/%.c=$(PROGRAM_OBJ)/%.o)
	$(CC) $(PROGRAM_CFLAGS) $^ $(PROGRAM_LDFLAGS) -o $@ $$(pkg-config --libs $(GATEWAY_PKGS)) -lm

$(VERIFIER): $(VERIFIER_SRCS:src/%.c=$(PROGRAM_OBJ)/%.o)
	$(CC) $(PROGRAM_CFLAGS) $^ $(PROGRAM_LDFLAGS) -o $@ $$(pkg-config --libs $(VERIFIER_PKGS))

$(CARRIER): $(CARRIER_SRCS:src/%.c=$(PROGRAM_OBJ)/%.o)
	$(CC) $(PROGRAM_CFLAGS) $^ $(PROGRAM_LDFLAGS) -o $@ $$(pkg-config --libs $(CARRIER_PKGS)) -pthread

$(PROGRAM_OBJ)/%.o: src/%.c Makefile bugevents.control
	@mkdir -p $(@D)
	$(CC) $(PROGRAM_CPPFLAGS) $(PROGRAM_CFLAGS) $(PROGRAM_PKG_CFLAGS) -MMD -MP -c $< -o $@

# The console's files are part of the program.
$(PROGRAM_OBJ)/gateway/client/console.o: $(wildcard clients/console/* clients/js/*.js) docs/asyncapi.yaml

$(OBJS): Makefile bugevents.control

# What each object was made from, as the compiler found it.
-include $(wildcard $(PROGRAM_OBJ)/*/*/*.d) $(OBJS:.o=.d)

install: install-programs
.PHONY: install-programs
install-programs: $(GATEWAY) $(VERIFIER) $(CARRIER)
	$(MKDIR_P) '$(DESTDIR)$(pkglibdir)'
	$(INSTALL_PROGRAM) $(GATEWAY) '$(DESTDIR)$(pkglibdir)/bugevents-gateway'
	$(INSTALL_PROGRAM) $(VERIFIER) '$(DESTDIR)$(pkglibdir)/bugevents-verifier'
	$(INSTALL_PROGRAM) $(CARRIER) '$(DESTDIR)$(pkglibdir)/bugevents-carrier'

uninstall: uninstall-programs
.PHONY: uninstall-programs
uninstall-programs:
	rm -f '$(DESTDIR)$(pkglibdir)/bugevents-gateway' '$(DESTDIR)$(pkglibdir)/bugevents-verifier' '$(DESTDIR)$(pkglibdir)/bugevents-carrier'

.PHONY: demo pictures test check-one unit gateway-test lint fuzz bench bench-gate property statistics mail-pictures nuisance floods worlds worlds-bite state-random state-bites torture torture-bites trackers matrix postgresql-regress dist rpm deb deb-smoke docker-smoke
demo:
	@script/demo
# Of the console, for the documents
pictures:
	@script/pictures
test:
	@test/run
# T=005_resume, or the name of any other test: see test/run
check-one:
	@test/run one "$(T)"
gateway-test:
	@test/run one "gateway/$(T)"
unit:
	@test/run kept unit
lint:
	@script/lint
fuzz:
	@test/fuzz/run
bench:
	@test/bench/run
# RECORD=1 records them.
bench-gate:
	@test/bench/gate
# MINUTES=5 SEED=n SANITIZE=1
torture:
	@test/torture/run
	@test/property/run --count $(or $(COUNT),3000) --seed $(or $(SEED),$$(date +%s))
# SEED=1 COUNT=100
property:
	@test/property/run
statistics:
	@BUGEVENTS_CHANGES=$(or $(COUNT),10000) test/run one 411
worlds:
	@test/worlds/run --count $(or $(COUNT),1000) --seed $(or $(SEED),1)
worlds-bite:
	@test/worlds/run --bites --count $(or $(COUNT),12)
# Rows and their stream in a gateway, at random.  SEED=1 COUNT=500
state-random:
	@test/run kept build && test/gateway/state_random.py $(or $(SEED),1) $(or $(COUNT),500)
state-bites:
	@test/gateway/state_bites
# The mails of docs/notifications.md, in a browser.
mail-pictures:
	@test/mail_pictures docs/images/mails
nuisance:
	@test/nuisance/run

floods: $(GATEWAY)
	@test/gateway/floods.py --long
torture-bites:
	@test/torture/bites
# PG="15 17 18", as root: debootstrap makes the clean roots.
matrix:
	@test/matrix
# As root: debootstrap makes the clean root.
trackers:
	@test/trackers/run
postgresql-regress:
	@test/postgresql-regress
# The committed tree as a release, from which everything builds and tests.
RELEASE = build/bugevents-$(BUGEVENTS_VERSION)
dist:
	@mkdir -p build
	git archive --format=tar.gz --prefix=bugevents-$(BUGEVENTS_VERSION)/ -o $(RELEASE).tar.gz HEAD
# For the PostgreSQL of PG_CONFIG.
rpm: dist
	rpmbuild -bb packaging/bugevents.spec $(RPM_FLAGS) \
		--define '_topdir $(CURDIR)/build/rpm' --define '_sourcedir $(CURDIR)/build' \
		--define "pgmajorversion $$($(PG_CONFIG) --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')" \
		--define "pginstdir $$(dirname $$($(PG_CONFIG) --bindir))"
deb:
	@script/deb
# As root: debootstrap makes the clean root.
deb-smoke: deb
	@script/deb-smoke
# The steps of the Dockerfile, without Docker.
docker-smoke:
	@test/package/docker
