#!/usr/bin/perl
# hostile_memory.t - memory fails: nothing is permitted because of it, and what
# the milter could not ask for it does not do without.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Milter;
use Scratch;
use Shim;
use Test::More;
use Wire;

plan skip_all => 'a sanitizer has an allocator of its own' if $ENV{SANITIZED};

my $scratch = Scratch->new;
my $milter = Milter->new($scratch,
	main => "[organization]\naccepted_domains = example.com\n",
	connectors => { internet => <<'END' });
usage = internet
bindings = 0.0.0.0:25
remote_ip_ranges = 203.0.113.0/24
END

# ---- from one allocation on, all of them fail -------------------------------

my $starved = Shim::library($scratch, 'starved', <<'END');
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

static long count, last = -1;

static int
fails(void)
{
	if (last == -1)
		last = getenv("LAST") != NULL ? atol(getenv("LAST")) : 0;
	return ++count > last && last > 0;
}

void *
malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t number, size_t size)
{
	return fails() ? NULL : __libc_calloc(number, size);
}

void *
realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}

void *
reallocarray(void *old, size_t number, size_t size)
{
	return realloc(old, number * size);
}

__attribute__((destructor)) static void
tell(void)
{
	if (last == 0)
		dprintf(2, "allocations: %ld\n", count);
}
END

my $err = $scratch->path('err');

# The wait status of an explain whose answer is a refusal.
sub starve
{
	my ($last) = @_;
	local @ENV{qw(LD_PRELOAD LAST)} = ($starved, $last);
	my $pid = Scratch::spawn({ err => $err },
	    Milter::program('connectorctl'), qw(explain --client 203.0.113.9
	    --from <ceo@example.com> --config), $milter->config);
	return Scratch::reap($pid, 60) // 'hangs';
}

is starve(0) >> 8, 1, 'with memory the answer is a refusal';
my ($all) = Scratch::slurp($err) =~ /allocations: (\d+)/;
cmp_ok $all // 0, '>=', 300, 'allocations are counted';
my (@permitted, @crashed);
for my $last (1 .. 80, $all - 100 .. $all - 1) {
	my $status = starve($last);
	push @permitted, $last if $status eq '0';
	push @crashed, $last if $status eq 'hangs' || $status & 127;
}
is "@permitted", '', 'without memory it is never an acceptance';
is "@crashed", '', 'without memory nothing crashes or hangs';

# ---- the macros cannot be asked for -----------------------------------------

{
	local $ENV{LD_PRELOAD} = Shim::library($scratch, 'mute', <<'END');
int
smfi_setsymlist(void *ctx, int where, char *macros)
{
	(void)ctx, (void)macros;
	return where == 2 ? -1 : 0;
}
END
	$milter->start;
}
my $wire = Wire->new($milter->socket);
is $wire->negotiate, undef, 'without the macros of MAIL there is no session';
ok $milter->wait_log(qr/^libmilter refused the macros j i \{tls_version\}/),
    '... and the log says so';
$wire->close;
is $milter->stop, 0, 'and the milter stops when asked to';

done_testing;
