// update.cu
// Math         slotless: w' = w - lr (g + decay w), or a moving average of g, w' = lr w + (1 - lr) gain g, or a sum, w' = lr ? w + g : g
//              sgd: g' = g + decay w; PyTorch v' = m v + g', w' = w - lr v', or with Nesterov w' = w - lr (g' + m v'); Keras v' = m v - lr g', w' = w + v', or w' = w + m v' - lr g'
//              rmsprop: g' = g + decay w, s' = a s + (1 - a) g'^2; PyTorch b' = m b + g' / (sqrt(s') + eps), w' = w - lr b'; TensorFlow b' = m b + lr g' / sqrt(s' + eps), w' = w - b'
//              adam: g' = g + decay w or w -= lr decay w; m' = b1 m + (1 - b1) g', v' = b2 v + (1 - b2) g'^2, w' = w - lr / (1 - b1^t) m' / (sqrt(v' / (1 - b2^t)) + eps)
//              each with an average if it has a place: a' = d a + (1 - d) w'; skip != 0: every new state is the old one
// Contract     parts: n > 0 elements, contiguous, 16-byte aligned, states and averages f32, gradients T; a new state may be the old one's memory; scalars f32, step and skip i32
// Launch       grid sum over parts of ceil(n / 4096), block 256, smem 0; parts in the parameters, 71 (slotless), 55 (sgd) or 45 to a launch; a in Traffic is 1 with an average
// Traffic      slotless: read (1+a)*n*4+n*T, write (1+a)*n*4
//              sgd: read (2+a)*n*4+n*T, write (2+a)*n*4
//              rmsprop: read (3+a)*n*4+n*T, write (3+a)*n*4
//              adam: read (3+a)*n*4+n*T, write (3+a)*n*4
// Roofline     memory bound: 6 to 20 flop per 10 to 36 bytes
// Numerics     computed in f32, each state rounded once; 1 - b^t by expm1; a skipped step leaves states bit for bit
// Determinism  bitwise, run to run
// CPU twin     dev.jacquard.cpu.UpdateKernels
// Versions     v1: a block per 16384 elements of one part; a launch per parameter would be 161 of them for ResNet-50
//              v2: stores as one instruction by hand; nvcc had made four of each in f16, with four times the sectors per request
//              v3: blocks of 4096 elements: of EfficientNet-B0 a launch had about one for each multiprocessor
//              v4: states are f32 whatever the gradient is; there were kernels for states in half precision, of no use to any training, and none for mixed ones
// Measured     not yet: no GPU so far
#include "parts.cuh"

// Scalar operands, read by every thread once.
struct Scalars {
    float lr, averageDecay;
    int step;
    bool skip;
};
DEVICE Scalars scalars(const float *lr, const int *step, const float *averageDecay, const int *skip) {
    Scalars s;
    s.lr = *lr;
    s.step = step ? *step : 0;
    s.averageDecay = averageDecay ? *averageDecay : 0;
    s.skip = skip && *skip != 0;
    return s;
}

// Rules change the parameter x[0] and its slots x[1..] by a gradient. One element at a time: the compiler sees a pack's elements side by side.
struct Slotless {
    static const int STATES = 1;
    u32 kind; // 0: sgd; of what stands in the gradient's place, 1: average, by a decay in the learning rate's and a gain in the decay's; 2: sum, anew if what is in the learning rate's is 0
    DEVICE void prepare(float, int) {}
    DEVICE void step(float *x, float g, float decay, float lr) const {
        if (kind == 2) x[0] = lr != 0 ? x[0] + g : g;
        else if (kind == 1) x[0] = lr * x[0] + (1 - lr) * decay * g;
        else x[0] -= lr * (g + decay * x[0]);
    }
};

struct Sgd {
    static const int STATES = 2;
    float momentum;
    u32 nesterov, keras;
    DEVICE void prepare(float, int) {}
    DEVICE void step(float *x, float g, float decay, float lr) const {
        g += decay * x[0];
        if (keras) g *= -lr;
        x[1] = momentum * x[1] + g;
        float direction = nesterov ? g + momentum * x[1] : x[1];
        x[0] += keras ? direction : -lr * direction;
    }
};

