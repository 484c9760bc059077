/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs in a container that shares the guest's network namespace: sends forged device events to everybody who listens for those of the
 * kernel, and forged answers of rtnetlink to every process that has such a socket (LIV-08). Arguments: how often, and the device path to
 * claim. Prints `sent N`, or `refused ERRNO-TEXT` when nothing could be sent.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define UEVENTS 15
#define ROUTES 0
#define ERROR_MESSAGE 2

/* linux/netlink.h, which musl's compiler wrapper does not see. */
struct netlink_address {
    uint16_t family, pad;
    uint32_t port, groups;
};
struct netlink_header {
    uint32_t length;
    uint16_t type, flags;
    uint32_t sequence, port;
};

static char buffer[8192];
static long sent;
static int last;

static void send_to(int fd, unsigned port, unsigned group, size_t size) {
    struct netlink_address address = {.family = AF_NETLINK, .port = port, .groups = group};
    if (sendto(fd, buffer, size, MSG_DONTWAIT, (struct sockaddr *)&address, sizeof address) < 0)
        last = errno;
    else
        sent++;
}

static size_t event(const char *action, const char *path, const char *name) {
    int n = snprintf(buffer, sizeof buffer, "%s@%s", action, path) + 1;
    n += snprintf(buffer + n, sizeof buffer - (size_t)n, "ACTION=%s", action) + 1;
    n += snprintf(buffer + n, sizeof buffer - (size_t)n, "DEVPATH=%s", path) + 1;
    n += snprintf(buffer + n, sizeof buffer - (size_t)n, "SUBSYSTEM=block") + 1;
    n += snprintf(buffer + n, sizeof buffer - (size_t)n, "DEVNAME=%s", name) + 1;
    return (size_t)n;
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 1;
    const char *path = argc > 2 ? argv[2] : "/devices/pci0000:00/x";
    int events = socket(AF_NETLINK, SOCK_RAW, UEVENTS), routes = socket(AF_NETLINK, SOCK_RAW, ROUTES);
    if (events < 0 || routes < 0) {
        printf("refused %s\n", strerror(errno));
        return 0;
    }
    for (int i = 0; i < rounds; i++) {
        /* To the group of the kernel's listeners, and to the likely ports of the agent itself. */
        for (unsigned port = 0; port < 3; port++) {
            unsigned group = port == 0 ? 1 : 0;
            send_to(events, port, group, event("add", path, "../../etc/passwd"));
            send_to(events, port, group, event("remove", path, "vda"));
            send_to(events, port, group, event("add", "/../../../etc", "vda"));
            memset(buffer, 'a', sizeof buffer);
            send_to(events, port, group, sizeof buffer);
            send_to(events, port, group, 0);
        }
        struct netlink_header header = {.length = 256, .type = ERROR_MESSAGE, .port = 1};
        for (unsigned sequence = 0; sequence < 8; sequence++) {
            memset(buffer, 0xff, 256);
            header.sequence = sequence;
            memcpy(buffer, &header, sizeof header);
            send_to(routes, 1, 0, 256);
        }
    }
    if (sent > 0)
        printf("sent %ld\n", sent);
    else
        printf("refused %s\n", strerror(last));
    return 0;
}
