/*
 * compiler.h - attributes the compiler understands, and array length.
 *
 * Ground floor; owns nothing; every room may include it.
 */
#ifndef COMPILER_H
#define COMPILER_H

/* Arguments n.. follow the printf format given as argument f. */
#define PRINTF_LIKE(f, n) __attribute__((format(printf, f, n)))

/* The caller must look at what this returns. */
#define NODISCARD __attribute__((warn_unused_result))

/* A parameter that only the caller's type wants. */
#define UNUSED __attribute__((unused))

/* The elements of an array; not of a pointer. */
#define nitems(a) (sizeof(a) / sizeof((a)[0]))

#endif
