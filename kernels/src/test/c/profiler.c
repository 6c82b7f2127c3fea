/* Stands in for a profiler's NVTX 3 injection library: asks for the tables as the protocol says, takes push and pop of ranges, and prints them at the end. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef void (*Function)(void);
struct callbacks { size_t size; int (*table)(int module, Function ***table, unsigned *size); };
struct version { size_t size; uint32_t version; uint32_t reserved; void (*set)(uint32_t); };

static int depth;

static int push(const char *name) {
    printf("push %s %d\n", name, depth);
    fflush(stdout);
    return depth++;
}

static int pop(void) {
    printf("pop %d\n", --depth);
    fflush(stdout);
    return depth;
}

int InitializeInjectionNvtx2(const void *(*export)(uint32_t)) {
    const struct callbacks *c = export(1);
    const struct version *v = export(3);
    if (export(2) || export(99) || !c || !v || c->size < sizeof *c || v->size < sizeof *v || v->version != 3) return 0;
    v->set(2);
    for (int module = 1; module <= 6; module++) {
        Function **table = NULL;
        unsigned size = 0;
        if (!c->table(module, &table, &size) || !table || table[0] || table[size]) return 0;
        for (unsigned i = 1; i < size; i++) {
            *table[i] = NULL;
        }
        if (module == 1) {
            *table[9] = (Function) push;
            *table[11] = (Function) pop;
        }
    }
    Function **none;
    unsigned size;
    return !c->table(0, &none, &size) && !c->table(7, &none, &size);
}
