# connector-milter: one Makefile, no configure step.
#
#   make            build the two programs into build/
#   make demo       install what is missing, show the milter behind a Postfix
#   make check      install what is missing, run every test
#   make install    PREFIX=/usr/local, DESTDIR= as usual
#
# CC, CFLAGS, LDFLAGS, PREFIX, DESTDIR are yours to set. V=1 shows commands.

VERSION := 0.1

PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
SBINDIR ?= $(PREFIX)/sbin
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/connector-milter
UNITDIR ?= $(PREFIX)/lib/systemd/system
PKG_CONFIG ?= pkg-config
CFLAGS ?= -O2 -g

BUILD ?= build
SAN ?=
WERROR ?=

MAKEFLAGS += --no-builtin-rules
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $(2))

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion \
	-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wformat=2 -Wvla \
	-Wswitch-enum -Wimplicit-fallthrough -Wnull-dereference \
	-Wframe-larger-than=16384
ifneq (,$(findstring clang,$(notdir $(CC))))
WARN += -Wmissing-variable-declarations
endif

HARDEN := -fstack-protector-strong -fPIE
ifeq ($(SAN),)
HARDEN += -D_FORTIFY_SOURCE=2
else
HARDEN += -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all
endif

ALL_CPPFLAGS := -Iinclude -D_DEFAULT_SOURCE -D_GNU_SOURCE \
	-DVERSION='"$(VERSION)"' -DSYSCONFDIR='"$(SYSCONFDIR)"' $(CPPFLAGS)
ALL_CFLAGS := -std=c17 -pthread $(WARN) $(WERROR) $(HARDEN) $(CFLAGS)
ALL_LDFLAGS := -pthread -pie -Wl,-z,relro,-z,now \
	$(if $(SAN),-fsanitize=$(SAN)) $(LDFLAGS)

# libmilter and iniparser 4.1 have no pkg-config file on Debian 12.
LIBS_CORE := -liniparser \
	$(shell $(PKG_CONFIG) --libs libidn2 libcrypto 2>/dev/null || \
	echo -lidn2 -lcrypto)
LIBS_MILTER := -lmilter

