/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Build tool: compiles one ES module to bytecode with the same QuickJS source that will run it (opcodes and atoms are not
 * checked at load time, engine-facts 6). Usage: compile NAME INPUT.js OUTPUT
 */
#include <stdio.h>
#include <stdlib.h>

/* The source itself: what is dropped below is out of reach of its interface. */
#include "quickjs.c"

static int fail(const char *what, const char *path) {
    fprintf(stderr, "compile: %s %s\n", what, path);
    return 1;
}

/* What a module imports is not there yet, and only its name is needed. */
static JSModuleDef *pretend(JSContext *ctx, const char *name, void *opaque) {
    (void)opaque;
    return JS_NewCModule(ctx, name, NULL);
}

/*
 * Names of variables and parameters serve `eval` and the text of one error (a variable used before its initialization), so they
 * go: 97 KB of bytecode (76 of the initrd), and of a function of which no closure captures anything also 24 bytes of heap for each variable.
 * The names of functions, and the positions, stay.
 */
static int drop_variable_names(JSFunctionBytecode *b) {
    for (int i = 0; i < b->cpool_count; i++) {
        if (JS_VALUE_GET_TAG(b->cpool[i]) != JS_TAG_FUNCTION_BYTECODE)
            continue;
        JSFunctionBytecode *inner = JS_VALUE_GET_PTR(b->cpool[i]);
        /* A closure looks into the table of its parent, which is left out below when nothing in it is captured. */
        for (int j = 0; j < inner->closure_var_count; j++) {
            JSClosureVar *var = &inner->closure_var[j];
            bool is_argument = var->closure_type == JS_CLOSURE_ARG;
            if (!is_argument && var->closure_type != JS_CLOSURE_LOCAL)
                continue;
            if (!b->vardefs[(is_argument ? 0 : b->arg_count) + var->var_idx].is_captured)
                return -1;
        }
        if (drop_variable_names(inner))
            return -1;
    }
    for (int i = 0; i < b->closure_var_count; i++) {
        JSClosureVar *var = &b->closure_var[i];
        if (var->closure_type != JS_CLOSURE_GLOBAL && var->closure_type != JS_CLOSURE_GLOBAL_DECL)
            var->var_name = JS_ATOM_NULL;
    }
    if (b->var_ref_count == 0)
        b->vardefs = NULL;
    for (int i = 0; b->vardefs && i < b->arg_count + b->var_count; i++) {
        b->vardefs[i].var_name = JS_ATOM_NULL;
        b->vardefs[i].scope_level = 0;
        b->vardefs[i].scope_next = -1;
    }
    return 0;
}

/* What JS_Eval compiled is the module; its body is a function until the module is linked. */
static int shrink(JSValue program) {
    JSModuleDef *module = JS_VALUE_GET_PTR(program);
    return drop_variable_names(JS_VALUE_GET_PTR(module->func_obj));
}

int main(int argc, char **argv) {
    if (argc != 4)
        return fail("usage:", "compile NAME INPUT OUTPUT");
    FILE *in = fopen(argv[2], "rb");
    if (!in || fseek(in, 0, SEEK_END))
        return fail("cannot read", argv[2]);
    long size = ftell(in);
    char *source = size < 0 ? NULL : malloc((size_t)size + 1);
    rewind(in);
    if (!source || fread(source, 1, (size_t)size, in) != (size_t)size)
        return fail("cannot read", argv[2]);
    source[size] = 0;
    fclose(in);

    JSRuntime *rt = JS_NewRuntime();
    JSContext *ctx = JS_NewContext(rt);
    JS_SetModuleLoaderFunc(rt, NULL, pretend, NULL);
    JSValue program = JS_Eval(ctx, source, (size_t)size, argv[1],
                              JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
    if (JS_IsException(program)) {
        JSValue error = JS_GetException(ctx);
        JSValue stack = JS_GetPropertyStr(ctx, error, "stack");
        fprintf(stderr, "%s\n%s", JS_ToCString(ctx, error), JS_ToCString(ctx, stack));
        return 1;
    }
    if (shrink(program))
        return fail("cannot drop the variable names of", argv[2]);
    size_t length;
    /* The source text is dropped, the position tables stay: they make stacks readable for 8 % more heap. */
    uint8_t *bytes = JS_WriteObject(ctx, &length, program, JS_WRITE_OBJ_BYTECODE | JS_WRITE_OBJ_STRIP_SOURCE);
    FILE *out = fopen(argv[3], "wb");
    if (!bytes || !out || fwrite(bytes, 1, length, out) != length || fclose(out))
        return fail("cannot write", argv[3]);
    return 0;
}
