package dev.jacquard.kernels.nvidia;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.FunctionInfo;
import dev.jacquard.kernels.driver.TensorMap;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.JacquardException;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Backends;
import dev.jacquard.tensor.backend.Buffer;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.op.Pointwise;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.FutureTask;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What a test's own process does with the driver that it finds: each argument is a step. Prints a line per step, "KIND: message" where it fails. */
final class Child {
    /** What a thread of the kernel {@code record} writes to words 0 to 6 of its first parameter. */
    private static final List<String> RECORDED = List.of("%nctaid.x", "%nctaid.y", "%nctaid.z", "%ntid.x", "%ntid.y", "%ntid.z", "%dynamic_smem_size");

    /** For the stand-in any text with these names; for a device the kernels that the stand-in has in C. */
    private static final byte[] PTX = ("""
            .version 7.0
            .target sm_75
            .address_size 64

            .visible .entry nothing() { ret; }

            // Writes to address 16, which is nobody's.
            .visible .entry fault()
            {
                .reg .b64 %d;
                mov.u64 %d, 16;
                st.global.u64 [%d], %d;
                ret;
            }

            // The first thread of all records the launch, and adds its second parameter to word 7.
            .visible .entry record(.param .u64 to, .param .u64 value)
            {
                .reg .pred %p;
                .reg .b32 %r, %s;
                .reg .b64 %to, %d, %v;
                mov.u32 %r, %ctaid.x;
            """ + Stream.of("%ctaid.y", "%ctaid.z", "%tid.x", "%tid.y", "%tid.z").map("    mov.u32 %%s, %s;\n    or.b32 %%r, %%r, %%s;\n"::formatted)
                    .collect(Collectors.joining()) + """
                setp.ne.u32 %p, %r, 0;
                @%p ret;
                ld.param.u64 %to, [to];
                cvta.to.global.u64 %to, %to;
            """ + RECORDED.stream().map(r -> "    mov.u32 %%r, %s;\n    cvt.u64.u32 %%d, %%r;\n    st.global.u64 [%%to+%d], %%d;\n".formatted(r, 8 * RECORDED.indexOf(r)))
                    .collect(Collectors.joining()) + """
                ld.param.u64 %v, [value];
                ld.global.u64 %d, [%to+56];
                add.u64 %d, %d, %v;
                st.global.u64 [%to+56], %d;
                ret;
            }
            """).getBytes(StandardCharsets.UTF_8);

    private Child() {}

    public static void main(String[] steps) {
        for (String step : steps) {
            String said;
            try {
                said = step(step);
            } catch (DriverException e) {
                said = e.kind() + ": " + e.getMessage();
            } catch (Exception | LinkageError | AssertionError e) {
                said = "NOT TYPED: " + e;
            }
            System.out.println(step + " -> " + said);
        }
    }

    private static NvidiaDriver driver;
    private static long stream;

    private static String step(String step) throws Exception {
        switch (step) {
            case "unavailable" -> {
                return new CudaBackendProvider().unavailable().orElse("available");
            }
            case "report" -> {
                return String.join("\n", new CudaBackendProvider().report());
            }
            case "open" -> {
                driver = NvidiaDriver.open();
                stream = driver.createStream();
                return driver.device().toString();
            }
            case "open 7" -> driver = NvidiaDriver.open(7);
            case "all" -> all(driver);
            case "threads" -> threads(driver);
            case "backend" -> {
                return backend();
            }
            case "two devices" -> twoDevices();
            case "allocate" -> driver.allocate(123_456_789);
            case "upload pinned" -> driver.copyToDevice(driver.allocate(64), driver.allocatePinned(64), stream);
            case "upload" -> driver.copyToDevice(driver.allocate(64), Arena.global().allocate(64), stream);
            case "download pinned" -> driver.copyToHost(driver.allocatePinned(128).asSlice(64, 64), driver.allocate(64), stream);
            case "download" -> driver.copyToHost(Arena.global().allocate(64), driver.allocate(64), stream);
            case "module" -> driver.loadModule("silu", PTX);
            case "kernel" -> driver.function(driver.loadModule("silu", PTX), "absent");
            case "launch" -> launch(driver, stream, "nothing", 1025);
            case "synchronize" -> driver.synchronize(stream);
            case "free memory" -> {
                return Long.toString(driver.freeMemory());
            }
            case "garbage" -> {
                return garbage(driver, stream) + " bytes";
            }
            case "destroy" -> driver.destroyStream(stream);
            case "plan" -> {
                return plan();
            }
            case "ranges" -> ranges(driver);
            case "bad text" -> driver.loadModule("bad", ".version 7.0\n.target sm_75\n.address_size 64\nnonsense;\n".getBytes(StandardCharsets.UTF_8));
            case "fault" -> {
                launch(driver, stream, "fault", 1);
                driver.synchronize(stream);
            }
            case "ptx" -> {
                return new String(PTX, StandardCharsets.UTF_8);
            }
            case "close" -> driver.close();
            default -> throw new IllegalArgumentException(step);
        }
        return "done";
    }

