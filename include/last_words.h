/*
 * last_words.h - one line about a signal that ends the daemon.
 *
 * SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGABRT still end it, with the wait
 * status and the memory image that they would have anyway; but first a line
 * goes out that says which of them it was, where or from whom, and on which
 * thread:
 *
 *	connector-milter: version 0.1 dies of signal 11 (SIGSEGV), address
 *	0x10, thread log
 *
 * It goes to standard error and, unless the journal reads that, to syslog's
 * socket; who does not take it at once does not get it. Lines of log.h that
 * wait are lost. Nothing is allocated or locked for it. Other signals of the
 * list on other threads may end the daemon before it is written.
 *
 * The main thread, which accepts connections, has a stack of its own for this.
 * Others, libmilter's workers among them, have not: where one of them runs out
 * of stack the daemon ends without the line.
 */
#ifndef LAST_WORDS_H
#define LAST_WORDS_H

/*
 * Called once, by the main thread, before there are others. facility is as in
 * log.h. A program under a sanitizer, which has words of its own, does nothing.
 */
void last_words_prepare(int facility);

#endif
