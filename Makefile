# bugevents: a PostgreSQL extension (PGXS) and its programs, gateway and carrier.
#
#   make demo        a live bug tracker in a minute
#   make test        everything that can fail
#   make fuzz        hostile bytes, a minute for each reader of them
#   make bench       what it costs, beside other designs and the floor
#   make torture     whether it keeps its promises while everything is killed
#   make deb         a Debian package, into build/;  make deb-smoke  installs it in a clean root
#   make             build;  make install;  make installcheck
#
# The version stands in bugevents.control; where it is repeated (docs/asyncapi.yaml,
# debian/changelog) it is compared.

EXTENSION = bugevents
# Not VERSION: that is PostgreSQL's, in PGXS.
BUGEVENTS_VERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" bugevents.control)
DATA = $(wildcard sql/bugevents--*.sql)
MODULE_big = bugevents

# Rooms, in the order in which the data moves.
SHARED_ROOMS = event pipe
SERVER_ROOMS = extension counters queue journal capture token clients explain stats responder projector courier dispatcher
SHARED_SRCS = $(wildcard $(SHARED_ROOMS:%=src/%/*.c))
SERVER_SRCS = $(wildcard $(SERVER_ROOMS:%=src/%/*.c))
GATEWAY_SRCS = $(wildcard src/gateway/*.c)
OBJS = $(SHARED_SRCS:.c=.o) $(SERVER_SRCS:.c=.o)

GATEWAY = src/gateway/bugevents-gateway
GATEWAY_PKGS = libwebsockets libuv openssl cjose jansson libseccomp

CARRIER = src/carrier/bugevents-carrier
CARRIER_PKGS = libcurl openssl jansson libseccomp
# With what the gateway has for any program.
CARRIER_SRCS = $(wildcard src/carrier/*.c) $(addprefix src/gateway/,filter.c memory.c process.c text.c)

REGRESS = setup attach capture actor types expressions partitions alter send token tracker access explain rights
ISOLATION = $(patsubst test/specs/%.spec,%,$(wildcard test/specs/*.spec))
# The dispatcher stays connected to the database, so it can't be dropped again.
ISOLATION_OPTS = --inputdir=test --use-existing
TAP_TESTS = 1

# PostgreSQL's own headers are not ours to warn about.
PG_CPPFLAGS = -isystem $(shell $(PG_CONFIG) --includedir-server) -Isrc -DBUGEVENTS_VERSION='"$(BUGEVENTS_VERSION)"'
PG_CFLAGS = -std=gnu11 -Wall -Wextra
ifdef WERROR
PG_CFLAGS += -Werror
endif

EXTRA_CLEAN = $(GATEWAY) $(CARRIER) $(wildcard src/gateway/*.o) build

# The module holds nothing that a query could inline.
override with_llvm := no

PG_CONFIG ?= pg_config
# The commands of two words install what PGXS needs, so they do without it.
ifeq (,$(filter demo test lint fuzz bench torture torture-bites postgresql-regress deb deb-smoke,$(MAKECMDGOALS)))
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)
endif

# What bugevents.database must say for make installcheck.
CONTRIB_TESTDB = bugevents_regress
ISOLATION_TESTDB = bugevents_regress

PROVE_TESTS = test/t/*.pl
PROVE_FLAGS = -I test/perl

PROGRAM_CPPFLAGS = -Isrc -DBUGEVENTS_VERSION='"$(BUGEVENTS_VERSION)"' -DBE_CLIENTS='"clients"'
PROGRAM_CFLAGS = -std=gnu11 -O2 -g -Wall -Wextra \
	-fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE \
	$(if $(WERROR),-Werror) $(PROGRAM_EXTRA_CFLAGS)
PROGRAM_LDFLAGS = -pie -Wl,-z,relro,-z,now

all: $(GATEWAY) $(CARRIER)

$(GATEWAY): $(GATEWAY_SRCS) $(SHARED_SRCS) $(wildcard src/gateway/*.h $(SHARED_ROOMS:%=src/%/*.h)) \
		$(wildcard clients/console/*) clients/js/bugevents.js Makefile bugevents.control
	$(CC) $(PROGRAM_CPPFLAGS) $(PROGRAM_CFLAGS) $$(pkg-config --cflags $(GATEWAY_PKGS)) \
		$(GATEWAY_SRCS) $(SHARED_SRCS) $(PROGRAM_LDFLAGS) -o $@ $$(pkg-config --libs $(GATEWAY_PKGS)) -lm

$(CARRIER): $(CARRIER_SRCS) $(wildcard src/carrier/*.h src/gateway/*.h src/pipe/*.h) Makefile bugevents.control
	$(CC) $(PROGRAM_CPPFLAGS) $(PROGRAM_CFLAGS) $$(pkg-config --cflags $(CARRIER_PKGS)) \
		$(CARRIER_SRCS) $(PROGRAM_LDFLAGS) -o $@ $$(pkg-config --libs $(CARRIER_PKGS)) -pthread

$(OBJS): $(wildcard src/*/*.h) Makefile bugevents.control

install: install-programs
.PHONY: install-programs
install-programs: $(GATEWAY) $(CARRIER)
	$(MKDIR_P) '$(DESTDIR)$(pkglibdir)'
	$(INSTALL_PROGRAM) $(GATEWAY) '$(DESTDIR)$(pkglibdir)/bugevents-gateway'
	$(INSTALL_PROGRAM) $(CARRIER) '$(DESTDIR)$(pkglibdir)/bugevents-carrier'

uninstall: uninstall-programs
.PHONY: uninstall-programs
uninstall-programs:
	rm -f '$(DESTDIR)$(pkglibdir)/bugevents-gateway' '$(DESTDIR)$(pkglibdir)/bugevents-carrier'

.PHONY: demo test lint fuzz bench torture torture-bites postgresql-regress deb deb-smoke
demo:
	@script/demo
test:
	@test/run
lint:
	@script/lint
fuzz:
	@test/fuzz/run
bench:
	@test/bench/run
# MINUTES=5 SEED=n SANITIZE=1
torture:
	@test/torture/run
torture-bites:
	@test/torture/bites
postgresql-regress:
	@test/postgresql-regress
deb:
	@script/deb
# As root: debootstrap makes the clean root.
deb-smoke: deb
	@script/deb-smoke
