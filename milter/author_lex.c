/*
 * author_lex.c - cuts a From field into tokens.
 */
#include "author_parts.h"

#include <string.h>

/* Longer than any address literal with its blanks. */
#define LITERAL_MAX 128

void
lexer_init(struct lexer *lexer, const char *begin, const char *end,
    const struct way *way)
{
	/* Not the array: a field may have thousands of items. */
	lexer->at = begin;
	lexer->end = end;
	lexer->way = way;
	lexer->begin = begin;
	lexer->malformed = false;
	lexer->after_at = false;
	lexer->all_unclosed = false;
	lexer->unclosed_count = 0;
	lexer->unclosed_next = 0;
}

bool
lexer_is_control(char c)
{
	return (c >= 0 && c < ' ') || c == 0x7f;
}

/*
 * The end of the comment that begins at start; NULL when it is never closed.
 * Then, if record, all that are never closed from there on become known: each
 * is where the depth rose for the last time to what it never fell below again.
 */
static const char *
match_comment(struct lexer *lexer, const char *start, bool record)
{
	size_t depth = 0;

	for (const char *c = start; c < lexer->end; c++) {
		if (*c == '\\' && c + 1 < lexer->end) {
			c++;
		} else if (*c == '(') {
			if (record && depth < UNCLOSED_MAX)
				lexer->unclosed[depth] =
				    (unsigned)(c - lexer->begin);
			depth++;
		} else if (*c == ')' && --depth == 0) {
			return c + 1;
		}
	}
	if (record) { /* GCOV_NEVER: else it is known to be closed */
		lexer->all_unclosed = depth <= UNCLOSED_MAX;
		lexer->unclosed_next = 0;
		lexer->unclosed_count =
		    lexer->all_unclosed ? depth : UNCLOSED_MAX;
	}
	return NULL;
}

/* The same, without looking twice at what is never closed. */
static const char *
comment_end(struct lexer *lexer, const char *start)
{
	const size_t at = (size_t)(start - lexer->begin);
	bool known;

	while (lexer->unclosed_next < lexer->unclosed_count &&
	    lexer->unclosed[lexer->unclosed_next] < at)
		lexer->unclosed_next++;
	known = lexer->unclosed_next < lexer->unclosed_count;
	if (known && lexer->unclosed[lexer->unclosed_next] == at)
		return NULL;
	return match_comment(lexer, start, !known && !lexer->all_unclosed);
}

static void
single(struct token *token, enum token_kind kind)
{
	token->kind = kind;
	token->end = token->begin + 1;
}

/* What the RFC does not want here, but a mail program may pass over. */
static void
odd(struct lexer *lexer, struct token *token)
{
	lexer->malformed = true;
	single(token, lexer->way->odd);
}

/* Control characters may change what the bytes behind them mean. */
static void
check_inside(struct lexer *lexer, const struct token *token)
{
	for (const char *c = token->begin; c < token->end; c++)
		if (lexer_is_control(*c) && !text_is_white(*c))
			lexer->malformed = true;
}

/* Is there something at c that the word before or behind it may go on with? */
static bool
is_word(const struct lexer *lexer, const char *c)
{
	return c >= lexer->begin && c < lexer->end && !text_is_white(*c) &&
	    (*c == '\0' || strchr("<>@,;:.[]\"", *c) == NULL);
}

static void
lex_paren(struct lexer *lexer, struct token *token)
{
	const char *end = NULL;

	if (lexer->way->comments && *token->begin == '(')
		end = comment_end(lexer, token->begin);
	if (end == NULL) {
		odd(lexer, token);
		return;
	}
	token->kind = lexer->way->comment;
	token->end = end;
	check_inside(lexer, token);
	/* Without it there would be one word. */
	if (is_word(lexer, token->begin - 1) && is_word(lexer, end))
		lexer->malformed = true;
}

static void
lex_quote(struct lexer *lexer, struct token *token)
{
	const char *c = token->begin + 1;

	if (!lexer->way->quotes) {
		odd(lexer, token);
		return;
	}
	while (c < lexer->end && *c != '"')
		c += *c == '\\' && c + 1 < lexer->end ? 2 : 1;
	/* What quotes are left have a backslash: no search begins there. */
	if (c == lexer->end) {
		odd(lexer, token);
		return;
	}
	token->kind = TOKEN_QUOTED;
	token->end = c + 1;
	check_inside(lexer, token);
}

/*
 * Out of place here. What it may have been meant to protect opens nothing; and
 * match_comment must not see fewer comments begin than are looked for.
 */
static void
lex_backslash(struct lexer *lexer, struct token *token)
{
	const char *next = token->begin + 1;

	odd(lexer, token);
	if (next < lexer->end && *next != '\0' &&
	    strchr("\"()\\", *next) != NULL)
		token->end++;
}

static bool
is_literal(struct mailbox *mailbox, const char *inner, size_t len)
{
	char path[LITERAL_MAX + 8] = "x@[";
	struct mailbox parsed;

	while (len > 0 && text_is_white(*inner)) {
		inner++;
		len--;
	}
	while (len > 0 && text_is_white(inner[len - 1]))
		len--;
	memcpy(path + 3, inner, len);
	path[3 + len] = ']';
	if (mailbox_parse(&parsed, path, len + 4) != NULL)
		return false;
	mailbox->kind = parsed.kind;
	memcpy(mailbox->domain, parsed.domain, sizeof(mailbox->domain));
	return true;
}

static void
lex_bracket(struct lexer *lexer, struct token *token)
{
	const char *inner = token->begin + 1;
	size_t room = (size_t)(lexer->end - inner);
	const char *close;

	if (!lexer->after_at) {
		single(token, TOKEN_BYTE);
		return;
	}
	if (room > LITERAL_MAX)
		room = LITERAL_MAX;
	close = memchr(inner, ']', room);
	if (close == NULL ||
	    !is_literal(&token->literal, inner, (size_t)(close - inner))) {
		odd(lexer, token);
		return;
	}
	token->kind = TOKEN_LITERAL;
	token->end = close + 1;
}

static void
lex_other(struct lexer *lexer, struct token *token)
{
	const char c = *token->begin;

	if (text_is_white(c)) {
		single(token, TOKEN_BLANK);
	} else if (lexer_is_control(c)) {
		lexer->malformed = true;
		single(token, lexer->way->control);
	} else {
		single(token, TOKEN_BYTE);
	}
}

static bool
lex_encoded(struct lexer *lexer, struct token *token)
{
	size_t len;

	if (*token->begin != '=' || !lexer->way->decoded)
		return false;
	len = encoded_word_at(
	    &token->word, token->begin, (size_t)(lexer->end - token->begin));
	if (len == 0)
		return false;
	token->kind = TOKEN_ENCODED;
	token->end = token->begin + len;
	return true;
}

void
lexer_next(struct lexer *lexer, struct token *token)
{
	token->kind = TOKEN_END;
	token->begin = lexer->at;
	token->end = lexer->at;
	if (lexer->at >= lexer->end)
		return;
	switch (*lexer->at) {
	case '(':
	case ')':
		lex_paren(lexer, token);
		break;
	case '"':
		lex_quote(lexer, token);
		break;
	case '\\':
		lex_backslash(lexer, token);
		break;
	case '[':
		lex_bracket(lexer, token);
		break;
	default:
		if (!lex_encoded(lexer, token))
			lex_other(lexer, token);
	}
	lexer->at = token->end;
	if (token->kind != TOKEN_BLANK && token->kind != TOKEN_NOTHING)
		lexer->after_at =
		    token->kind == TOKEN_BYTE && *token->begin == '@';
}
