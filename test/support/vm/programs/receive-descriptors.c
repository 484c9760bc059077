/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listens on a Unix stream socket, takes one message with descriptors, and prints what came: the message, then a line
 * `fd NAME` for each descriptor, then everything a terminal among them has to say. Ends when the sender and the terminal have.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Bounds a test whose runtime sends nothing. */
#define LIFETIME_S 60
#define MAX_DESCRIPTORS 16

static void write_all(const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t n = write(1, bytes, length);
        if (n <= 0)
            exit(1);
        bytes += n;
        length -= (size_t)n;
    }
}

int main(int argc, char **argv) {
    if (argc != 2)
        return 2;
    alarm(LIFETIME_S);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(argv[1]) >= sizeof address.sun_path)
        return 2;
    strcpy(address.sun_path, argv[1]);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 1) < 0) {
        perror("receive-descriptors");
        return 1;
    }
    int connection = accept(listener, NULL, NULL);
    static char text[64 << 10];
    char control[CMSG_SPACE(MAX_DESCRIPTORS * sizeof(int))];
    int descriptors[MAX_DESCRIPTORS];
    size_t count = 0;
    struct iovec vector = {.iov_base = text, .iov_len = sizeof text};
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t length = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
    for (struct cmsghdr *header = length < 0 ? NULL : CMSG_FIRSTHDR(&message); header != NULL;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(descriptors, CMSG_DATA(header), count * sizeof(int));
    }
    /* The rest of the message, which may come in pieces, up to the sender's end. */
    while (length > 0) {
        write_all(text, (size_t)length);
        length = read(connection, text, sizeof text);
    }
    write_all("\n", 1);
    for (size_t i = 0; i < count; i++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/fd/%d", descriptors[i]);
        char name[256];
        ssize_t size = readlink(path, name, sizeof name - 1);
        if (size > 0 && dprintf(1, "fd %.*s\n", (int)size, name) < 0)
            return 1;
    }
    if (count == 0 || !isatty(descriptors[0]))
        return 0;
    ssize_t n;
    /* EIO until the first process opens the other side, and again when the last one has closed it. */
    int has_spoken = 0;
    while ((n = read(descriptors[0], text, sizeof text)) > 0 || (errno == EIO && !has_spoken)) {
        if (n > 0) {
            has_spoken = 1;
            write_all(text, (size_t)n);
        } else {
            usleep(10000);
        }
    }
    return 0;
}
