/* SPDX-License-Identifier: Apache-2.0 */
/* The compiled programs as read-only data; pages of an entry that is not used are never read from disk. */
    .macro embed name
    .section .rodata.\name, "a"
    .balign 16
    .global entry_\name\()_start
    .global entry_\name\()_end
entry_\name\()_start:
    .incbin "\name\().qjsbc"
entry_\name\()_end:
    .byte 0
    .endm

    embed agent
    embed init
    embed oci

    .section .note.GNU-stack, "", %progbits
