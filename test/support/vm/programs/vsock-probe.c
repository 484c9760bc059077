/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs in a container: connects over vsock to each `CID:PORT` and, where somebody accepts, asks the agent's health service like
 * a host would. One line for each, in any order: `CID:PORT refused ERRNO`, or `CID:PORT accepted N REASON` with the number of bytes that came
 * back and why no more did. `all` in place of the CID stands for the any-address, `own` for the guest's own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vsock.h"

/* IOCTL_VM_SOCKETS_GET_LOCAL_CID of linux/vm_sockets.h */
#define GET_LOCAL_CID 0x7b9

/* Most of what fails does so by its deadline, so several are tried at a time. */
#define AT_ONCE 16

/* A ttrpc request on stream 1: service grpc.Health, method Check, no payload. */
static const unsigned char check_request[] = {0, 0, 0, 20, 0, 0, 0, 1, 1, 0, /* header */
                                              10, 11, 'g', 'r', 'p', 'c', '.', 'H', 'e', 'a', 'l', 't', 'h',
                                              18, 5, 'C', 'h', 'e', 'c', 'k'};

static uint32_t own_cid(void) {
    int device = open("/dev/vsock", O_RDONLY);
    uint32_t cid = 3; /* what our host side gives every guest */
    if (device >= 0)
        ioctl(device, GET_LOCAL_CID, &cid);
    return cid;
}

static void probe(uint32_t cid, uint32_t port, const char *name) {
    int fd = socket(AF_VSOCK, SOCK_STREAM, 0);
    if (fd < 0) {
        printf("%s no socket %s\n", name, strerror(errno));
        return;
    }
    struct timeval limit = {.tv_sec = 5};
    setsockopt(fd, AF_VSOCK, VSOCK_CONNECT_TIMEOUT, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    struct vsock_address address = {.family = AF_VSOCK, .port = port, .cid = cid};
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        printf("%s refused %s\n", name, strerror(errno));
        close(fd);
        return;
    }
    unsigned char answer[256];
    ssize_t sent = send(fd, check_request, sizeof check_request, MSG_NOSIGNAL);
    size_t count = 0;
    ssize_t n;
    while ((n = read(fd, answer + count, sizeof answer - count)) > 0)
        count += (size_t)n;
    const char *reason = n == 0 ? "end" : strerror(errno);
    printf("%s accepted %zu %s (sent %zd)\n", name, count, reason, sent);
    close(fd);
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    int running = 0;
    for (int i = 1; i < argc; i++) {
        if (running == AT_ONCE)
            running -= wait(NULL) > 0;
        running++;
        if (fork() != 0)
            continue;
        char *colon = strchr(argv[i], ':');
        if (!colon)
            return 2;
        uint32_t cid = strncmp(argv[i], "all:", 4) == 0   ? VSOCK_CID_ANY
                       : strncmp(argv[i], "own:", 4) == 0 ? own_cid()
                                                          : (uint32_t)strtoul(argv[i], NULL, 10);
        probe(cid, (uint32_t)strtoul(colon + 1, NULL, 10), argv[i]);
        fflush(stdout);
        _exit(0);
    }
    while (wait(NULL) > 0)
        ;
    printf("done\n");
    return 0;
}