struct Rmsprop {
    static const int STATES = 3;
    float alpha, beta, eps, momentum; // beta is 1 - alpha, rounded once
    u32 tensorflow;
    DEVICE void prepare(float, int) {}
    DEVICE void step(float *x, float g, float decay, float lr) const {
        g += decay * x[0];
        x[1] = alpha * x[1] + beta * (g * g);
        float b = tensorflow ? lr * g / sqrtf(x[1] + eps) : g / (sqrtf(x[1]) + eps);
        x[2] = momentum * x[2] + b;
        x[0] -= tensorflow ? x[2] : lr * x[2];
    }
};

struct Adam {
    static const int STATES = 3;
    float beta1, gamma1, beta2, gamma2, logBeta1, logBeta2, eps; // gamma is 1 - beta, rounded once
    u32 decoupled;
    float rate, root; // of this step: lr / (1 - beta1^t), sqrt(1 - beta2^t)
    DEVICE void prepare(float lr, int t) {
        rate = lr / -expm1f(logBeta1 * (float)t);
        root = sqrtf(-expm1f(logBeta2 * (float)t));
    }
    DEVICE void step(float *x, float g, float decay, float lr) const {
        float w = x[0];
        if (decoupled) w -= lr * decay * w; else g += decay * w;
        x[1] = beta1 * x[1] + gamma1 * g;
        x[2] = beta2 * x[2] + gamma2 * (g * g);
        x[0] = w - rate * (x[1] / (sqrtf(x[2]) / root + eps));
    }
};

// A part's tensors: the old states and room for the average, the gradient, the new states and room for the average; no address where there is no average.
template <typename R> struct Places {
    static const int OLD = 0, AVERAGE = R::STATES, GRADIENT = R::STATES + 1, NEW = R::STATES + 2, NEW_AVERAGE = 2 * R::STATES + 2, COUNT = 2 * R::STATES + 3;
};

// One unit of a thread: N elements at i, old states in x, the average in a.
template <typename R, int N> DEVICE void advance(const R &rule, float (&x)[R::STATES][N], float (&a)[N], const float (&g)[N], float decay, float lr, float keep) {
#pragma unroll
    for (int k = 0; k < N; k++) {
        float e[R::STATES];
#pragma unroll
        for (int j = 0; j < R::STATES; j++) e[j] = x[j][k];
        rule.step(e, g[k], decay, lr);
#pragma unroll
        for (int j = 0; j < R::STATES; j++) x[j][k] = e[j];
        a[k] = keep * a[k] + (1 - keep) * e[0];
    }
}

template <typename T, typename R> DEVICE void quad(const Parts<Places<R>::COUNT> &parts, u32 part, i64 i, const R &rule, const Scalars &s) {
    typedef Places<R> P;
    float x[R::STATES][QUAD], a[QUAD] = {}, g[QUAD];
    bool average = parts.at[part][P::AVERAGE] != 0;
#pragma unroll
    for (int j = 0; j < R::STATES; j++) loadQuad(x[j], (const float *)parts.at[part][P::OLD + j] + i);
    if (average) loadQuad(a, (const float *)parts.at[part][P::AVERAGE] + i);
    loadQuad(g, (const T *)parts.at[part][P::GRADIENT] + i);
    advance<R, QUAD>(rule, x, a, g, parts.coefficient[part], s.lr, s.averageDecay);
#pragma unroll
    for (int j = 0; j < R::STATES; j++) storeQuad(x[j], (float *)parts.at[part][P::NEW + j] + i);
    if (average) storeQuad(a, (float *)parts.at[part][P::NEW_AVERAGE] + i);
}

