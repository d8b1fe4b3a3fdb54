/*
 * author_parts.h - what the files of the author room share.
 *
 * author_lex.c cuts text into tokens, author_read.c finds addresses in tokens,
 * author_shown.c knows how domains look, author_ways.c has the ways in which
 * to read, author_rewrite.c takes text as MTAs do and author_routes.c finds
 * what they make addresses of, author_cuts.c where they cut domains off,
 * author_host.c knows what domains are made of and what MTAs complete,
 * author_purse.c what all of it costs, author.c the authors of a field. No
 * other room includes this. Pure; any thread.
 */
#ifndef AUTHOR_PARTS_H
#define AUTHOR_PARTS_H

#include "author.h"
#include "encoded_word.h"

enum token_kind {
	TOKEN_END,
	TOKEN_NOTHING, /* as if it were not there */
	TOKEN_BLANK,   /* white space or a comment */
	TOKEN_BYTE,    /* any other single byte */
	TOKEN_QUOTED,  /* a quoted string, with its quotes */
	TOKEN_LITERAL, /* an address literal behind an @ */
	TOKEN_ENCODED, /* an encoded word */
};

/* How text is read. */
struct way {
	bool quotes;             /* a quoted string is one thing */
	bool comments;           /* so is a comment */
	bool decoded;            /* encoded words are what they decode to */
	bool words_apart;        /* each of them by itself */
	enum token_kind comment; /* what a comment counts for */
	enum token_kind control; /* and a control character */
	enum token_kind odd;     /* and quotes and so on, out of place */
};

struct token {
	enum token_kind kind;
	const char *begin;
	const char *end;
	struct encoded_word word;
	struct mailbox literal; /* its kind and domain */
};

/* So many comments that are never closed are found in one go. */
#define UNCLOSED_MAX 2500

struct lexer {
	const char *at;
	const char *end;
	const struct way *way;
	const char *begin;
	bool malformed; /* something was there that the RFC forbids */
	bool after_at;  /* the last token that counts was an @ */
	bool all_unclosed;
	size_t unclosed_count;
	size_t unclosed_next;
	unsigned unclosed[UNCLOSED_MAX]; /* from begin; none between is */
};

void lexer_init(struct lexer *lexer, const char *begin, const char *end,
    const struct way *way);

/* The next token; after the last one TOKEN_END, again and again. */
void lexer_next(struct lexer *lexer, struct token *token);

/* The C0 characters and DEL. */
bool lexer_is_control(char c);

/*
 * What a field may cost beyond what its bytes do, in about tenths of a
 * microsecond: 10 ms. Lists of 500 authors can pay (t/author.c).
 */
#define PURSE_MAX 100000

/* To tell of an author costs who is told, too. */
#define PRICE_FOUND 2
#define PRICE_DOMAIN 1
#define PRICE_IDN 3       /* for each byte that libidn2 has not seen */
#define PRICE_IDN_SOUND 4 /* and more where it is a domain */
#define PRICE_READ 20     /* to read a piece of an address by itself */

struct known;

/* For one field. */
struct purse {
	unsigned left;
	bool cuts;           /* is the field so long that an MTA cuts it off? */
	bool failed;         /* it was empty, or there is no memory: give up */
	struct known *known; /* what was paid for; NULL at first */
};

void purse_open(struct purse *purse, bool cuts);
void purse_close(struct purse *purse);

/* False: it is not worth so much; nor will it ever pay again. */
bool purse_pay(struct purse *purse, size_t price) NODISCARD;

/* What to read, how, and who is told. */
struct reading_job {
	const char *from;
	const char *to;
	const struct way *way;
	bool lone;         /* an @ without a local part makes an address, too */
	bool guessed;      /* all that is found is only a guess */
	bool malformed;    /* the field is */
	const char *local; /* of every domain found; NULL: what stands there */
	struct purse *purse;
	const char *body;  /* the field */
	const char *begin; /* what names its author */
	const char *end;
	void (*found)(void *arg, const struct author *author); /* or NULL */
	void *arg;
};

struct reading_result {
	size_t count;
	bool malformed;
};

/* Finds the addresses between from and to. */
struct reading_result author_read(const struct reading_job *job);

/*
 * The text without what nobody sees, in UTF-8; Latin-1 is taken to be that. At
 * most twice as long. Returns its length.
 */
size_t author_shown(char *out, const char *text, size_t len);

/* What a domain is made of, and '_': without it a name would be another one. */
size_t author_domain_span(const char *text, size_t len);

/* The length of a domain without dots at its end. */
size_t author_without_dots(const char *text, size_t len);

/* Does a character end, and no label, behind n of the len bytes? */
bool author_domain_may_end(const char *text, size_t len, size_t n);

/* As domain_canonical. False also where the purse had failed. */
bool author_canonical(struct purse *purse, char out[DOMAIN_MAX + 1],
    const char *text, size_t len) NODISCARD;

/*
 * Tells of an author in whatever may be left of the domain. Not twice, as long
 * as there is room to know that.
 */
void author_tell_cuts(const struct reading_job *job,
    const struct author *author, const char *domain, size_t len);

/* Was this asked before, of this local part and this domain? */
bool author_cuts_are_told(struct purse *purse, const struct mailbox *mailbox,
    const char *domain, size_t len);

/* The author of a job, without an address yet. */
void author_begin(struct author *author, const struct reading_job *job);

/* Letters, digits and the hyphen. */
bool author_is_label_byte(char c);

/* May it stand in the name of a host? Bytes beyond ASCII may. */
bool author_is_host_byte(char c);

/*
 * Does this address, quotes and backslashes in it, name its host? If not,
 * Sendmail puts its own name behind it.
 */
bool author_has_host(const char *text, size_t len);

extern const struct way author_strictly;

/* The same in every way, whatever that of the job is. */
void author_read_in_all_ways(const struct reading_job *job);

/* Finds what an MTA could make an address of; found has to be there. */
void author_read_rewritten(const struct reading_job *job);

/* The longest text that is looked at as one address; no MTA takes so much. */
#define ADDRESS_MAX 4096

/* How the address at hand was taken. */
struct routing {
	const struct reading_job *job;
	const char *text;
	size_t len;
	bool kept;     /* what is odd in a domain is still there */
	bool is_route; /* it is a route: an @ in it is none of an address */
};

/*
 * LOCAL%DOMAIN at every percent sign, DOMAIN!LOCAL at every bang, LOCAL@DOMAIN
 * at every @ but those of a route.
 */
void author_guess_routes(const struct routing *routing);

#endif
