/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs in a container: looks into every process that appears in its pid namespace and is still the runtime's own program, by its name.
 * One line for each kind of thing that worked: `root`, `cwd` (with `outside` where the mark of the container's own root is not there), `fd`,
 * `mem`, `environ` (with `secret` when it holds MARK-OF-THE-HOST), `exe`, `ptrace`, `caps` (more of them than this program has).
 * A descriptor that is a folder outside, or a namespace, is `outside`. Ends with the number of such processes it met when the file
 * `/stop` appears.
 * Arguments: the beginning of the name; `once` for one round only.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARK "mark-of-the-container"
#define SECRET "MARK-OF-THE-HOST"

static const char *prefix;

static int is_runtime(int pid) {
    char path[64], name[32] = "";
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, name, sizeof name - 1);
    close(fd);
    return n > 0 && strncmp(name, prefix, strlen(prefix)) == 0;
}

/*
 * Says what worked, unless the process has become a program of the container in the meantime. Once: nobody reads before the end, and who
 * waits for room in a pipe holds up what it traces.
 */
static void report(int pid, const char *what, const char *more) {
    static char said[64][32];
    char line[32];
    snprintf(line, sizeof line, "%s %s", what, more);
    if (!is_runtime(pid))
        return;
    for (int i = 0; i < 64; i++) {
        if (strcmp(said[i], line) == 0)
            return;
        if (said[i][0] == '\0') {
            memcpy(said[i], line, sizeof line);
            break;
        }
    }
    printf("%s\n", line);
}

static void look_at_folder(int pid, const char *what) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, what);
    int fd = open(path, O_PATH | O_DIRECTORY);
    if (fd < 0)
        return;
    struct stat own, other;
    int is_root = fstat(fd, &other) == 0 && stat("/", &own) == 0;
    int is_inside = faccessat(fd, MARK, F_OK, 0) == 0 || (is_root && own.st_dev == other.st_dev && own.st_ino == other.st_ino);
    report(pid, what, is_inside ? "inside" : "outside");
    close(fd);
}

static void look_at_file(int pid, const char *what, int flags) {
    char path[64], bytes[1 << 16];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, what);
    int fd = open(path, flags);
    if (fd < 0)
        return;
    if (strcmp(what, "environ") != 0) {
        report(pid, what, "opened");
    } else {
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n > 0)
            report(pid, what, memmem(bytes, (size_t)n, SECRET, strlen(SECRET)) ? "secret" : "opened");
    }
    close(fd);
}

/* The permitted set of a process; 0 when it is gone. */
static unsigned long long permitted(const char *pid) {
    char path[64], line[256];
    unsigned long long set = 0;
    snprintf(path, sizeof path, "/proc/%s/status", pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "CapPrm: %llx", &set) == 1)
            break;
    if (file)
        fclose(file);
    return set;
}

/* Everybody may read what rights a process has; they count where it can be made to use them. */
static void look_at_rights(int pid) {
    char number[16], path[64];
    snprintf(number, sizeof number, "%d", pid);
    snprintf(path, sizeof path, "/proc/%d/mem", pid);
    int fd = open(path, O_RDWR);
    if (fd < 0)
        return;
    close(fd);
    if (permitted(number) & ~permitted("self"))
        report(pid, "caps", "outside");
}

/* What a descriptor leads to. */
static const char *descriptor_kind(int folder, const char *name, int fd) {
    char target[256] = "";
    struct stat stat;
    ssize_t length = readlinkat(folder, name, target, sizeof target - 1);
    if (length > 0 && memchr(target, '[', (size_t)length) && strstr(target, "pipe") == NULL && strstr(target, "socket") == NULL)
        return "outside";
    if (fstat(fd, &stat) == 0 && S_ISDIR(stat.st_mode) && faccessat(fd, MARK, F_OK, 0) != 0)
        return "outside";
    return "opened";
}

static void look_at(int pid) {
    char path[64];
    look_at_folder(pid, "root");
    look_at_folder(pid, "cwd");
    look_at_file(pid, "mem", O_RDONLY);
    look_at_file(pid, "environ", O_RDONLY);
    look_at_file(pid, "exe", O_PATH);
    look_at_rights(pid);
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR *folder = opendir(path);
    if (folder) {
        struct dirent *entry;
        while ((entry = readdir(folder)))
            if (entry->d_name[0] != '.') {
                int fd = openat(dirfd(folder), entry->d_name, O_PATH);
                if (fd < 0)
                    continue;
                report(pid, "fd", descriptor_kind(dirfd(folder), entry->d_name, fd));
                close(fd);
            }
        closedir(folder);
    }
    if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0) {
        report(pid, "ptrace", "seized");
        ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
        waitpid(pid, NULL, __WALL);
        ptrace(PTRACE_DETACH, pid, NULL, NULL);
    }
}

int main(int argc, char **argv) {
    static int seen[1 << 16], count;
    prefix = argc > 1 ? argv[1] : "kihon";
    int is_once = argc > 2 && strcmp(argv[2], "once") == 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!is_once)
        printf("ready\n");
    do {
        DIR *folder = opendir("/proc");
        if (!folder)
            return 2;
        struct dirent *entry;
        while ((entry = readdir(folder))) {
            int pid = atoi(entry->d_name);
            if (pid <= 0 || pid == getpid() || !is_runtime(pid))
                continue;
            int known = 0;
            for (int i = 0; i < count && !known; i++)
                known = seen[i] == pid;
            if (!known && count < 1 << 16)
                seen[count++] = pid;
            look_at(pid);
        }
        closedir(folder);
    } while (!is_once && access("/stop", F_OK) != 0);
    printf("met %d\n", count);
    return 0;
}
