/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for the interpreter. A start costs page faults more than anything else, above all in a VM without KVM, and musl maps the
 * groups behind its blocks one by one: about 90 mmap calls and 480 page faults to load the agent (docs/engine.md).
 *
 * - Arenas: QuickJS-ng asks for pages of just under 4 KiB for its small objects. They come from one reserved range, populated 32
 *   at a time, and go back to the kernel when many are free.
 * - While a program is loaded, other small blocks (bytecode, tables: they live as long as the program) are laid one behind
 *   the other in a second range and are not freed. A process that lives for milliseconds, a container's init, stays in
 *   that mode.
 * - A few freed blocks of the sizes of I/O buffers are kept: musl would unmap and map them, page faults included, for every
 *   32 KiB that a container prints.
 * - Everything else comes from musl.
 *
 * For an image (image.c) both ranges lie at fixed addresses, and every block comes from them.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine.h"

#define ARENA_BYTES ((size_t)4096)
/* An arena holds as many blocks of one size as fit; the largest are 512 bytes. */
#define ARENA_LEAST (ARENA_BYTES - 512 - 64)
/* Address space, not memory: twice the heap limit, so that the limit is always met first. */
#define RANGE_BYTES ((size_t)128 << 20)
#define POPULATE_BYTES (32 * ARENA_BYTES)
/* Free arenas kept populated; beyond it their pages go back to the kernel. */
#define KEPT_ARENAS 64

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* A free arena holds the link to the next one. One whose page was given back reads as zero, so it needs a place of its own. */
struct free_arena {
    struct free_arena *next;
};

/* Where an image lies: far from the program below, and from the stack and the mappings of the kernel's choice above. */
#define IMAGE_RANGE ((char *)((uintptr_t)16 << 30))
#define IMAGE_BLOCKS (IMAGE_RANGE + RANGE_BYTES)
/* What a program that came from an image lays in the second range before it turns to musl. */
#define IMAGE_YOUNG_BYTES ((size_t)2 << 20)

static int is_making_image;
/* The arenas of an image that are for what is made later. */
static char *young;
static char *range, *unused, *populated;
static struct free_arena *kept;
static size_t kept_count;
/* Arenas without a page, as a stack of page numbers. */
static uint16_t returned[RANGE_BYTES / ARENA_BYTES];
static size_t returned_count;
static size_t arenas_taken;

static int is_arena(const void *pointer) {
    return range && (const char *)pointer >= range && (const char *)pointer < range + RANGE_BYTES;
}

static void *arena_take(void) {
    arenas_taken++;
    if (kept) {
        struct free_arena *arena = kept;
        kept = arena->next;
        kept_count--;
        return arena;
    }
    if (returned_count > 0)
        return range + (size_t)returned[--returned_count] * ARENA_BYTES;
    if (!range || unused == range + RANGE_BYTES)
        return NULL;
    if (unused == populated) {
        /* An old kernel refuses; then each page comes with its own fault. */
        madvise(populated, POPULATE_BYTES, MADV_POPULATE_WRITE);
        populated += POPULATE_BYTES;
    }
    void *arena = unused;
    unused += ARENA_BYTES;
    return arena;
}

static void arena_give(void *pointer) {
    if (kept_count < KEPT_ARENAS || is_making_image) {
        struct free_arena *arena = pointer;
        arena->next = kept;
        kept = arena;
        kept_count++;
        return;
    }
    madvise(pointer, ARENA_BYTES, MADV_DONTNEED);
    returned[returned_count++] = (uint16_t)((size_t)((char *)pointer - range) / ARENA_BYTES);
}

/* Blocks of a program being loaded, each behind a header with its size. */
#define BLOCK_HEADER ((size_t)16)
#define BLOCK_MAX ((size_t)16 << 10)
#define BLOCKS_BYTES ((size_t)16 << 20)

static char *blocks, *blocks_unused, *blocks_populated, *blocks_end;
static int is_loading;

static int is_block(const void *pointer) {
    return blocks && (const char *)pointer >= blocks && (const char *)pointer < blocks + BLOCKS_BYTES;
}

static size_t block_size(const void *pointer) {
    return *(const size_t *)(const void *)((const char *)pointer - BLOCK_HEADER);
}

static void *block_take(size_t size) {
    size_t rounded = (size + 15) & ~(size_t)15;
    if (!is_loading || (size > BLOCK_MAX && !is_making_image) || !blocks)
        return NULL;
    if (rounded > (size_t)(blocks_end - blocks_unused) || BLOCK_HEADER + rounded > (size_t)(blocks_end - blocks_unused))
        return NULL;
    char *pointer = blocks_unused + BLOCK_HEADER;
    blocks_unused = pointer + rounded;
    while (blocks_populated < blocks_unused) {
        madvise(blocks_populated, POPULATE_BYTES, MADV_POPULATE_WRITE);
        blocks_populated += POPULATE_BYTES;
    }
    *(size_t *)(void *)(pointer - BLOCK_HEADER) = rounded;
    return pointer;
}

