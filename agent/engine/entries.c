/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the embedded programs runs. The bytes come from embed.S. */
#include <string.h>

#include "engine.h"

extern const uint8_t entry_agent_start[], entry_agent_end[];
extern const uint8_t entry_init_start[], entry_init_end[];
extern const uint8_t entry_oci_start[], entry_oci_end[];

static const struct entry entries[] = {
    {"agent", entry_agent_start, entry_agent_end, 1},
    {"kihon-init", entry_init_start, entry_init_end, 0},
    {"kihon-oci", entry_oci_start, entry_oci_end, 1},
};

const struct entry *entry_select(const char *argv0) {
    const char *slash = argv0 ? strrchr(argv0, '/') : NULL;
    const char *base = slash ? slash + 1 : argv0;
    for (size_t i = 1; base && i < sizeof entries / sizeof entries[0]; i++)
        if (strcmp(base, entries[i].name) == 0)
            return &entries[i];
    return &entries[0];
}
