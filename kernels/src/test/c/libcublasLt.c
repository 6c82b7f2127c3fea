/*
 * Stands in for NVIDIA's libcublasLt.so.12 and .13 in tests. -DVERSION=130102 is what it says of itself. The heuristic knows two algorithms, whose first words are 501 and 502, and a broken one between them.
 */
#include "dummy.h"

typedef struct { int compute, scale, ta, tb, epilogue; void *bias; } Matmul;
typedef struct { int type; uint64_t rows, columns; int64_t ld; } Matrix;
typedef struct { uint64_t workspace; int alignment[4]; } Preference;
typedef struct { uint64_t algorithm[8]; size_t workspace; int state; float waves; int reserved[4]; } Result;

size_t cublasLtGetVersion(void) { return VERSION; }
R cublasLtCreate(P *handle) { PLANNED; *handle = (P) 0x1717; return 0; }
R cublasLtDestroy(P handle) { told("call cublasLtDestroy\n"); return handle == (P) 0x1717 ? 0 : 1; }

R cublasLtMatmulDescCreate(Matmul **d, int compute, int scale) { PLANNED; *d = calloc(1, sizeof(Matmul)); (*d)->compute = compute; (*d)->scale = scale; (*d)->epilogue = 1; return 0; }
R cublasLtMatmulDescDestroy(Matmul *d) { free(d); return 0; }
R cublasLtMatmulDescSetAttribute(Matmul *d, int attribute, const void *value, size_t bytes) {
    PLANNED;
    if (bytes != (attribute == 8 ? 8 : 4)) return 7;
    switch (attribute) {
        case 3: d->ta = *(int *) value; return 0;
        case 4: d->tb = *(int *) value; return 0;
        case 7: d->epilogue = *(int *) value; return 0;
        case 8: d->bias = *(void **) value; return 0;
        default: return 7;
    }
}

R cublasLtMatrixLayoutCreate(Matrix **m, int type, uint64_t rows, uint64_t columns, int64_t ld) { PLANNED; *m = malloc(sizeof(Matrix)); **m = (Matrix) {type, rows, columns, ld}; return 0; }
R cublasLtMatrixLayoutDestroy(Matrix *m) { free(m); return 0; }

R cublasLtMatmulPreferenceCreate(Preference **p) { PLANNED; *p = calloc(1, sizeof(Preference)); return 0; }
R cublasLtMatmulPreferenceDestroy(Preference *p) { free(p); return 0; }
R cublasLtMatmulPreferenceSetAttribute(Preference *p, int attribute, const void *value, size_t bytes) {
    PLANNED;
    if (attribute == 1 && bytes == 8) {
        p->workspace = *(uint64_t *) value;
    } else if (attribute >= 5 && attribute <= 8 && bytes == 4) {
        p->alignment[attribute - 5] = *(int *) value;
    } else {
        return 7;
    }
    return 0;
}

R cublasLtMatmulAlgoGetHeuristic(P handle, const Matmul *d, const Matrix *a, const Matrix *b, const Matrix *c, const Matrix *y, const Preference *p, int asked, Result *results, int *found) {
    PLANNED;
    if (handle != (P) 0x1717 || sizeof(Result) != 96) return 1;
    told("call cublasLtMatmulAlgoGetHeuristic epilogue %d workspace %lu alignment %d %d %d %d asked %d\n", d->epilogue, p->workspace, p->alignment[0], p->alignment[1], p->alignment[2],
         p->alignment[3], asked);
    memset(results, 0, asked * sizeof(Result));
    for (int i = 0; i < 3 && i < asked; i++) {
        results[i].algorithm[0] = i == 0 ? 501 : i == 1 ? 0 : 502;
        results[i].workspace = 1000 + i;
        results[i].state = i == 1 ? 15 : 0;
    }
    *found = asked < 3 ? asked : 3;
    return 0;
}

static void matrix(const char *name, P at, const Matrix *m) { told(" %s %p type %d %lux%lu ld %ld", name, at, m->type, m->rows, m->columns, m->ld); }

R cublasLtMatmul(P handle, const Matmul *d, P alpha, P a, const Matrix *da, P b, const Matrix *db, P beta, P c, const Matrix *dc, P y, const Matrix *dy, const uint64_t *algorithm, P workspace,
                 size_t bytes, P stream) {
    PLANNED;
    if (handle != (P) 0x1717) return 1;
    int whole = d->scale == 10;
    told("call cublasLtMatmul compute %d scale %d op %d %d epilogue %d bias %p alpha %g beta %g", d->compute, d->scale, d->ta, d->tb, d->epilogue, d->bias,
         whole ? (double) *(int *) alpha : (double) *(float *) alpha, whole ? (double) *(int *) beta : (double) *(float *) beta);
    matrix("a", a, da);
    matrix("b", b, db);
    matrix("c", c, dc);
    matrix("d", y, dy);
    told(" algorithm %lu workspace %p %zu stream %p\n", algorithm[0], workspace, bytes, stream);
    return 0;
}
