package Relay;

# Every form in which somebody has asked, or might ask, an MTA to relay: sender
# and recipient as typed, and whole dialogues. One row a form. The source is the
# public testers that send it, by name; all other forms are ours.
#
#   for my $form (Relay::forms(['example.com', 'legacy.example'])) ...
#       # { id, source, mail, rcpt }: the words behind MAIL FROM: and RCPT TO:
#   for my $play (Relay::dialogues()) ...
#       # { id, how, lines }
#
# In the tables: {T} this server's name, {I} its address as a literal, {D} a
# foreign domain, {L} each of our domains in turn, {H} the client's own name;
# {x*900} is that many x; \t, \0 and \xNN are single octets. A sender of * is
# one of the twelve, in turn.

use strict;
use warnings;

use constant {
	FOREIGN => 'foreign.example',
	SERVER => 'mx.example.com',
	LITERAL => '[192.0.2.25]',
	OWN => 'alice@example.com',
};

my %word = (T => SERVER, I => LITERAL, D => FOREIGN, H => 'client.example');

# ---- what the public testers send -------------------------------------------

my %senders = (
	S1 => '<>',
	S2 => '<ada>',
	S3 => '<ada@{D}>',
	S4 => '<x@{D}>',
	S5 => '<ada@no-such-host.{D}>',
	S6 => '<ada@localhost>',
	S7 => '<ada@{T}>',
	S8 => '<ada@{I}>',
	S9 => '<postmaster@{T}>',
	S10 => '<ada@{H}>',
	S11 => '<ada@example.com>',
	S12 => '<nobody@{T}>',
);

my %recipients = (
	R1 => '<x@{D}>',
	R2 => 'x@{D}',
	R3 => '<x%{D}@{T}>',
	R4 => '<x%{D}@{I}>',
	R5 => '<x%{D}>',
	R6 => '<"x@{D}">',
	R7 => '<"x%{D}">',
	R8 => '<x@{D}@{T}>',
	R9 => '<x@{D}@{I}>',
	R10 => '<"x@{D}"@{T}>',
	R11 => '<"x@{D}"@{I}>',
	R12 => '<"x@{D}@{T}">',
	R13 => '<@{T}:x@{D}>',
	R14 => '<@{I}:x@{D}>',
	R15 => '<{D}!x>',
	R16 => '<{D}!x@{T}>',
	R17 => '<{D}!x@{I}>',
	R18 => '<x%[{D}]@>',
	R19 => '<x@[{D}]@>',
	R20 => '<x@{D}@>',
	R21 => '<"x@{D}"{I}>',
);

my @testers = (
	['nmap', 'S1R1 S3R1 S7R1 S8R1 S8R4 S8R3 S8R6 S8R7 S8R9 S8R11 S8R8 '
	    . 'S8R14 S8R13 S8R15 S8R17 S8R16'],
	['abuse.net', 'S1R1 S2R1 S3R1 S7R1 S8R1 S7R3 S7R4 S7R6 S7R7 S7R8 '
	    . 'S7R10 S7R9 S7R13 S7R14 S7R15 S7R16 S7R17'],
	['OpenVAS', 'S4R1 S5R1 S6R1 S2R1 S1R1 S7R1 S8R1 S7R3 S7R4 S7R8 S7R11 '
	    . 'S7R9 S8R13 S7R14 S7R17 S9R1'],
	['ZoneCheck', 'S7R6 S3R1 S10R1 S6R1 S2R1 S1R1 S7R1 S8R1 S7R3 S7R4 '
	    . 'S7R6 S7R7 S8R12 S7R11 S7R9 S8R13 S7R14 S8R15 S7R17 S9R1'],
	['MAPS', 'S7R6 S4R1 S10R1 S6R1 S2R1 S1R1'],
	['gatorhole', 'S10R1 S10R2 S2R1 S1R1 S7R1 S8R1 S7R3 S7R4 S7R6 S7R7 '
	    . 'S7R8 S7R10 S7R9 S7R13 S7R14 S7R15 S7R16 S7R17 S7R18 S7R19'],
	['nettools.ru', 'S7R1 S2R1 S1R1 S7R1 S8R1 S7R3 S7R4 S7R6 S7R7'],
	['mailradar', 'S8R7 S8R20'],
	['Microsoft', 'S11R1 S8R1 S2R5 S2R6'],
	['reedmedia', 'S3R1 S10R1 S6R1 S2R1 S1R1 S7R1 S8R1 S7R3 S7R4 S7R6 '
	    . 'S7R7 S7R21 S8R8'],
	['rlytest', 'S12R1'],
);