/* Only the block laid last makes room again. */
static void block_give(char *pointer) {
    if (pointer + block_size(pointer) == blocks_unused)
        blocks_unused = pointer - BLOCK_HEADER;
}

/* Blocks of 1 KiB to 128 KiB, each with room for the interpreter's header and a frame's. At most 0.6 MiB is kept. */
#define BUFFER_CLASSES 8
#define BUFFER_KEPT 8
#define BUFFER_SLACK ((size_t)128)

static void *kept_buffers[BUFFER_CLASSES][BUFFER_KEPT];

static size_t buffer_bytes(int class) {
    return ((size_t)1024 << class) + BUFFER_SLACK;
}

static int buffers_kept(int class) {
    return class < 4 ? BUFFER_KEPT : 2;
}

/* The smallest class that holds `size`; BUFFER_CLASSES when none does or `size` is too small to care. */
static int buffer_class(size_t size) {
    if (size <= 512)
        return BUFFER_CLASSES;
    int class = 0;
    while (class < BUFFER_CLASSES && size > buffer_bytes(class))
        class++;
    return class;
}

static void *buffer_kept(int class) {
    for (int i = 0; i < buffers_kept(class); i++) {
        void *pointer = kept_buffers[class][i];
        if (!pointer)
            continue;
        kept_buffers[class][i] = NULL;
        return pointer;
    }
    return NULL;
}

static void *buffer_take(size_t size) {
    int class = buffer_class(size);
    if (class == BUFFER_CLASSES)
        return malloc(size);
    void *pointer = buffer_kept(class);
    return pointer ? pointer : malloc(buffer_bytes(class));
}

/* Zeros. musl knows which of its memory is fresh from the kernel: a large buffer that is not used up costs only the pages that are. */
static void *buffer_take_clear(size_t size) {
    int class = buffer_class(size);
    void *pointer = class == BUFFER_CLASSES ? NULL : buffer_kept(class);
    return pointer ? memset(pointer, 0, size) : calloc(1, class == BUFFER_CLASSES ? size : buffer_bytes(class));
}

static void buffer_give(void *pointer) {
    size_t usable = pointer ? malloc_usable_size(pointer) : 0;
    int class = buffer_class(usable);
    /* Rounded up by malloc: the class it fills, not the one it would need. */
    if (class == BUFFER_CLASSES || usable < buffer_bytes(class))
        class--;
    if (class >= 0 && class < BUFFER_CLASSES && usable >= buffer_bytes(class) && usable <= 2 * buffer_bytes(class)) {
        for (int i = 0; i < buffers_kept(class); i++) {
            if (kept_buffers[class][i])
                continue;
            kept_buffers[class][i] = pointer;
            return;
        }
    }
    free(pointer);
}

/* From our own ranges. NULL: musl has it. */
static void *range_take(size_t size) {
    return size > ARENA_LEAST && size <= ARENA_BYTES ? arena_take() : block_take(size);
}

static void *heap_malloc(void *opaque, size_t size) {
    (void)opaque;
    void *pointer = range_take(size);
    if (pointer || is_making_image)
        return pointer;
    return buffer_take(size);
}

static void *heap_calloc(void *opaque, size_t count, size_t size) {
    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    size_t total = count * size;
    (void)opaque;
    void *pointer = range_take(total);
    if (pointer)
        return memset(pointer, 0, total);
    return is_making_image ? NULL : buffer_take_clear(total);
}

static void heap_free(void *opaque, void *pointer) {
    (void)opaque;
    if (is_arena(pointer))
        arena_give(pointer);
    else if (is_block(pointer))
        block_give(pointer);
    else
        buffer_give(pointer);
}

static size_t heap_usable_size(const void *pointer) {
    if (is_arena(pointer))
        return ARENA_BYTES;
    return is_block(pointer) ? block_size(pointer) : malloc_usable_size((void *)(uintptr_t)pointer);
}

static void *heap_realloc(void *opaque, void *pointer, size_t size) {
    if (!pointer)
        return heap_malloc(opaque, size);
    if (!is_arena(pointer) && !is_block(pointer))
        return realloc(pointer, size);
    size_t old = heap_usable_size(pointer);
    if (size <= old)
        return pointer;
    void *grown = heap_malloc(opaque, size);
    if (!grown)
        return NULL;
    memcpy(grown, pointer, old);
    heap_free(opaque, pointer);
    return grown;
}

