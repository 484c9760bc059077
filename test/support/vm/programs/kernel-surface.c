/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs in a container: asks the kernel for what a guest should not offer (VMB-09, VMB-02), and prints `NAME ERRNO-TEXT` or `NAME works`
 * for each. Arguments `bind:PORT`: tries to bind that vsock port. `taken:FIRST:LAST`: prints `taken PORT` for each port of the range that
 * somebody has.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vsock.h"

#define AF_ALG_FAMILY 38

/* Some of these are missing in musl's headers. */
#define CALL_IO_URING_SETUP 425

static void say(const char *name, long result) {
    printf("%s %s\n", name, result < 0 ? strerror(errno) : "works");
    if (result > 2)
        close((int)result);
}

static int bind_port(uint32_t port) {
    int fd = socket(AF_VSOCK, SOCK_STREAM, 0);
    struct vsock_address address = {.family = AF_VSOCK, .port = port, .cid = VSOCK_CID_ANY};
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static void find_taken(const char *range) {
    char *rest;
    unsigned long first = strtoul(range, &rest, 10);
    unsigned long last = *rest == ':' ? strtoul(rest + 1, NULL, 10) : first;
    for (unsigned long port = first; port <= last; port++) {
        int fd = bind_port((uint32_t)port);
        if (fd >= 0)
            close(fd);
        else if (errno == EADDRINUSE)
            printf("taken %lu\n", port);
        else
            say("taken", -1);
    }
}

int main(int argc, char **argv) {
    char parameters[120] = {0};
    say("alg", socket(AF_ALG_FAMILY, SOCK_SEQPACKET, 0));
    say("io_uring", syscall(CALL_IO_URING_SETUP, 1, parameters));
    say("userfaultfd", syscall(SYS_userfaultfd, 0));
    say("kexec", syscall(SYS_kexec_load, 0, 0, NULL, 0));
    say("kexec_file", syscall(SYS_kexec_file_load, -1, -1, 0, "", 0));
    say("init_module", syscall(SYS_init_module, "", 0, ""));
    say("bpf", syscall(SYS_bpf, 0, parameters, sizeof parameters));
    say("perf", syscall(SYS_perf_event_open, parameters, 0, -1, -1, 0));
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "bind:", 5) == 0)
            say(argv[i], bind_port((uint32_t)strtoul(argv[i] + 5, NULL, 10)));
        else if (strncmp(argv[i], "taken:", 6) == 0)
            find_taken(argv[i] + 6);
    }
    return 0;
}