# The rooms of the programs; every other room goes into the archive.
DAEMON_ROOMS := main keeper process milter milter_signal waker
CTL_ROOMS := ctl $(patsubst milter/%.c,%,$(wildcard milter/ctl_*.c))
ROOMS := $(filter-out $(DAEMON_ROOMS) $(CTL_ROOMS),\
	$(patsubst milter/%.c,%,$(wildcard milter/*.c)))

ARCHIVE := $(BUILD)/libconnector.a
PROGRAMS := $(BUILD)/connector-milter $(BUILD)/connectorctl
C_TESTS := $(patsubst t/%.c,$(BUILD)/t/%.t,$(wildcard t/*.c))
MANUALS := milter/connector-milter.8 milter/connectorctl.8 \
	milter/connector-milter.ini.5

.PHONY: all demo check check-long bench lint format docs install \
	uninstall clean deps tests

all: $(PROGRAMS)

tests: all $(C_TESTS)

$(BUILD)/%.o: milter/%.c Makefile
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(ARCHIVE): $(ROOMS:%=$(BUILD)/%.o)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/connector-milter: $(DAEMON_ROOMS:%=$(BUILD)/%.o) $(ARCHIVE)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_MILTER) $(LIBS_CORE)

$(BUILD)/connectorctl: $(CTL_ROOMS:%=$(BUILD)/%.o) $(ARCHIVE)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_CORE)

$(BUILD)/t/%.t: t/%.c $(ARCHIVE) Makefile
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) -It $(ALL_CFLAGS) -MMD -MP -MF $(@:.t=.d) \
	    $(ALL_LDFLAGS) -o $@ $< $(ARCHIVE) $(LIBS_CORE)

-include $(wildcard $(BUILD)/*.d $(BUILD)/t/*.d)

deps:
	@contrib/install-deps

demo: deps
	$(Q)$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) contrib/demo

# Every test, each C test also under the sanitizers. About 5 minutes.
SCRIPT_TESTS := $(sort $(wildcard t/*.t))
PROVE := prove --timer
PROVE_C := $(PROVE) -e ''
# Those with threads of their own.
TSAN_TESTS := $(patsubst %,$(BUILD)-tsan/t/%.t,threads limit_threads writer \
	tarpit log protolog_faults control)

check: deps
	$(Q)$(MAKE) --no-print-directory -j2 WERROR=-Werror tests
	$(Q)$(MAKE) --no-print-directory -j2 WERROR=-Werror \
	    BUILD=$(BUILD)-asan SAN=address,undefined tests
	$(Q)$(MAKE) --no-print-directory -j2 WERROR=-Werror \
	    BUILD=$(BUILD)-tsan SAN=thread $(TSAN_TESTS)
	$(Q)$(PROVE_C) $(C_TESTS)
	$(Q)SELECTION_CASES=200000 \
	    $(PROVE_C) $(C_TESTS:$(BUILD)/%=$(BUILD)-asan/%)
	$(Q)$(PROVE_C) $(TSAN_TESTS)
	$(Q)BUILD=$(BUILD) $(PROVE) $(SCRIPT_TESTS)

# The same with far more cases; for the patient.
check-long: check
	$(Q)SELECTION_CASES=100000000 $(PROVE_C) $(BUILD)/t/selection.t
	$(Q)LIMIT_EVENTS=1000000000 $(PROVE_C) $(BUILD)/t/limit_storm.t

# What it costs, beside a bare libmilter filter in the same run: 8 minutes, 2
# with BENCH=short. strace and valgrind are used where they are.
BENCHES := $(patsubst t/bench/%.c,$(BUILD)/bench/%,$(wildcard t/bench/*.c))

$(BUILD)/bench/%: t/bench/%.c $(wildcard t/bench/*.h) $(ARCHIVE) Makefile
	$(call say,BENCH,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) -It $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< \
	    -Wl,--as-needed $(ARCHIVE) $(LIBS_MILTER) $(LIBS_CORE)

bench: deps
	$(Q)$(MAKE) --no-print-directory all $(BENCHES)
	$(Q)BUILD=$(BUILD) t/bench/run

# What is generated from the tables of the program: parts of the manuals.
docs: all
	$(Q)contrib/generate-docs $(BUILD)/connectorctl

# Both compilers with -Werror, and every analyzer that is installed.
lint:
	$(Q)contrib/lint

format:
	$(Q)clang-format -i milter/*.c include/*.h t/*.c t/*.h \
	    t/bench/*.c t/bench/*.h

install: all
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(BINDIR) \
	    $(DESTDIR)$(MANDIR)/man8 $(DESTDIR)$(MANDIR)/man5 \
	    $(DESTDIR)$(DOCDIR)/examples/connectors.d $(DESTDIR)$(UNITDIR)
	install -m 755 $(BUILD)/connector-milter $(DESTDIR)$(SBINDIR)/
	install -m 755 $(BUILD)/connectorctl $(DESTDIR)$(BINDIR)/
	install -m 644 $(filter %.8,$(MANUALS)) $(DESTDIR)$(MANDIR)/man8/
	install -m 644 $(filter %.5,$(MANUALS)) $(DESTDIR)$(MANDIR)/man5/
	install -m 644 README INSTALL $(DESTDIR)$(DOCDIR)/
	install -m 644 etc/*.ini etc/*.example etc/recipients etc/policy-tests \
	    $(DESTDIR)$(DOCDIR)/examples/
	install -m 644 etc/connectors.d/*.ini \
	    $(DESTDIR)$(DOCDIR)/examples/connectors.d/
	sed 's,@SBINDIR@,$(SBINDIR),' contrib/connector-milter.service \
	    > $(DESTDIR)$(UNITDIR)/connector-milter.service
	chmod 644 $(DESTDIR)$(UNITDIR)/connector-milter.service

uninstall:
	rm -f $(DESTDIR)$(SBINDIR)/connector-milter \
	    $(DESTDIR)$(BINDIR)/connectorctl \
	    $(patsubst milter/%.8,$(DESTDIR)$(MANDIR)/man8/%.8, \
	    $(filter %.8,$(MANUALS))) \
	    $(patsubst milter/%.5,$(DESTDIR)$(MANDIR)/man5/%.5, \
	    $(filter %.5,$(MANUALS))) \
	    $(DESTDIR)$(UNITDIR)/connector-milter.service
	rm -rf $(DESTDIR)$(DOCDIR)

clean:
	rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-tsan $(BUILD)-lint