    private static void launch(NvidiaDriver d, long stream, String kernel, int threads) {
        d.launch(d.function(d.loadModule("silu", PTX), kernel), 1, 1, 1, threads, 1, 1, 0, stream, 0);
    }

    /** Bytes that ten thousand launches allocate, after as many to warm up. */
    private static long garbage(NvidiaDriver d, long stream) {
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long nothing = d.function(d.loadModule("silu", PTX), "nothing");
        d.beginCapture(stream);
        long graph = d.endCapture(stream);
        long before = 0;
        for (int i = 0; i < 20_000; i++) {
            if (i == 10_000) {
                before = threads.getCurrentThreadAllocatedBytes();
            }
            d.launch(nothing, 1, 1, 1, 256, 1, 1, 0, stream, 0);
            d.launchGraph(graph, stream);
            d.pushRange("nobody listens");
            d.popRange();
        }
        return threads.getCurrentThreadAllocatedBytes() - before;
    }

    private static void require(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    /** Every call of the interface once, with data where there is some. */
    private static void all(NvidiaDriver d) {
        try (Arena arena = Arena.ofConfined()) {
            long q = d.createStream();
            transfers(d, q, arena);
            long module = d.loadModule("silu", PTX);
            long record = d.function(module, "record");
            boolean real = !d.device().name().startsWith("Dummy");
            FunctionInfo info = d.info(record);
            require(real ? info.registers() > 0 && info.localBytes() == 0 && info.maxThreadsPerBlock() >= 640 : info.equals(new FunctionInfo(32, 48, 8, 1024)), info.toString());
            d.maxDynamicShared(record, 60_000);
            long to = d.allocate(64);
            d.fill(to, (byte) 0, 64, q);
            MemorySegment parameters = arena.allocate(ADDRESS, 2);
            parameters.setAtIndex(ADDRESS, 0, arena.allocateFrom(JAVA_LONG, to));
            parameters.setAtIndex(ADDRESS, 1, arena.allocateFrom(JAVA_LONG, 42L));
            d.launch(record, 70_000, 2, 3, 32, 4, 5, 1234, q, parameters.address());
            long[] got = new long[8];
            d.copyToHost(MemorySegment.ofArray(got), to, q);
            require(Arrays.equals(got, new long[] {70_000, 2, 3, 32, 4, 5, 1234, 42}), Arrays.toString(got));
            d.beginCapture(q);
            d.launch(record, 1, 1, 1, 8, 1, 1, 0, q, parameters.address());
            long graph = d.endCapture(q);
            d.copyToHost(MemorySegment.ofArray(got), to, q);
            require(got[7] == 42, "captured, yet done");
            d.launchGraph(graph, q);
            d.launchGraph(graph, q);
            d.copyToHost(MemorySegment.ofArray(got), to, q);
            require(got[7] == 3 * 42 && got[3] == 8, Arrays.toString(got));
            d.destroyGraph(graph);
            events(d, q);
            tensorMaps(d, to, real);
            d.free(to);
            d.unloadModule(module);
            d.destroyStream(q);
            d.pushRange("nobody listens");
            d.popRange();
        }
    }

    private static void tensorMaps(NvidiaDriver d, long base, boolean real) {
        if (real && d.device().capability() < 90) {
            return;
        }
        byte[] map = d.encode(new TensorMap(2, base, List.of(64L, 7L, 5L), List.of(128L, 1024L), List.of(64, 4, 2), List.of(1, 2, 1), TensorMap.Swizzle.B128));
        require(map.length == 128, map.length + " bytes");
        if (!real) {
            int[] got = new int[27];
            ByteBuffer.wrap(map).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(got);
            int[] want = {1, 3, (int) base, 64, 7, 5, 0, 0, 0, 128, 1024, 0, 0, 64, 4, 2, 0, 0, 1, 2, 1, 0, 0, 0, 3, 3, 0};
            require(Arrays.equals(want, got), Arrays.toString(got));
        }
        try {
            d.encode(new TensorMap(2, base + 8, List.of(64L), List.of(), List.of(64), TensorMap.Swizzle.NONE));
            require(false, "a base that is no multiple of 16 was taken");
        } catch (DriverException e) {
            require(e.kind() == DriverException.Kind.OTHER, e.toString());
        }
    }

    private static void events(NvidiaDriver d, long q) {
        long a = d.createEvent(true);
        long b = d.createEvent(true);
        d.record(a, q);
        d.record(b, q);
        d.await(q, b);
        d.synchronizeEvent(b);
        float took = d.milliseconds(a, b);
        require(d.device().name().startsWith("Dummy") ? took == 1.5f : took >= 0, took + " ms");
        d.destroyEvent(a);
        d.destroyEvent(b);
        d.destroyEvent(d.createEvent(false));
    }

    /** Bytes there and back again by pinned, native and heap memory, over the size of a staging piece. */
    private static void transfers(NvidiaDriver d, long q, Arena arena) {
        int bytes = (9 << 20) + 5;
        long first = d.allocate(bytes);
        long second = d.allocate(bytes);
        require(first % 256 == 0, "alignment");
        MemorySegment pinned = d.allocatePinned(bytes);
        MemorySegment another = d.allocatePinned(16);
        for (MemorySegment host : List.of(pinned, arena.allocate(bytes), MemorySegment.ofArray(new byte[bytes]))) {
            for (int i = 0; i < bytes; i += 1021) {
                host.set(JAVA_BYTE, i, (byte) (i * 31));
            }
            byte[] sent = host.toArray(JAVA_BYTE);
            d.copyToDevice(first, host, q);
            d.fill(second, (byte) 9, bytes, q);
            d.copy(second, first, bytes - 1, q);
            host.fill((byte) 0);
            d.copyToHost(host, second, q);
            d.synchronize(q);
            require(host.get(JAVA_BYTE, bytes - 1) == 9, "the last byte is not from the copy");
            host.set(JAVA_BYTE, bytes - 1, sent[bytes - 1]);
            require(Arrays.equals(sent, host.toArray(JAVA_BYTE)), "bytes differ");
        }
        d.copyToDevice(first, MemorySegment.ofArray(new byte[0]), q);
        d.freePinned(pinned);
        d.freePinned(another);
        d.free(first);
        d.free(second);
    }

    /** The context must be current in every thread; the stand-in refuses calls without. */
    private static void threads(NvidiaDriver d) throws Exception {
        for (Thread.Builder kind : List.<Thread.Builder>of(Thread.ofPlatform(), Thread.ofVirtual())) {
            FutureTask<Long> task = new FutureTask<>(d::freeMemory);
            kind.start(task);
            require(task.get() > 0, "no memory");
        }
    }

    /** What the engine's own interface says where the driver fails; only {@link JacquardException} may come out, and closing must not hide the failure. */
    private static String backend() {
        Backend b;
        try {
            b = Backends.open("cuda", 0);
        } catch (JacquardException e) {
            return e.getClass().getSimpleName() + " " + e.getMessage();
        }
        try {
            Buffer memory = b.allocate(1 << 20, "a test");
            float[] numbers = {1, 2, 3};
            memory.upload(0, MemorySegment.ofArray(numbers));
            b.synchronize();
            memory.download(0, MemorySegment.ofArray(new float[3]));
            memory.close();
            return b.name() + ", " + b.description();
        } catch (JacquardException e) {
            return e.getClass().getSimpleName() + " " + e.getMessage();
        } finally {
            b.close();
        }
    }

    /** A plan's life: launched, captured, replayed, closed. The stand-in runs no kernels, so there are no values to look at. */
    private static String plan() {
        GraphBuilder b = new GraphBuilder(false);
        b.output("y", b.apply(new Pointwise.Affine(2, 1), List.of(b.input("x", TensorType.of(DType.F32, 1000)))).getFirst());
        try (Backend backend = Backends.open("cuda", 0); State state = new State(backend); Plan plan = Plan.of(b.build(), state)) {
            for (int i = 0; i < 4; i++) {
                plan.feed("x", MemorySegment.ofArray(new float[1000]));
                plan.run();
                plan.floats("y");
            }
            return "done";
        } catch (JacquardException e) {
            return e.getClass().getSimpleName() + " " + e.getMessage();
        }
    }

    /** Both in one thread, in turn, and in virtual threads that share one carrier: each call must see its own device's context. */
    private static void twoDevices() throws Exception {
        try (NvidiaDriver a = NvidiaDriver.open(0); NvidiaDriver b = NvidiaDriver.open(1)) {
            for (int i = 0; i < 3; i++) {
                require(a.freeMemory() == 5L << 30 && b.freeMemory() == 6L << 30, "one sees the other's memory");
            }
            CyclicBarrier turn = new CyclicBarrier(2);
            List<FutureTask<Boolean>> tasks = List.of(a, b).stream().map(d -> new FutureTask<>(() -> {
                boolean same = true;
                for (int i = 0; i < 5; i++) {
                    same &= d.freeMemory() == (d == a ? 5L : 6L) << 30;
                    turn.await();
                }
                return same;
            })).toList();
            tasks.forEach(Thread.ofVirtual()::start);
            for (FutureTask<Boolean> t : tasks) {
                require(t.get(), "a virtual thread sees the other's memory");
            }
        }
        try (NvidiaDriver again = NvidiaDriver.open(0)) {
            require(again.freeMemory() == 5L << 30, "not opened again");
        }
    }

    private static void ranges(NvidiaDriver d) {
        d.pushRange("step 1");
        d.pushRange("silu");
        d.popRange();
        d.popRange();
    }
}
