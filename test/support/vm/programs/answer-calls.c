/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ends of SECCOMP_RET_USER_NOTIF (seccomp_unotify(2)).
 *
 *     answer-calls listen SOCKET   takes listeners from a runtime, each with the state of its container, and answers every call that comes:
 *                                  mkdir with EEXIST, getppid with 4242, sethostname as if done, anything else goes on. A line for each:
 *                                  `state LENGTH` and `call NUMBER`. A call rmdir is answered late.
 *     answer-calls call [stay]     makes these calls and prints what becomes of them
 *     answer-calls interrupted     calls rmdir while alarms come all the time
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* Bounds a test whose runtime sends nothing. */
#define LIFETIME_S 60
/* Some alarms come meanwhile. */
#define LATE_US 200000
#define ALARM_US 20000
#define CONTINUE 1u

struct call {
    uint64_t id;
    uint32_t pid, flags;
    int32_t number;
    uint32_t arch;
    uint64_t ip, args[6];
};
struct answer {
    uint64_t id;
    int64_t value;
    int32_t error;
    uint32_t flags;
};
#define RECEIVE _IOWR('!', 0, struct call)
#define SEND _IOWR('!', 1, struct answer)
#define IS_VALID _IOW('!', 2, uint64_t)

static void answer(int listener) {
    for (;;) {
        struct call call = {0};
        struct pollfd event = {.fd = listener, .events = POLLIN};
        /* Nobody is left under the filter. */
        if (poll(&event, 1, -1) < 0 || (event.revents & POLLHUP))
            _exit(0);
        if (ioctl(listener, RECEIVE, &call) < 0) {
            if (errno == EINTR || errno == ENOENT)
                continue;
            _exit(0);
        }
        printf("call %d\n", call.number);
        struct answer answer = {.id = call.id};
        if (call.number == SYS_rmdir)
            usleep(LATE_US);
        if (call.number == SYS_mkdir || call.number == SYS_rmdir)
            answer.error = -EEXIST;
        else if (call.number == SYS_getppid)
            answer.value = 4242;
        else if (call.number != SYS_sethostname)
            answer.flags = CONTINUE;
        if (ioctl(listener, IS_VALID, &call.id) < 0)
            printf("gone %d\n", call.number);
        else if (ioctl(listener, SEND, &answer) < 0 && errno != ENOENT)
            printf("send errno %d\n", errno);
    }
}

static int listen_at(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return 2;
    strcpy(address.sun_path, path);
    int socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(socket_fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(socket_fd, 8) < 0) {
        perror("answer-calls");
        return 1;
    }
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        int connection = accept(socket_fd, NULL, NULL), listener = -1;
        char text[1 << 16], control[CMSG_SPACE(sizeof(int))];
        struct iovec vector = {.iov_base = text, .iov_len = sizeof text};
        struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        ssize_t length = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
        struct cmsghdr *header = length > 0 ? CMSG_FIRSTHDR(&message) : NULL;
        if (header != NULL && header->cmsg_type == SCM_RIGHTS)
            memcpy(&listener, CMSG_DATA(header), sizeof listener);
        printf("state %zd\n", length);
        if (listener >= 0 && fork() == 0) {
            alarm(LIFETIME_S);
            answer(listener);
        }
        close(connection);
        close(listener);
    }
}

static void show(const char *what, long result) {
    printf("%s %ld%s%s\n", what, result, result < 0 ? " " : "", result < 0 ? strerror(errno) : "");
}

static void on_alarm(int number) {
    (void)number;
}

int main(int argc, char **argv) {
    const char *role = argc > 1 ? argv[1] : "";
    setvbuf(stdout, NULL, _IOLBF, 0);
    alarm(LIFETIME_S);
    if (strcmp(role, "listen") == 0 && argc == 3)
        return listen_at(argv[2]);
    if (strcmp(role, "call") == 0) {
        show("mkdir", syscall(SYS_mkdir, "/new", 0755));
        show("getppid", syscall(SYS_getppid));
        show("sethostname", syscall(SYS_sethostname, "other", 5));
        show("umask", syscall(SYS_umask, 022));
        for (; argc > 2;)
            pause();
        return 0;
    }
    if (strcmp(role, "interrupted") == 0) {
        struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
        struct itimerval often = {{0, ALARM_US}, {0, ALARM_US}};
        sigaction(SIGALRM, &action, NULL);
        setitimer(ITIMER_REAL, &often, NULL);
        show("rmdir", syscall(SYS_rmdir, "/none"));
        return 0;
    }
    return 2;
}
