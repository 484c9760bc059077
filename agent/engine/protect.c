/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that enters a container shows it the file it was started from: through /proc/<pid>/exe, and through a script whose
 * interpreter is /proc/self/exe (CVE-2019-5736, EXE-01). So the runtime first executes itself again from a read-only mount of just its
 * own file, attached nowhere, which costs an exec and no memory; where the kernel refuses that, from a sealed copy.
 */
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine.h"

#define SELF "/proc/self/exe"
/* statfs(2): f_flags of a read-only mount. */
#define MOUNTED_READONLY 1
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int is_protected(void) {
    struct statfs stat;
    if (statfs(SELF, &stat) == 0 && (stat.f_flags & MOUNTED_READONLY))
        return 1;
    int fd = open(SELF, O_RDONLY | O_CLOEXEC);
    int seals = fd < 0 ? -1 : fcntl(fd, F_GET_SEALS);
    close(fd);
    return seals >= 0 && (seals & F_SEAL_WRITE);
}

static int readonly_mount(void) {
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
    int fd = (int)syscall(SYS_open_tree, AT_FDCWD, SELF, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (fd < 0)
        return -1;
    if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attributes, sizeof attributes) == 0)
        return fd;
    close(fd);
    return -1;
}

static int sealed_copy(void) {
    int from = open(SELF, O_RDONLY | O_CLOEXEC);
    int to = memfd_create("kihon-oci", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct stat stat;
    int ok = from >= 0 && to >= 0 && fstat(from, &stat) == 0;
    for (off_t left = ok ? stat.st_size : 0; ok && left > 0;) {
        ssize_t copied = sendfile(to, from, NULL, (size_t)left);
        ok = copied > 0;
        left -= copied;
    }
    close(from);
    if (ok && fcntl(to, F_ADD_SEALS, SEALS) == 0)
        return to;
    close(to);
    return -1;
}

/* What the program reads of its environment. */
static const char *const known[] = {"USER=",
                                    "XDG_RUNTIME_DIR=",
                                    "DBUS_SESSION_BUS_ADDRESS=",
                                    "DBUS_SYSTEM_BUS_ADDRESS=",
                                    "LISTEN_FDS=",
                                    "LISTEN_PID=",
                                    "LISTEN_FDNAMES=",
                                    "NOTIFY_SOCKET=",
#ifdef KIHON_FAILPOINTS
                                    "KIHON_FAILPOINTS=",
#endif
};

/*
 * The rest of the caller's environment is wiped: a process with CAP_SYS_PTRACE in the container may read the memory of one that is on its
 * way in, and secrets of others have no business there (EXE-05).
 */
static void forget_environment(char **envp) {
    char **kept = envp;
    for (; *envp; envp++) {
        int is_known = 0;
        for (size_t i = 0; i < sizeof known / sizeof known[0] && !is_known; i++)
            is_known = strncmp(*envp, known[i], strlen(known[i])) == 0;
        if (is_known)
            *kept++ = *envp;
        else
            memset(*envp, 0, strlen(*envp));
    }
    *kept = NULL;
}

void protect_executable(char **argv, char **envp) {
    prctl(PR_SET_NAME, "kihon-oci");
    forget_environment(envp);
    /* Without root's rights the file is not ours to write to, and neither the container's. */
    if (geteuid() != 0 || is_protected())
        return;
    int fd = readonly_mount();
    if (fd < 0)
        fd = sealed_copy();
    if (fd >= 0)
        syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
    fatal_message("kihon-oci: fatal: cannot protect the program's own file from containers\n");
}
