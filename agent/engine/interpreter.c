/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interpreter, as one unit with what only its inside can do: making a heap ready to become an image (image.c).
 *
 * A process that goes on from an image shares the image's pages with the file while it only reads them, and what an interpreter writes
 * to most are reference counts: every use of a function, a name or a shape goes up and down. So the counts of what is in an image are
 * negative, and left alone. The build puts the two macros below where the source counts (agent/build/interpreter.ts).
 */
#include <limits.h>

/* As far from zero as from the end of the range. */
#define IMMORTAL_COUNT (INT_MIN / 2)

#define JS_COUNT_UP(p) count_up(&JS_REF_COUNT(p))
#define JS_COUNT_DOWN(p) count_down(&JS_REF_COUNT(p))

static inline void count_up(int *count) {
    if (__builtin_expect(*count >= 0, 1))
        ++*count;
}

/* The references that are left; of what is immortal always some. */
static inline int count_down(int *count) {
    int left = *count - 1;
    if (__builtin_expect(left < 0, 0))
        return 1;
    *count = left;
    return left;
}

#include "quickjs-counted.c"

#include "engine.h"

/*
 * Built-in functions are made when they are first asked for, and then written into the object they belong to. Here they are made ahead.
 * A function's own `prototype` is left to that moment: there are many, and few are ever asked for.
 */
static int make_builtins(JSContext *ctx, JSObject *object) {
    for (int i = 0; i < object->shape->prop_count; i++) {
        JSShapeProperty *property = &get_shape_prop(object->shape)[i];
        if (property->atom == JS_ATOM_NULL || (property->flags & JS_PROP_TMASK) != JS_PROP_AUTOINIT)
            continue;
        if (js_autoinit_get_id(&object->prop[i]) != JS_AUTOINIT_ID_PROP)
            continue;
        if (JS_AutoInitProperty(ctx, object, property->atom, &object->prop[i], property) < 0)
            return -1;
    }
    return 0;
}

int interpreter_complete(JSContext *ctx) {
    struct list_head *link;
    /* What is made is added at the end. */
    list_for_each(link, &ctx->rt->gc_obj_list) {
        JSGCObjectHeader *header = list_entry(link, JSGCObjectHeader, link);
        if (JS_GC_TYPE(header) == JS_GC_OBJ_TYPE_JS_OBJECT && make_builtins(ctx, (JSObject *)header) < 0)
            return -1;
    }
    return 0;
}

/* Every block begins with a count, whether it is used or not. Only the runtime's own comes without. */
static void freeze_block(void *rt, void *pointer) {
    JSMallocBlockHeader *block = pointer;
    if (pointer != rt)
        block->ref_count = IMMORTAL_COUNT;
}

void interpreter_freeze(JSRuntime *rt) {
    /* Collection looks at what is made later. The list keeps a head of its own, since members may still leave it. */
    struct list_head *head = js_malloc_rt(rt, sizeof *head);
    if (!head)
        fatal_message("kihon: fatal: no memory for an image\n");
    list_add(head, &rt->gc_obj_list);
    list_del(&rt->gc_obj_list);
    init_list_head(&rt->gc_obj_list);

    for (int index = 0; index < JS_ARENA_BLOCK_SIZE_COUNT; index++) {
        struct list_head *link;
        list_for_each(link, &rt->arena_state.arena_list[index]) {
            JSArena *arena = list_entry(link, JSArena, link);
            for (unsigned i = 0; i < arena->n_blocks; i++)
                freeze_block(rt, arena_get_block(arena, i, arena_block_sizes[index]));
        }
    }
    heap_each_block(freeze_block, rt);
    /* The table of shapes would soon be half full and be laid out anew, which writes to every shape. */
    rt->shape_hash_count = 0;
}
