/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own abort(): musl's raise() uses the thread id cached at start, so in a child made by a raw clone it would kill the
 * parent (engine-facts 0.1, ENG-08). A static link prefers this definition.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine.h"

void abort(void) {
    long pid = syscall(SYS_getpid);
    if (pid == 1)
        fatal_message("kihon: fatal: engine abort\n");
    static const char text[] = "kihon: engine abort\n";
    if (write(2, text, sizeof text - 1) < 0) { /* nothing left to tell */
    }
    unsigned long none = 0;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none);
    syscall(SYS_tgkill, pid, syscall(SYS_gettid), SIGABRT);
    __builtin_trap();
}
