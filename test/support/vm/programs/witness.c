/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /init of a test guest: becomes the agent, and leaves a child behind that sees the guest as its PID 1 does. The child serves
 * shell scripts of the host on a vsock port, in the agent's mount namespace and in the guest's root pid namespace. Nothing of it
 * is in a guest of ours; tests look with it at what no container can see.
 *
 * Protocol: the host sends a length (4 bytes, big endian) and a script; back come its output and one last line `exit N`.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vsock.h"

#define PORT 9999
#define MAX_SCRIPT (96 << 10)
/* A larger write would stall the host's vsock device (vhost-device-vsock 0.3.0). */
#define PIECE 8192

static int send_all(int fd, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t n = write(fd, bytes, length < PIECE ? length : PIECE);
        if (n <= 0)
            return -1;
        bytes += n;
        length -= (size_t)n;
    }
    return 0;
}

static int read_all(int fd, void *buffer, size_t length) {
    char *bytes = buffer;
    while (length > 0) {
        ssize_t n = read(fd, bytes, length);
        if (n <= 0)
            return -1;
        bytes += n;
        length -= (size_t)n;
    }
    return 0;
}

/* Joining the mount namespace again makes its topmost root ours: the agent's, not the empty initial ramfs. */
static void enter_agents_root(void) {
    int agent = (int)syscall(SYS_pidfd_open, 1, 0);
    if (agent < 0 || setns(agent, CLONE_NEWNS) < 0)
        perror("witness: setns");
    close(agent);
}

static void serve(int connection) {
    static char script[MAX_SCRIPT + 1];
    unsigned char head[4];
    if (read_all(connection, head, sizeof head) < 0)
        return;
    uint32_t length = (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3];
    if (length > MAX_SCRIPT || read_all(connection, script, length) < 0)
        return;
    int output[2];
    if (pipe(output) < 0)
        return;
    pid_t shell = fork();
    if (shell == 0) {
        dup2(output[1], 1);
        dup2(output[1], 2);
        close(output[0]);
        close(output[1]);
        close(connection);
        enter_agents_root();
        execl("/witness/busybox", "sh", "-c", script, (char *)NULL);
        printf("witness: %s\n", strerror(errno));
        fflush(stdout);
        _exit(127);
    }
    close(output[1]);
    static char buffer[PIECE];
    ssize_t n;
    while ((n = read(output[0], buffer, sizeof buffer)) > 0)
        if (send_all(connection, buffer, (size_t)n) < 0)
            break;
    close(output[0]);
    int status = 0;
    waitpid(shell, &status, 0);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    int tail = snprintf(buffer, sizeof buffer, "\nexit %d\n", code);
    send_all(connection, buffer, (size_t)tail);
    /* Gives the host the time to take it all: it closes first. */
    while (read(connection, buffer, sizeof buffer) > 0)
        ;
}

static void witness(void) {
    /* The agent may signal everybody in the end. */
    setsid();
    prctl(PR_SET_NAME, "witness");
    signal(SIGCHLD, SIG_DFL);
    int listener = -1;
    /* The driver may be a module that the agent loads. */
    while ((listener = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
        usleep(20000);
    struct vsock_address address = {.family = AF_VSOCK, .port = PORT, .cid = VSOCK_CID_ANY};
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 4) < 0) {
        perror("witness: listen");
        return;
    }
    for (;;) {
        int connection = accept(listener, NULL, NULL);
        if (connection < 0)
            continue;
        if (fork() == 0) {
            close(listener);
            serve(connection);
            _exit(0);
        }
        close(connection);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
}

int main(int argc, char **argv, char **envp) {
    (void)argc;
    if (fork() == 0) {
        witness();
        _exit(1);
    }
    execve("/kihon-agent", argv, envp);
    perror("witness: /kihon-agent");
    return 1;
}