# ---- ours -------------------------------------------------------------------

# What names one of our domains, or the server.
my $through = <<'END';
plain            | * | <x@{L}>
a plus           | * | <x+{D}@{L}>
percent          | * | <x%{D}@{L}>
percent, chain   | * | <x%{D}%{L}@{L}>
percent, blanks  | * | <x % {D}@{L}>
percent, after   | * | <x@{D}%{L}>
percent, dot     | * | <x%{D}@{L}.>
percent, comment | * | <x(y)%{D}@{L}>
percent, comment | * | <x%{D}(y)@{L}>
percent, quoted  | * | <"x%{D}"@{L}>
two signs        | * | <x@{D}@{L}>
two signs        | * | <x@{L}@{D}>
two signs, quoted| * | <"x@{D}"@{L}>
two signs, quoted| * | <"x\@{D}"@{L}>
quoted pair      | * | <x\@{D}@{L}>
quoted quote     | * | <"x\"@{D}"@{L}>
brackets inside  | * | <<x@{D}>@{L}>
a blank inside   | * | <x@{D} @{L}>
a hash inside    | * | <x@{D}#@{L}>
a comma inside   | * | <x@{D},y@{L}>
a list           | * | <y@{L},x@{D}>
two paths        | * | <y@{L}>,<x@{D}>
two paths        | * | <y@{L}> <x@{D}>
route            | * | <@{L}:x@{D}>
route, two hops  | * | <@{L},@{L}:x@{D}>
route, foreign   | * | <@{D}:x@{L}>
route, then ours | * | <@{D},@{L}:x@{D}>
route, blanks    | * | <@{L} : x@{D}>
route, blanks    | * | <@{L}, @{L}: x@{D}>
route, brackets  | * | <@{L}:<x@{D}>
route, percent   | * | <@{L}:x%{D}@{L}>
bang             | * | <{D}!x@{L}>
bang, chain      | * | <{L}!{D}!x@{L}>
bang, chain      | * | <{L}!{D}!x>
bang and percent | * | <{D}!x%y@{L}>
bang and percent | * | <y!x%{D}@{L}>
bang, quoted     | * | <"{D}!x"@{L}>
caret            | * | <{D}^x@{L}>
DECnet           | * | <{D}::x@{L}>
colon            | * | <{D}:x@{L}>
IMCEA            | * | <IMCEASMTP-x+40foreign.example@{L}>
IMCEA, small     | * | <imceasmtp-x+40foreign.example@{L}>
IMCEA, quoted    | * | <"IMCEASMTP-x+40foreign.example"@{L}>
IMCEA, X.400     | * | <IMCEAX400-c=us+3Ba=+20+3Bp=foreign@{L}>
a file           | * | </x@{D}@{L}>
a program        | * | <|x@{D}@{L}>
an option        | * | <-x%{D}@{L}>
fullwidth at     | * | <x\xef\xbc\xa0{D}@{L}>
fullwidth percent| * | <x\xef\xbc\x85{D}@{L}>
fullwidth bang   | * | <{D}\xef\xbc\x81x@{L}>
ideographic dot  | * | <x@{L}\xe3\x80\x82{D}>
group            | * | <g:x%{D}@{L};>
below us         | * | <x@{D}.{L}>
below them       | * | <x@{L}.{D}>
beside us        | * | <x@not{L}>
END

