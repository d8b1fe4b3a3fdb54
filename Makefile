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

# libmilter and iniparser 4.1 have no pkg-config file on Debian 12; iniparser
# 4.2 has one.
ALL_CPPFLAGS += $(shell $(PKG_CONFIG) --cflags iniparser 2>/dev/null)
LIBS_CORE := $(shell $(PKG_CONFIG) --libs iniparser 2>/dev/null || \
	echo -liniparser) \
	$(shell $(PKG_CONFIG) --libs libidn2 libcrypto 2>/dev/null || \
	echo -lidn2 -lcrypto)
LIBS_MILTER := -lmilter -ldl

# The system call filter: SECCOMP=yes needs libseccomp, SECCOMP=no leaves it
# out, as the sanitizers and valgrind want it.
SECCOMP ?= $(if $(SAN),no,$(shell $(PKG_CONFIG) --exists libseccomp \
	2>/dev/null && echo yes || echo no))
ifneq ($(SAN),)
ALL_CPPFLAGS += -DSANITIZED
endif
ifeq ($(SECCOMP),yes)
ALL_CPPFLAGS += -DHAVE_SECCOMP
LIBS_SANDBOX := -lseccomp
endif

# The rooms of the programs; every other room goes into the archive.
DAEMON_ROOMS := main keeper keeper_stop keeper_gauge process process_lock \
	process_knock process_verify process_limits milter milter_signal \
	milter_thread milter_accept milter_poll milter_read milter_answer \
	waker sandbox sandbox_filter watchdog last_words
