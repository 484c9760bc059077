/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiled modules as read-only data, and the table of their names; pages of a module that is not used are never read from
 * disk. `modules.inc` is written by the build: one line `module "NAME"` for each file NAME.qjsbc.
 */
    .macro module name
    .section .rodata.modules, "a"
1:  .asciz "\name"
    .balign 16
2:  .incbin "\name\().qjsbc"
3:  .byte 0
    .section .data.rel.ro.modules, "aw"
    .quad 1b, 2b, 3b
    .endm

    .section .data.rel.ro.modules, "aw"
    .balign 8
    .global modules
modules:
    .include "modules.inc"
    .section .data.rel.ro.modules, "aw"
    .quad 0, 0, 0

    .section .note.GNU-stack, "", %progbits