# What names none.
my $alone = <<'END';
percent          | * | <x%{D}>
percent, empty   | * | <x%{D}@>
bang             | * | <{D}!x>
bang, chain      | * | <mx.example.com!{D}!x>
quoted           | * | <"x@{D}">
quoted, percent  | * | <"x%{D}">
quoted local part| * | <"x"@{D}>
quoted blank     | * | <"x y"@{D}>
quoted pair      | * | <\x@{D}>
trailing dot     | * | <x@{D}.>
trailing dots    | * | <x@{D}..>
leading dot      | * | <x@.{D}>
a port           | * | <x@{D}:25>
capitals         | * | <X@FOREIGN.EXAMPLE>
a literal's name | * | <x@[{D}]>
name in literal  | * | <x@[{D}]@>
empty domain     | * | <x@{D}@>
empty domain     | * | <x@>
empty route      | * | <:x@{D}>
empty hop        | * | <@:x@{D}>
literal, no sign | * | <"x@{D}"{I}>
group            | * | <g:x@{D};>
group            | * | <g:alice@example.com,x@{D};>
no local part    | * | <@{D}>
two signs        | * | <x@@{D}>
two signs, ours  | * | <x@{D}@@example.com>
ideographic dot  | * | <x@example.com\xe3\x80\x82{D}>
fullwidth letter | * | <x@\xef\xbd\x85xample.com.{D}>
zero width space | * | <x@{D}\xe2\x80\x8b>
soft hyphen      | * | <x@for\xc2\xadeign.example>
a path           | * | <x@{D}/example.com>
a fragment       | * | <x@{D}#example.com>
a question       | * | <x@{D}?example.com>
a NUL, ours      | * | <x@{D}\0@example.com>
a NUL, ours first| * | <alice@example.com\0@{D}>
a NUL in a name  | * | <x@example.com\0.{D}>
a CR             | * | <alice@example.com\r@{D}>
a comment        | * | <x(y)@{D}>
a comment, ours  | * | <x@{D}(@example.com)>
a comment, theirs| * | <alice@example.com(x@{D})>
a comment behind | * | <x@{D}> (alice@example.com)
a name before    | * | alice@example.com <x@{D}>
a name before    | * | "alice@example.com" <x@{D}>
a blank inside   | * | < x@{D} >
blanks           | * | <x @ {D}>
a tab inside     | * | <\tx@{D}\t>
a blank before   | * |  <x@{D}>
a tab before     | * | \t<x@{D}>
no brackets      | * | x@{D}
one bracket      | * | <x@{D}
the other one    | * | x@{D}>
two brackets     | * | <<x@{D}>>
a plus           | * | <x+y@{D}>
a user, plus     | * | <alice+x@{D}>
an option        | * | <-oQ/tmp@{D}>
a program        | * | <|x@{D}>
a program        | * | <"|x"@{D}>
a file           | * | </tmp/x@{D}>
an include       | * | <:include:/tmp/x>
UTF-8 local part | * | <\xc3\xbc@{D}>
SMTPUTF8         | <ada@{D}> SMTPUTF8 | <\xc3\xbc@{D}>
SMTPUTF8, percent| <ada@{D}> SMTPUTF8 | <\xc3\xbc%{D}@example.com>
SMTPUTF8, sender | <\xc3\xbc@{D}> SMTPUTF8 | <x@{D}>
not UTF-8        | * | <\xff@{D}>
IDN, U-label     | * | <x@f\xc3\xb6reign.example>
IDN, SMTPUTF8    | <ada@{D}> SMTPUTF8 | <x@f\xc3\xb6reign.example>
IDN, A-label     | * | <x@xn--freign-wxa.example>
IDN, capitals    | * | <x@XN--FREIGN-WXA.EXAMPLE>
IDN, false label | * | <x@xn--example.com>
local part of 65 | * | <{x*65}@{D}>
local part of 256| * | <{x*256}@{D}>
path of 900      | * | <{x*900}@{D}>
path of 2,000    | * | <x%{D}{x*1980}@example.com>
path of 5,000    | * | <{x*5000}@{D}>
label of 64      | * | <x@{x*64}.{D}>
route of 200 hops| * | <{@example.com,*200}@example.com:x@{D}>
dotted quad      | * | <x@198.51.100.25>
decimal address  | * | <x@3325256729>
decimal literal  | * | <x@[3325256729]>
octal literal    | * | <x@[0306.063.0144.031]>
hexadecimal      | * | <x@[0xc6.0x33.0x64.0x19]>
address literal  | * | <x@[198.51.100.25]>
literal of IPv6  | * | <x@[IPv6:2001:db8:ffff::1]>
mapped literal   | * | <x@[IPv6:::ffff:198.51.100.25]>
mapped, no tag   | * | <x@[::ffff:198.51.100.25]>
mapped, of ours  | * | <x%{D}@[IPv6:::ffff:192.0.2.25]>
loopback literal | * | <x%{D}@[IPv6:::1]>
short loopback   | * | <x%{D}@[127.1]>
a number         | * | <x@#3325256729>
UUCP             | * | <x@foreign.UUCP>
UUCP, bang       | * | <foreign!x@example.UUCP>
BITNET           | * | <x%foreign@bitnet>
no domain        | * | <x>
no domain, quoted| * | <"x">
postmaster       | * | <postmaster>
postmaster, large| * | <POSTMASTER>
null recipient   | * | <>
SIZE             | <ada@{D}> SIZE=1 | <x@{D}>
BODY             | <ada@{D}> BODY=8BITMIME | <x@{D}>
RET, ENVID       | <ada@{D}> RET=HDRS ENVID=x@example.com | <x@{D}>
AUTH=<>          | <ada@{D}> AUTH=<> | <x@{D}>
AUTH=, a user    | <ada@{D}> AUTH=alice@example.com | <x@{D}>
AUTH=, ours      | <alice@example.com> AUTH=alice@example.com | <x@{D}>
AUTH=, xtext     | <ada@{D}> AUTH=alice+40example.com | <x@{D}>
AUTH=, route     | <ada@{D}> AUTH=<> | <@example.com:x@{D}>
ORCPT, ours      | * | <x@{D}> ORCPT=rfc822;alice@example.com
ORCPT, theirs    | * | <alice@example.com> ORCPT=rfc822;x@{D}
ORCPT, theirs    | * | <alice@example.com> ORCPT=rfc822;x+40{D}
ORCPT, no type   | * | <alice@example.com> ORCPT=x@{D}
NOTIFY           | * | <x@{D}> NOTIFY=SUCCESS,DELAY,FAILURE
NOTIFY=NEVER     | * | <x@{D}> NOTIFY=NEVER
RRVS             | * | <x@{D}> RRVS=2020-01-01T00:00:00Z
no parameter     | * | <x@{D}> X-RELAY=yes
a second path    | * | <alice@example.com> <x@{D}>
a second RCPT    | * | <alice@example.com> TO:<x@{D}>
sender, route    | <@example.com:alice@example.com> | <x@{D}>
sender, percent  | <alice%example.com@{D}> | <x@{D}>
sender, bang     | <example.com!alice> | <x@{D}>
sender, two signs| <ada@{D}@example.com> | <x@{D}>
sender, quoted   | <"alice@example.com"> | <x@{D}>
sender, literal  | <alice@[127.0.0.1]> | <x@{D}>
sender, IPv6     | <alice@[IPv6:::1]> | <x@{D}>
sender, capitals | <ALICE@EXAMPLE.COM> | <x@{D}>
sender, dot      | <alice@example.com.> | <x@{D}>
sender, NUL      | <ada@{D}\0@example.com> | <x@{D}>
sender, root     | <root> | <x@{D}>
sender, daemon   | <MAILER-DAEMON@{T}> | <x@{D}>
sender, relay    | <ada@partner.example> | <x@{D}>
sender, no path  | ada@{D} | x@{D}
sender, empty    | < > | <x@{D}>
sender, loop     | <x@{D}> | <x@{D}>
END