CTL_ROOMS := ctl $(patsubst milter/%.c,%,$(wildcard milter/ctl_*.c))
ROOMS := $(filter-out $(DAEMON_ROOMS) $(CTL_ROOMS),\
	$(patsubst milter/%.c,%,$(wildcard milter/*.c)))

ARCHIVE := $(BUILD)/libconnector.a
PROGRAMS := $(BUILD)/connector-milter $(BUILD)/connectorctl
C_TESTS := $(patsubst t/%.c,$(BUILD)/t/%.t,$(wildcard t/*.c))
# Peers that script tests let loose on the milter.
PEERS := $(patsubst t/long/%.c,$(BUILD)/long/%,$(wildcard t/long/*.c))
# The generator of load, and the bare filter.
BENCHES := $(patsubst t/bench/%.c,$(BUILD)/bench/%,$(wildcard t/bench/*.c))
MANUALS := milter/connector-milter.8 milter/connectorctl.8 \
	milter/connector-milter.ini.5

.PHONY: all demo check check-long bench coverage lint format docs install \
	uninstall clean deps tests programs check-sanitized soak fuzz fuzzers replays

all: $(PROGRAMS)

tests: programs $(C_TESTS)

programs: all $(PEERS) $(BENCHES)

$(BUILD)/%.o: milter/%.c Makefile
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(ARCHIVE): $(ROOMS:%=$(BUILD)/%.o)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# What helps the sanitizers see: see t/sanitize.
ifneq (,$(findstring address,$(SAN)))
SAN_OBJECT := $(BUILD)/leaks.o
SAN_FLAGS := -Wl,--wrap=_exit
endif
ifneq (,$(findstring thread,$(SAN)))
SAN_OBJECT := $(BUILD)/handover.o
SAN_FLAGS := -Wl,--wrap=smfi_register
endif

$(BUILD)/%.o: t/sanitize/%.c Makefile
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/connector-milter: $(DAEMON_ROOMS:%=$(BUILD)/%.o) $(SAN_OBJECT) $(ARCHIVE)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $(SAN_FLAGS) -o $@ $^ $(LIBS_MILTER) \
	    $(LIBS_SANDBOX) $(LIBS_CORE)

$(BUILD)/connectorctl: $(CTL_ROOMS:%=$(BUILD)/%.o) $(ARCHIVE)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_CORE)

$(BUILD)/t/%.t: t/%.c $(ARCHIVE) Makefile
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) -It $(ALL_CFLAGS) -MMD -MP -MF $(@:.t=.d) \
	    $(ALL_LDFLAGS) -o $@ $< $(ARCHIVE) $(LIBS_CORE)

$(BUILD)/long/%: t/long/%.c $(wildcard t/bench/*.h) Makefile
	$(call say,PEER,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) -It $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $<

# Each fuzz target twice: a test that replays its seeds, and under libFuzzer.
FUZZERS := $(patsubst t/fuzz/%.c,%,$(filter-out %/replay.c %/limit.c,\
	$(wildcard t/fuzz/*.c)))
REPLAYS := $(FUZZERS:%=$(BUILD)/fuzz/%.t)
FUZZ_NEEDS := $(wildcard t/fuzz/*.h t/*.h include/*.h) Makefile

# What connectorctl alone has is not in the archive.
$(BUILD)/fuzz/control.t $(BUILD)/fuzz/control: $(BUILD)/ctl_ask.o

$(BUILD)/fuzz/%.t: t/fuzz/%.c t/fuzz/replay.c $(ARCHIVE) $(FUZZ_NEEDS)
	$(call say,REPLAY,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) -It -DTARGET='"$*"' $(ALL_CFLAGS) \
	    $(ALL_LDFLAGS) -o $@ $< t/fuzz/replay.c $(filter %.o,$^) \
	    $(ARCHIVE) $(LIBS_CORE)

$(BUILD)/fuzz/%: t/fuzz/%.c t/fuzz/limit.c $(ARCHIVE) $(FUZZ_NEEDS)
	$(call say,FUZZ,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) -DLLVMFuzzerTestOneInput=fuzz_target -It \
	    $(ALL_CFLAGS) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $< \
	    t/fuzz/limit.c $(filter %.o,$^) $(ARCHIVE) $(LIBS_CORE)

replays: $(REPLAYS)

fuzzers: $(patsubst %,$(BUILD)/fuzz/%,$(or $(FUZZ),$(FUZZERS)))

-include $(wildcard $(BUILD)/*.d $(BUILD)/t/*.d)

deps:
	@contrib/install-deps

demo: deps
	$(Q)$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) contrib/demo

# Every test, each C test also under the sanitizers. Two at a time, for most of
# them wait for something, but for those that measure.
SCRIPT_TESTS := $(sort $(wildcard t/*.t))
MEASURE := $(patsubst %,t/%.t,clock crowd log_faults noise pressure protolog \
	reload_fire resources tarpit_load watchdog)
PROVE := prove --timer
PROVE_C := $(PROVE) -j2 -e ''
# Those with threads of their own.
TSAN_TESTS := $(patsubst %,$(BUILD)-tsan/t/%.t,threads limit_threads writer \
	tarpit log protolog_faults control)

check: deps
	$(Q)$(MAKE) --no-print-directory -j2 WERROR=-Werror tests
	$(Q)$(MAKE) --no-print-directory -j2 WERROR=-Werror \
	    BUILD=$(BUILD)-asan SAN=address,undefined tests replays
	$(Q)$(MAKE) --no-print-directory -j2 WERROR=-Werror \
	    BUILD=$(BUILD)-tsan SAN=thread $(TSAN_TESTS)
	$(Q)$(PROVE_C) $(C_TESTS)
	$(Q)SELECTION_CASES=200000 \
	    $(PROVE_C) $(C_TESTS:$(BUILD)/%=$(BUILD)-asan/%)
	$(Q)$(PROVE_C) $(REPLAYS:$(BUILD)/%=$(BUILD)-asan/%)
	$(Q)$(PROVE_C) $(TSAN_TESTS)
	$(Q)BUILD=$(BUILD) $(PROVE) -j2 $(filter-out $(MEASURE),$(SCRIPT_TESTS))
	$(Q)BUILD=$(BUILD) $(PROVE) $(MEASURE)

# The same with far more cases, the faults of t/MATRIX at length, and all
# scripts under the sanitizers; for the patient.
check-long: check
	$(Q)SELECTION_CASES=100000000 $(PROVE_C) $(BUILD)/t/selection.t
	$(Q)LIMIT_EVENTS=1000000000 $(PROVE_C) $(BUILD)/t/limit_storm.t
	$(Q)$(MAKE) --no-print-directory -j2 WERROR=-Werror \
	    BUILD=$(BUILD)-valgrind SECCOMP=no all
	$(Q)BUILD=$(BUILD) LONG=1 $(PROVE) $(LONG_TESTS)
	$(Q)$(MAKE) --no-print-directory check-sanitized
	$(Q)$(MAKE) --no-print-directory soak

# Those that have a long form: they ask for LONG in the environment.
LONG_TESTS := $(shell grep -l 'ENV{LONG}' t/*.t)

# Every script once more, with programs under the sanitizers.
check-sanitized: deps
	$(Q)$(MAKE) --no-print-directory -j2 WERROR=-Werror \
	    BUILD=$(BUILD)-asan SAN=address,undefined tests
	$(Q)$(MAKE) --no-print-directory -j2 WERROR=-Werror \
	    BUILD=$(BUILD)-tsan SAN=thread tests
	$(Q)for s in asan tsan; do [ ! -e $(BUILD)/sendmail ] || \
	    ln -sfn $(abspath $(BUILD))/sendmail $(BUILD)-$$s/sendmail; done
	$(Q)BUILD=$(BUILD)-asan t/sanitize/run address $(SCRIPT_TESTS)
	$(Q)BUILD=$(BUILD)-tsan t/sanitize/run thread $(SCRIPT_TESTS)

# A steady load for TIME seconds (600), with a reload every ten: nothing grows,
# and every decision is accounted for.
soak: deps
	$(Q)$(MAKE) --no-print-directory -j2 programs
	$(Q)BUILD=$(BUILD) TIME=$(if $(filter file,$(origin TIME)),600,$(TIME)) \
	    t/soak/run

# libFuzzer, for TIME seconds each target, JOBS at a time; FUZZ=NAME for one.
FUZZ_CC ?= clang
TIME ?= 60

fuzz:
	@echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' | \
	    $(FUZZ_CC) -fsanitize=fuzzer,address,undefined -xc -o /dev/null - \
	    2>/dev/null || { echo "fuzz: needs $(FUZZ_CC) and its libFuzzer;" \
	    "contrib/install-deps fuzz installs them" >&2; exit 1; }
	$(Q)$(MAKE) --no-print-directory -j2 WERROR=-Werror CC=$(FUZZ_CC) \
	    CFLAGS='-O1 -g' BUILD=$(BUILD)-fuzz \
	    SAN=fuzzer-no-link,address,undefined fuzzers
	@BUILD=$(BUILD)-fuzz TIME=$(TIME) FUZZ='$(FUZZ)' JOBS=$(JOBS) t/fuzz/run

# What it costs, beside a bare libmilter filter in the same run: 8 minutes, 2
# with BENCH=short. strace and valgrind are used where they are.
$(BUILD)/bench/%: t/bench/%.c $(wildcard t/bench/*.h) $(ARCHIVE) Makefile
	$(call say,BENCH,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) -It $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< \
	    -Wl,--as-needed $(ARCHIVE) $(LIBS_MILTER) $(LIBS_CORE)

bench: deps
	$(Q)$(MAKE) --no-print-directory all $(BENCHES)
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)-valgrind SECCOMP=no all
	$(Q)BUILD=$(BUILD) t/bench/run

# What of the sources the tests run: see contrib/coverage; 20 minutes. A test
# that fails stops nothing here. Daemons run as somebody else, and add to the
# same files: the folder is open to all.
COVERAGE := $(BUILD)-coverage
coverage: deps
	$(Q)mkdir -p $(COVERAGE)/t
	$(Q)$(CC) -c -o $(COVERAGE)/dump.o t/coverage/dump.c
	$(Q)$(MAKE) --no-print-directory -j2 BUILD=$(COVERAGE) SECCOMP=no \
	    CFLAGS='-O0 -g --coverage -fprofile-update=atomic' LDFLAGS='--coverage \
	    -Wl,--wrap=_exit $(COVERAGE)/dump.o' tests replays
	$(Q)[ ! -e $(BUILD)/sendmail ] || \
	    ln -sfn $(abspath $(BUILD))/sendmail $(COVERAGE)/sendmail
	$(Q)find $(COVERAGE) -name '*.gcda' -delete
	$(Q)chmod a+rwx $(COVERAGE) $(COVERAGE)/t
	-$(Q)SELECTION_CASES=20000 LIMIT_EVENTS=200000 \
	    $(PROVE_C) $(C_TESTS:$(BUILD)/%=$(COVERAGE)/%) \
	    $(REPLAYS:$(BUILD)/%=$(COVERAGE)/%)
	-$(Q)BUILD=$(COVERAGE) $(PROVE) $(SCRIPT_TESTS)
	$(Q)contrib/coverage $(COVERAGE)

# What is generated from the tables of the program: parts of the manuals.
docs: all
	$(Q)contrib/generate-docs $(BUILD)/connectorctl

# Both compilers with -Werror, and every analyzer that is installed.
lint:
	$(Q)contrib/lint

format:
	$(Q)clang-format -i milter/*.c include/*.h t/*.c t/*.h \
	    t/bench/*.c t/bench/*.h t/coverage/*.c t/fuzz/*.c t/fuzz/*.h \
	    t/long/*.c t/sanitize/*.c

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
	install -m 644 contrib/inet.conf $(DESTDIR)$(DOCDIR)/examples/

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
	rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-tsan $(BUILD)-lint $(COVERAGE) \
	    $(BUILD)-fuzz $(BUILD)-valgrind
