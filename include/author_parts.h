/*
 * author_parts.h - what the files of the author room share.
 *
 * author_lex.c cuts text into tokens, author_read.c finds addresses in tokens,
 * author_shown.c knows how domains look, author_ways.c has the ways in which
 * to read, author_rewrite.c finds what MTAs make addresses of, author_host.c
 * knows what domains are made of and what MTAs complete, author.c the authors
 * of a field. No other room includes this. Pure; any thread.
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
#define UNCLOSED_MAX 1000

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
	const char *unclosed[UNCLOSED_MAX]; /* sorted; none between is */
};

void lexer_init(struct lexer *lexer, const char *begin, const char *end,
    const struct way *way);

/* The next token; after the last one TOKEN_END, again and again. */
void lexer_next(struct lexer *lexer, struct token *token);

/* The C0 characters and DEL. */
bool lexer_is_control(char c);

/* What may be spent on where an MTA cuts the domains of a field off. */
#define CUTS_MAX 32768

/* What to read, how, and who is told. */
struct reading_job {
	const char *from;
	const char *to;
	const struct way *way;
	bool lone;         /* an @ without a local part makes an address, too */
	unsigned *cuts;    /* left of CUTS_MAX; NULL: no MTA cuts it off */
	const char *body;  /* the field */
	const char *begin; /* what names its author */
	const char *end;
	void (*found)(void *arg, const struct author *author); /* or NULL */
	void *arg;
};

struct reading_result {
	size_t count;
	bool malformed;
	bool failed; /* without memory, or too much: there may be others */
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

/* What it costs to read one of these, of CUTS_MAX; libidn2 takes long. */
unsigned author_domain_price(const char *text, size_t len);

/* May it stand in the name of a host? Bytes beyond ASCII may. */
bool author_is_host_byte(char c);

/*
 * Does this address, quotes and backslashes in it, name its host? If not,
 * Sendmail puts its own name behind it.
 */
bool author_has_host(const char *text, size_t len);

extern const struct way author_strictly;

/* The same in every way, whatever that of the job is. False without memory. */
bool author_read_in_all_ways(const struct reading_job *job);

/*
 * Finds what an MTA could make an address of; found has to be there. False
 * without memory.
 */
bool author_read_rewritten(const struct reading_job *job);

#endif