# ---- dialogues --------------------------------------------------------------

# step: each line waits for the reply to the one before. waves: all up to a DATA
# in one write, as pipelining may. once: everything in one write, as nobody may;
# in the other two a message is left out when there was no 354, and {334} is
# before a line for a reply 334 alone. {FROM} is a sender that may write here,
# {TEXT} a whole message, {BODY} one without its final dot, {BDAT} one as a
# single chunk, {FRESH} a new connection that has said nothing yet.
my $mail = 'MAIL FROM:{FROM}';
my $out = 'RCPT TO:<x@{D}>';
my $in = 'RCPT TO:<alice@example.com>';
my @send = ('DATA', '{TEXT}');
my @abuse = ('MAIL FROM:<ada@{D}>', $out, @send);
my @relay = ($mail, $out, @send);
# A second envelope inside a message.
my $hidden = join "\r\n", 'MAIL FROM:<ada@{D}>', $out, 'DATA', '{BODY}';
# The milter refuses it when it is complete.
my $looped = join("\r\n", ('Received: by x.example; x') x 120)
    . "\r\n{BODY}\r\n.";

sub smuggled
{
	my ($end) = @_;
	return ($mail, $in, 'DATA', "{BODY}$end$hidden\r\n.");
}

my @dialogues = (
	['second EHLO', step => 'EHLO {H}', @relay],
	['EHLO after MAIL', step => $mail, 'EHLO {H}', $out, @send],
	['EHLO after MAIL, as us', step => $mail, 'EHLO {T}', @relay],
	['EHLO after RCPT', step => $mail, $in, 'EHLO {H}', $out, @send],
	['HELO', step => 'HELO localhost', @relay],
	['HELO as a relay client', step => 'EHLO [198.51.100.70]', @relay],
	['RSET before RCPT', step => $mail, 'RSET', $out, @send],
	['RSET before DATA', step => $mail, $in, 'RSET', @send, $out, @send],
	['RSET between', step => $mail, $out, 'RSET', $mail, $in, 'RSET',
	    @relay],
	['after a failed AUTH', step => 'AUTH PLAIN AGFsaWNlAHdyb25n', @relay],
	['after two failed AUTH', step => 'AUTH PLAIN AGFsaWNlAHdyb25n',
	    'AUTH LOGIN', '{334}YWxpY2U=', '{334}d3Jvbmc=', @relay],
	['after a cancelled AUTH', step => 'AUTH PLAIN', '{334}*', @relay],
	['AUTH PLAIN, all empty', step => 'AUTH PLAIN AAA=', @relay],
	['AUTH PLAIN, empty answer', step => 'AUTH PLAIN =', @relay],
	['AUTH LOGIN, all empty', step => 'AUTH LOGIN', '{334}=', '{334}=',
	    @relay],
	['AUTH LOGIN, null session', step => 'AUTH LOGIN =', '{334}', '{334}',
	    @relay],
	['AUTH ANONYMOUS', step => 'AUTH ANONYMOUS YW5vbnltb3Vz', @relay],
	['AUTH EXTERNAL', step => 'AUTH EXTERNAL =', @relay],
	['AUTH NTLM, null session', step => 'AUTH NTLM '
	    . 'TlRMTVNTUAABAAAABoIAAAAAAAAAAAAAAAAAAAAAAAA=',
	    '{334}TlRMTVNTUAADAAAAAQABAEAAAAAAAAAAQQAAAAAAAABBAAAAAAAAAEEAAAAA'
	    . 'AAAA'
	    . 'QQAAAAAAAABBAAAABYIAAAA=', @relay],
	['AUTH in a transaction', step => $mail,
	    'AUTH PLAIN AGFsaWNlAHdyb25n', $out, @send],
	['STARTTLS, then no EHLO', step => 'STARTTLS', @relay],
	['MAIL before STARTTLS', step => $mail, 'STARTTLS', $out, @send],
	['STARTTLS with more behind it', once => 'STARTTLS', @relay],
	(map { my $how = $_; map { my ($id, @lines) = @$_;
		["$id, $how", $how => @lines] }
	    ['pipelined', @relay],
	    ['pipelined, RCPT refused', $mail, $out, $in, $out, @send],
	    ['pipelined, twice', $mail, $in, @send, @relay],
	    ['pipelined with QUIT', @relay, 'QUIT', @relay],
	    ['pipelined, RCPT after a message', $mail, $in, @send, $out,
		@send],
	    ['pipelined, RCPT after a refused message', $mail, $in, 'DATA',
		$looped, $out, @send],
	    ['pipelined, one after a refused message', $mail, $in, 'DATA',
		$looped, @relay]
	} qw(waves once)),
	['BDAT', step => $mail, $out, '{BDAT}'],
	['BDAT, mixed', step => $mail, $in, $out, '{BDAT}'],
	['BDAT, pipelined', once => $mail, $out, '{BDAT}', $mail, $in, $out,
	    '{BDAT}'],
	['BDAT, commands inside', once => $mail, $in, "BDAT 3\r\nx\r\n"
	    . join("\r\n", @abuse)],
	['BDAT, one chunk after another', once => $mail, $in,
	    "BDAT 3\r\nx\r", $mail, $out, '{BDAT}'],
	['smuggled, LF . LF', step => smuggled("\n.\n")],
	['smuggled, LF . CRLF', step => smuggled("\n.\r\n")],
	['smuggled, CRLF . LF', step => smuggled("\r\n.\n")],
	['smuggled, CR . CR', step => smuggled("\r.\r")],
	['smuggled, CR . CRLF', step => smuggled("\r.\r\n")],
	['smuggled, CRLF . CR', step => smuggled("\r\n.\r")],
	['smuggled, CRLF NUL . CRLF', step => smuggled("\r\n\0.\r\n")],
	['smuggled, CRLF . NUL CRLF', step => smuggled("\r\n.\0\r\n")],
	['smuggled, CRLF CR . CRLF', step => smuggled("\r\n\r.\r\n")],
	['smuggled, CRLF . CRLF', step => smuggled("\r\n.\r\n")],
	['a stuffed dot', step => smuggled("\r\n..\r\n")],
	['bare LF between commands', once => join("\n", @abuse)],
	['bare CR between commands', once => join("\r", @abuse)],
	['RCPT before MAIL', step => $out, @relay],
	['RCPT without MAIL', step => $out, @send],
	['RCPT before EHLO', step => '{FRESH}', $out, @send],
	['MAIL before EHLO', step => '{FRESH}', @relay],
	['DATA without RCPT', step => $mail, @send, $out, @send],
	['MAIL twice', step => $mail, 'MAIL FROM:<ada@{D}>', $out, @send],
	['RCPT after a message', step => $mail, $in, @send, $out, @send],
	['RCPT after DATA refused', step => $mail, $out, @send, $out, @send],
	['ours, then theirs', step => $mail, $in, $out, @send],
	['theirs, then ours', step => $mail, $out, $in, @send],
	['ours, theirs, ours', step => $mail, $in, $out,
	    'RCPT TO:<postmaster>', @send],
	['1,000 recipients, one foreign', waves => $mail,
	    (map { "RCPT TO:<u$_\@example.com>" } 1 .. 500), $out,
	    (map { "RCPT TO:<u$_\@example.com>" } 501 .. 999), @send],
	['XCLIENT', step => 'XCLIENT NAME=[UNAVAILABLE] ADDR=198.51.100.70',
	    'EHLO {H}', @relay],
	['XCLIENT LOGIN', step => 'XCLIENT LOGIN=alice', 'EHLO {H}', @relay],
	['XFORWARD', step => 'XFORWARD NAME=relay.example '
	    . 'ADDR=198.51.100.70 SOURCE=LOCAL', @relay],
	['PROXY', step => 'PROXY TCP4 198.51.100.70 192.0.2.25 4321 25',
	    'EHLO {H}', @relay],
	['a header of recipients', step => $mail, $in, 'DATA', join("\r\n",
	    'To: x@{D}', 'Cc: x@{D}', 'Bcc: x@{D}', 'Resent-To: x@{D}',
	    'Apparently-To: x@{D}', '{BODY}', '.')],
	['SEND, SOML, SAML', step => map { ("$_ FROM:{FROM}", $out, @send,
	    'RSET') } qw(SEND SOML SAML)],
	['ETRN, TURN, VERB', step => 'ETRN {D}', 'TURN', 'VERB', 'ONEX',
	    'VRFY x@{D}', 'EXPN x@{D}', @relay],
	['small letters', step => 'mail from:{FROM}', 'rcpt to:<x@{D}>',
	    @send],
	['blanks around the colon', step => 'MAIL FROM: {FROM}',
	    'RCPT TO : <x@{D}>', 'RCPT  TO: <x@{D}>', @send],
	['no colon', step => $mail, 'RCPT TO <x@{D}>', 'RCPT <x@{D}>', @send],
	['a NUL behind the verb', step => $mail, "RCPT\0TO:<x\@{D}>",
	    "RCPT TO:\0<x\@{D}>", @send],
	['a line of 3,000', step => $mail, 'RCPT TO:<alice@example.com>'
	    . ' ' x 2500 . $out, @send],
);

