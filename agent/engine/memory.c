/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memcpy and memmove for x86_64: musl's copies with `rep movsq` whatever the size, which makes templates, joins and
 * thrown errors two to three times slower in the interpreter (engine-facts 0.5). Short copies use overlapping loads, long
 * ones a loop: QEMU without KVM executes `rep movsb` byte by byte.
 * Built with -fno-tree-loop-distribute-patterns, or the loops become calls to themselves.
 */
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t low, high;
} __attribute__((packed, may_alias)) pair;
typedef uint64_t __attribute__((may_alias, aligned(1))) word;
typedef uint32_t __attribute__((may_alias, aligned(1))) half;
typedef uint16_t __attribute__((may_alias, aligned(1))) quarter;

/* Up to 16 bytes: everything is loaded before anything is stored, so overlap does not matter. */
static inline void copy_small(unsigned char *to, const unsigned char *from, size_t n) {
    if (n >= 8) {
        uint64_t a = *(const word *)from, b = *(const word *)(from + n - 8);
        *(word *)to = a;
        *(word *)(to + n - 8) = b;
    } else if (n >= 4) {
        uint32_t a = *(const half *)from, b = *(const half *)(from + n - 4);
        *(half *)to = a;
        *(half *)(to + n - 4) = b;
    } else if (n >= 2) {
        uint16_t a = *(const quarter *)from, b = *(const quarter *)(from + n - 2);
        *(quarter *)to = a;
        *(quarter *)(to + n - 2) = b;
    } else if (n) {
        *to = *from;
    }
}

static inline void copy_forward(unsigned char *to, const unsigned char *from, size_t n) {
    pair last = *(const pair *)(from + n - 16);
    unsigned char *end = to + n - 16;
    for (; to < end; to += 16, from += 16)
        *(pair *)to = *(const pair *)from;
    *(pair *)end = last;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n) {
    if (n <= 16)
        copy_small(to, from, n);
    else
        copy_forward(to, from, n);
    return to;
}

void *memmove(void *to, const void *from, size_t n) {
    unsigned char *d = to;
    const unsigned char *s = from;
    if (n <= 16) {
        copy_small(d, s, n);
    } else if ((uintptr_t)d - (uintptr_t)s >= n) {
        copy_forward(d, s, n);
    } else {
        pair first = *(const pair *)s;
        size_t left = n;
        for (; left > 16; left -= 16)
            *(pair *)(d + left - 16) = *(const pair *)(s + left - 16);
        *(pair *)d = first;
    }
    return to;
}
