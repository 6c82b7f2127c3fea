// hopper.cuh: barriers in shared memory, bulk copies and copies by tensor maps, for the kernels of the emulator's tests.
struct alignas(64) Map {
    char bytes[128];
};

typedef unsigned long long State;

static __device__ __forceinline__ unsigned place(const void* p) {
    return static_cast<unsigned>(__cvta_generic_to_shared(p));
}

#define INIT(bar, n) asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(place(bar)), "r"(n) : "memory")
#define INVALIDATE(bar) asm volatile("mbarrier.inval.shared::cta.b64 [%0];" ::"r"(place(bar)) : "memory")
#define ARRIVE(bar) asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(place(bar)) : "memory")
#define ARRIVE_STATE(state, bar) asm volatile("mbarrier.arrive.shared::cta.b64 %0, [%1];" : "=l"(state) : "r"(place(bar)) : "memory")
#define EXPECT(bar, n) asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(place(bar)), "r"(n) : "memory")
#define TRY(done, bar, parity)                                                                                                      \
    asm volatile("{ .reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2; selp.u32 %0, 1, 0, p; }"                    \
                 : "=r"(done) : "r"(place(bar)), "r"(parity) : "memory")
#define TEST_STATE(done, bar, state)                                                                                                \
    asm volatile("{ .reg .pred p; mbarrier.test_wait.shared::cta.b64 p, [%1], %2; selp.u32 %0, 1, 0, p; }"                          \
                 : "=r"(done) : "r"(place(bar)), "l"(state) : "memory")
#define WAIT(bar, parity)           \
    do {                            \
        unsigned done;              \
        do {                        \
            TRY(done, bar, parity); \
        } while (!done);            \
    } while (0)
#define FENCE_ASYNC() asm volatile("fence.proxy.async.shared::cta;" ::: "memory")
#define FENCE_INIT() asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory")
#define BULK(to, from, n, bar)                                                                                                      \
    asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];"                          \
                 ::"r"(place(to)), "l"(from), "r"(n), "r"(place(bar)) : "memory")
#define BULK_OUT(to, from, n) asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], %2;" ::"l"(to), "r"(place(from)), "r"(n) : "memory")
#define BULK_COMMIT() asm volatile("cp.async.bulk.commit_group;" ::: "memory")
#define BULK_WAIT(n) asm volatile("cp.async.bulk.wait_group " #n ";" ::: "memory")
#define BULK_WAIT_READ(n) asm volatile("cp.async.bulk.wait_group.read " #n ";" ::: "memory")
#define TILE(to, map, x, y, bar)                                                                                                    \
    asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];"          \
                 ::"r"(place(to)), "l"(map), "r"(x), "r"(y), "r"(place(bar)) : "memory")
#define TILE3(to, map, x, y, z, bar)                                                                                                \
    asm volatile("cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3, %4}], [%5];" \
                 ::"r"(place(to)), "l"(map), "r"(x), "r"(y), "r"(z), "r"(place(bar)) : "memory")
#define TILE_OUT(map, x, y, from)                                                                                                   \
    asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%0, {%1, %2}], [%3];" ::"l"(map), "r"(x), "r"(y), "r"(place(from)) : "memory")

// The beginning of most kernels: a barrier that one thread makes and that expects one arrival.
#define BARRIER(bar)        \
    __shared__ State bar;   \
    if (threadIdx.x == 0) { \
        INIT(&bar, 1);      \
        FENCE_INIT();       \
    }                       \
    __syncthreads()