int heap_loading(int on) {
    int before = is_loading;
    is_loading = on;
    return before;
}

/* At `address`, or where the kernel likes. Never over something that is there. */
static char *reserve(char *address, size_t bytes) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (address ? MAP_FIXED_NOREPLACE : 0);
    void *pointer = mmap(address, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (pointer == MAP_FAILED)
        return NULL;
    /* A kernel before 4.17 takes the address for a wish. */
    if (address && pointer != address) {
        munmap(pointer, bytes);
        return NULL;
    }
    return pointer;
}

static void use_ranges(char *arenas, char *program) {
    range = unused = populated = arenas;
    blocks = blocks_unused = blocks_populated = program;
    blocks_end = program ? program + BLOCKS_BYTES : NULL;
}

static const JSMallocFunctions functions = {heap_calloc, heap_malloc, heap_free, heap_realloc, heap_usable_size};

JSRuntime *heap_new_runtime(void) {
    use_ranges(reserve(NULL, RANGE_BYTES), reserve(NULL, BLOCKS_BYTES));
    return JS_NewRuntime2(&functions, NULL);
}

JSRuntime *heap_new_image(void) {
    char *both = reserve(IMAGE_RANGE, RANGE_BYTES + BLOCKS_BYTES);
    if (!both)
        return NULL;
    is_making_image = 1;
    is_loading = 1;
    use_ranges(IMAGE_RANGE, IMAGE_BLOCKS);
    return JS_NewRuntime2(&functions, NULL);
}

/*
 * An object made later would take a free place in an arena of the image, here one and there one, and each costs the copy of a page. So
 * no place stays free, and each size gets an arena that is ready for what is made later.
 */
void heap_fill_arenas(JSRuntime *rt) {
    size_t block = 16;
    young = unused;
    while (block <= 512) {
        size_t before = arenas_taken;
        /* Eight bytes of each block are the interpreter's. */
        while (arenas_taken == before && js_malloc_rt(rt, block - 8)) {
        }
        block += block < 128 ? 8 : block < 256 ? 16 : 32;
    }
}

void heap_each_block(void (*visit)(void *opaque, void *block), void *opaque) {
    for (char *at = blocks; at < blocks_unused; at += BLOCK_HEADER + block_size(at + BLOCK_HEADER))
        visit(opaque, at + BLOCK_HEADER);
}

void heap_describe(struct heap_image *image) {
    *image = (struct heap_image){
        .arenas = range,
        .arenas_bytes = (size_t)(unused - range),
        .young_bytes = (size_t)(unused - young),
        .blocks = blocks,
        .blocks_bytes = (size_t)(blocks_unused - blocks),
    };
}

/* The file's pages are private to this process: what it does not write to is shared with everybody who runs it. */
static int map_part(int fd, char *address, size_t bytes, off_t offset) {
    return mmap(address, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, offset) == address;
}

int heap_adopt(const struct heap_image *image, int fd, off_t offset) {
    size_t arenas_bytes = heap_pages(image->arenas_bytes), blocks_bytes = heap_pages(image->blocks_bytes);
    if (image->arenas != IMAGE_RANGE || image->blocks != IMAGE_BLOCKS || arenas_bytes > RANGE_BYTES || blocks_bytes > BLOCKS_BYTES / 2)
        return 0;
    if (!reserve(IMAGE_RANGE, RANGE_BYTES + BLOCKS_BYTES))
        return 0;
    if (!map_part(fd, IMAGE_RANGE, arenas_bytes, offset) || !map_part(fd, IMAGE_BLOCKS, blocks_bytes, offset + (off_t)arenas_bytes)) {
        munmap(IMAGE_RANGE, RANGE_BYTES + BLOCKS_BYTES);
        return 0;
    }
    use_ranges(IMAGE_RANGE, IMAGE_BLOCKS);
    unused = populated = range + arenas_bytes;
    blocks_unused = blocks + image->blocks_bytes;
    blocks_populated = blocks + blocks_bytes;
    blocks_end = blocks_populated + IMAGE_YOUNG_BYTES;
    is_loading = 1;
    /* What every start writes to, without a page fault for each: the arenas made ready, and the rest of the last block's pages. */
    char *used = range + image->arenas_bytes, *last = blocks_unused - (uintptr_t)blocks_unused % ARENA_BYTES;
    madvise(used - image->young_bytes, image->young_bytes, MADV_POPULATE_WRITE);
    madvise(last, (size_t)(blocks_populated - last), MADV_POPULATE_WRITE);
    return 1;
}
