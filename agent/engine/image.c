/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command that lives for five milliseconds should not spend three of them loading itself. So the build runs the program once up to the
 * moment where it would read its arguments, and lays the interpreter's heap behind the ELF; a start maps those pages, private to the
 * process, at the addresses they had (docs/engine.md). The ELF is not relocated and holds no state of the interpreter, so pointers
 * into it are right as they are. Without an image, or where its addresses are taken, the program loads as usual.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"

/* The last bytes of the file. */
struct trailer {
    struct heap_image heap;
    JSRuntime *rt;
    JSContext *ctx;
    /* Size of the parts in the file; they end where the trailer begins. */
    uint64_t arenas_bytes, blocks_bytes;
    /* An ELF of another build would have other functions there. */
    void *where[4];
    char magic[16];
};

static const char magic[16] = "kihon image 001";

static void describe(struct trailer *trailer) {
    trailer->where[0] = (void *)(uintptr_t)image_restore;
    trailer->where[1] = (void *)(uintptr_t)modules_run;
    trailer->where[2] = (void *)(uintptr_t)natives_install;
    trailer->where[3] = (void *)(uintptr_t)JS_NewContextRaw;
    memcpy(trailer->magic, magic, sizeof magic);
}

static int read_trailer(int fd, struct trailer *trailer, off_t *offset) {
    struct stat stat;
    struct trailer expected;
    describe(&expected);
    if (fstat(fd, &stat) != 0 || stat.st_size < (off_t)sizeof *trailer)
        return 0;
    off_t end = stat.st_size - (off_t)sizeof *trailer;
    if (pread(fd, trailer, sizeof *trailer, end) != (ssize_t)sizeof *trailer)
        return 0;
    if (memcmp(trailer->magic, magic, sizeof magic) != 0 || memcmp(trailer->where, expected.where, sizeof expected.where) != 0)
        return 0;
    if (trailer->arenas_bytes + trailer->blocks_bytes > (uint64_t)end)
        return 0;
    *offset = end - (off_t)(trailer->arenas_bytes + trailer->blocks_bytes);
    return 1;
}

int image_restore(JSRuntime **rt, JSContext **ctx) {
    struct trailer trailer;
    off_t offset;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    int ok = read_trailer(fd, &trailer, &offset) && heap_adopt(&trailer.heap, fd, offset);
    close(fd);
    if (!ok)
        return 0;
    *rt = trailer.rt;
    *ctx = trailer.ctx;
    JS_UpdateStackTop(*rt);
    return 1;
}

static int is_out_of_time;

/*
 * In libc's place: the interpreter takes the seed of its tables from here, and an image shall be the same bytes whenever it is made.
 * What a fixed seed gives away is bounded by the limits on keys (docs/engine.md), and a command reads one container's configuration.
 */
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec precise = {0, 0};
    (void)zone;
    if (!is_out_of_time)
        clock_gettime(CLOCK_REALTIME, &precise);
    *now = (struct timeval){precise.tv_sec, precise.tv_nsec / 1000};
    return 0;
}

void image_leave_chance(char **argv) {
    static char *const no_environment[] = {NULL};
    int persona = personality(0xffffffff);
    if (persona & ADDR_NO_RANDOMIZE)
        return;
    personality((unsigned long)persona | ADDR_NO_RANDOMIZE);
    execve("/proc/self/exe", argv, no_environment);
    fatal_message("kihon: fatal: cannot start again to make an image\n");
}

JSRuntime *image_new_runtime(void) {
    is_out_of_time = 1;
    return heap_new_image();
}

static void write_all(const void *bytes, size_t length) {
    const char *at = bytes;
    while (length > 0) {
        ssize_t written = write(STDOUT_FILENO, at, length);
        if (written <= 0)
            fatal_message("kihon: fatal: cannot write the image\n");
        at += written;
        length -= (size_t)written;
    }
}

void image_write(JSRuntime *rt, JSContext *ctx) {
    struct trailer trailer;
    memset(&trailer, 0, sizeof trailer);
    describe(&trailer);
    trailer.rt = rt;
    trailer.ctx = ctx;
    heap_describe(&trailer.heap);
    /* The ranges are reserved and zero beyond what is used. */
    trailer.arenas_bytes = heap_pages(trailer.heap.arenas_bytes);
    trailer.blocks_bytes = heap_pages(trailer.heap.blocks_bytes);
    write_all(trailer.heap.arenas, trailer.arenas_bytes);
    write_all(trailer.heap.blocks, trailer.blocks_bytes);
    write_all(&trailer, sizeof trailer);
}