# ---- out of the tables ------------------------------------------------------

sub octets
{
	my ($text, %more) = @_;
	my %stands = (%word, %more);
	$text =~ s/\{([^{}]+)\*(\d+)\}/$1 x $2/ge;
	$text =~ s/\{(\w+)\}/$stands{$1} \/\/ die "no {$1}\n"/ge;
	$text =~ s/\\x([0-9a-f]{2})/chr hex $1/ge;
	$text =~ s/\\([t0r])/{ t => "\t", 0 => "\0", r => "\r" }->{$1}/ge;
	return $text;
}

# The pairs of the public testers, each once, with the names of those who send
# it.
sub pairs
{
	my (%by, @order);
	for my $tester (@testers) {
		for my $pair (split ' ', $tester->[1]) {
			push @order, $pair if !$by{$pair};
			$by{$pair}{ $tester->[0] } = 1;
		}
	}
	return map { [$_, join ', ', sort keys %{ $by{$_} }] } @order;
}

sub rows
{
	my ($table) = @_;
	return map { [split /\s*\|\s/, $_, 3] } split /\n/, $table;
}

# Each (sender, recipient) once. all => 1: each recipient with each of the
# twelve senders.
sub forms
{
	my ($ours, %how) = @_;
	my @rows = map { my ($sender, $recipient) = $_->[0] =~ /(S\d+)(R\d+)/;
		{ id => $_->[0], source => $_->[1], mail => $senders{$sender},
		    rcpt => $recipients{$recipient} } } pairs();
	push @rows, map { { id => $_->[0], source => 'ours',
		mail => $_->[1], rcpt => $_->[2] } } rows($alone);
	for my $domain (@$ours) {
		push @rows, map { { id => "$_->[0], $domain", source => 'ours',
			mail => $_->[1], rcpt => $_->[2], L => $domain } }
		    rows($through);
	}
	my @turn = map { $senders{"S$_"} } 1 .. keys %senders;
	my $turn = 0;
	$_->{mail} =~ s/^\*$/$turn[$turn++ % @turn]/e for @rows;
	push @rows, map { my $row = $_; map { { %$row, mail => $_ } } @turn }
	    @rows if $how{all};
	my %seen;
	for my $row (@rows) {
		my %own = (L => delete $row->{L} // '');
		$_ = octets($_, %own) for @$row{qw(mail rcpt)};
	}
	return grep { !$seen{"$_->{mail} $_->{rcpt}"}++ } @rows;
}

# A line of a dialogue, with this sender and this text (lines ended by CRLF).
sub fill
{
	my ($line, $from, $text) = @_;
	my $body = $text =~ s/\r\n\z//r;
	my %stands = (%word, 334 => '{334}', FROM => $from, TEXT => "$text.",
		BODY => $body,
		BDAT => 'BDAT ' . length($text) . " LAST\r\n$body");
	return $line =~ s/\{(\w+)\}/$stands{$1} \/\/ die "no {$1}\n"/ger;
}

sub dialogues
{
	return map { my ($id, $how, @lines) = @$_;
		{ id => $id, how => $how, lines => \@lines } } @dialogues;
}

1;
