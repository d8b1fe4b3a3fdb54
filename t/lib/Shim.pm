package Shim;

# A library for LD_PRELOAD, made of C text: what the program under test calls
# goes there first. REAL(name) is the function that would have been called.
#
#   local $ENV{LD_PRELOAD} = Shim::library($scratch, 'name', $text);

use strict;
use warnings;

use Test::More;

my $prelude = <<'END_C';
#define _GNU_SOURCE
#include <dlfcn.h>
#define REAL(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))
END_C

# Its path; that it compiles is a test.
sub library
{
	my ($scratch, $name, $text) = @_;
	my $source = $scratch->write("$name.c", $prelude . $text);
	my $library = $scratch->path("$name.so");
	my $compiler = $ENV{CC} // 'cc';
	is(system("$compiler -shared -fPIC -o $library $source -ldl"), 0,
		"$name compiles");
	return $library;
}

1;