// The last elements of a part, fewer than four.
template <typename T, typename R> DEVICE void single(const Parts<Places<R>::COUNT> &parts, u32 part, i64 i, const R &rule, const Scalars &s) {
    typedef Places<R> P;
    float x[R::STATES][1], a[1] = {}, g[1];
    bool average = parts.at[part][P::AVERAGE] != 0;
#pragma unroll
    for (int j = 0; j < R::STATES; j++) x[j][0] = ((const float *)parts.at[part][P::OLD + j])[i];
    if (average) a[0] = ((const float *)parts.at[part][P::AVERAGE])[i];
    g[0] = toFloat(((const T *)parts.at[part][P::GRADIENT])[i]);
    advance<R, 1>(rule, x, a, g, parts.coefficient[part], s.lr, s.averageDecay);
#pragma unroll
    for (int j = 0; j < R::STATES; j++) ((float *)parts.at[part][P::NEW + j])[i] = x[j][0];
    if (average) ((float *)parts.at[part][P::NEW_AVERAGE])[i] = a[0];
}

// A skipped step: states that lie elsewhere are copied as they are, NaN and all; those in place are not touched.
template <typename R> DEVICE void keep(const Parts<Places<R>::COUNT> &parts, const Chunk &c) {
    typedef Places<R> P;
#pragma unroll 1
    for (int j = 0; j <= R::STATES; j++) {
        u64 from = parts.at[c.part][P::OLD + j], to = parts.at[c.part][P::NEW + j];
        if (from == to) continue;
        i64 i = c.from + threadIdx.x * QUAD;
#pragma unroll 1
        for (; i + QUAD <= c.to; i += 256 * QUAD) *(uint4 *)((u32 *)to + i) = *(const uint4 *)((const u32 *)from + i);
#pragma unroll 1
        for (; i < c.to; i++) ((u32 *)to)[i] = ((const u32 *)from)[i];
    }
}

template <typename T, typename R> DEVICE void update(const Parts<Places<R>::COUNT> &parts, R rule, const float *lr, const int *step, const float *averageDecay, const int *skip) {
    Scalars s = scalars(lr, step, averageDecay, skip);
    rule.prepare(s.lr, s.step);
    Chunk c = chunkOf(parts);
    if (s.skip) {
        keep<R>(parts, c);
        return;
    }
    i64 i = c.from + threadIdx.x * QUAD;
#pragma unroll 1
    for (; i + QUAD <= c.to; i += 256 * QUAD) quad<T, R>(parts, c.part, i, rule, s);
#pragma unroll 1
    for (; i < c.to; i++) single<T, R>(parts, c.part, i, rule, s);
}

#define SLOTLESS(S, T) KERNEL(256) slotless_##S(const __grid_constant__ Parts<5> parts, const float *lr, const int *step, const float *averageDecay, const int *skip, u32 kind) { \
        update<T, Slotless>(parts, Slotless{kind}, lr, step, averageDecay, skip); }
#define SGD(S, T) KERNEL(256) sgd_##S(const __grid_constant__ Parts<7> parts, const float *lr, const int *step, const float *averageDecay, const int *skip, float momentum, u32 nesterov, u32 keras) { \
        update<T, Sgd>(parts, Sgd{momentum, nesterov, keras}, lr, step, averageDecay, skip); }
#define RMSPROP(S, T) KERNEL(256) rmsprop_##S(const __grid_constant__ Parts<9> parts, const float *lr, const int *step, const float *averageDecay, const int *skip, \
        float alpha, float beta, float eps, float momentum, u32 tensorflow) { \
        update<T, Rmsprop>(parts, Rmsprop{alpha, beta, eps, momentum, tensorflow}, lr, step, averageDecay, skip); }
#define ADAM(S, T) KERNEL(256) adam_##S(const __grid_constant__ Parts<9> parts, const float *lr, const int *step, const float *averageDecay, const int *skip, \
        float beta1, float gamma1, float beta2, float gamma2, float logBeta1, float logBeta2, float eps, u32 decoupled) { \
        update<T, Adam>(parts, Adam{beta1, gamma1, beta2, gamma2, logBeta1, logBeta2, eps, decoupled, 0, 0}, lr, step, averageDecay, skip); }
FOR_FLOATS(SLOTLESS)
FOR_FLOATS(SGD)
FOR_FLOATS(RMSPROP)
FOR_FLOATS(ADAM)
