package dev.jacquard.emulator;

import dev.jacquard.emulator.ptx.PtxException;
import dev.jacquard.emulator.ptx.PtxFunction;
import dev.jacquard.emulator.ptx.PtxModule;
import dev.jacquard.emulator.ptx.Space;
import dev.jacquard.emulator.ptx.Variable;
import dev.jacquard.kernels.driver.DeviceInfo;
import dev.jacquard.kernels.driver.Driver;
import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.DriverException.Kind;
import dev.jacquard.kernels.driver.FunctionInfo;
import dev.jacquard.kernels.driver.TensorMap;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * A CUDA device in software. Executes modules' PTX as it is, one launch at a time, when it is called: streams and events order nothing that is not ordered already.
 * A kernel that misbehaves is found out: every access is checked, and the message says which kernel, block, thread and source line did what.
 *
 * <p>For tools: {@link #count} switches counting on, {@link #takeStats} says what was counted.
 *
 * {@snippet :
 * try (EmulatorDriver driver = new EmulatorDriver(EmulatorOptions.DEFAULT.counting(true))) {
 *     long stream = driver.createStream();
 *     long kernel = driver.function(driver.loadModule("affine", ptx), "affine_f32");
 *     driver.launch(kernel, blocks, 1, 1, 256, 1, 1, 0, stream, parameters);
 *     LaunchStats done = driver.takeStats().getFirst();
 * }
 * }
 */
public final class EmulatorDriver implements Driver {
    static final int MULTIPROCESSORS = 132;
    private static final int SHARED_LIMIT = 227 * 1024;
    private static final int SHARED_DEFAULT = 48 * 1024;
    private static final long ALIGNMENT = 4096;
    /** All of the process's memory: parameter blocks come as bare addresses. */
    @SuppressWarnings("restricted")
    private static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private final EmulatorOptions options;
    private final DeviceMemory memory;
    private final Machine machine;
    private final Map<Long, Module> modules = new HashMap<>();
    private final Map<Long, Program> functions = new HashMap<>();
    private final Map<Long, Arena> pinned = new HashMap<>();
    private final Map<Long, List<Runnable>> captures = new HashMap<>();
    private final Map<Long, List<Runnable>> graphs = new HashMap<>();
    private final Map<Long, Boolean> streams = new HashMap<>();
    private final Map<Long, Event> events = new HashMap<>();
    private final List<LaunchStats> stats = new ArrayList<>();
    private boolean counting;
    private long handles = 1;
    private DriverException broken;
    private boolean closed;

    /** A loaded module: its text, its variables' places, and the kernels that were asked for. */
    private record Module(PtxModule text, Map<Variable, Allocation> variables, Map<String, Long> functions) {}

    /** An event's last mark. */
    private static final class Event {
        private final boolean timing;
        private long nanos = -1;

        Event(boolean timing) {
            this.timing = timing;
        }
    }

    /** A device with default options. */
    public EmulatorDriver() {
        this(EmulatorOptions.DEFAULT);
    }

    /** A device. */
    public EmulatorDriver(EmulatorOptions options) {
        this.options = options;
        counting = options.count();
        memory = new DeviceMemory(options.memoryBytes());
        machine = new Machine(memory, options);
    }

    private void check() {
        if (closed) {
            throw new DriverException(Kind.OTHER, "emulator: the driver has been closed");
        }
        if (broken != null) {
            throw new DriverException(broken.kind(), broken.getMessage(), broken);
        }
    }

    private static DriverException other(String message) {
        return new DriverException(Kind.OTHER, "emulator: " + message);
    }

    private void notCapturing(String call) {
        check();
        if (!captures.isEmpty()) {
            throw other(call + " is not permitted while a stream is being captured");
        }
    }

    @Override
    public DeviceInfo device() {
        return new DeviceInfo("Jacquard emulator", 9, 0, MULTIPROCESSORS, options.memoryBytes(), SHARED_LIMIT, 13000);
    }

    @Override
    public synchronized long allocate(long bytes) {
        notCapturing("allocate");
        if (bytes < 1) {
            throw other("allocation of " + bytes + " bytes");
        }
        return memory.allocate(bytes, "", false).base;
    }

    @Override
    public synchronized void free(long address) {
        notCapturing("free");
        memory.release(address);
    }

    @Override
    public synchronized long freeMemory() {
        check();
        return memory.free();
    }

    @Override
    public synchronized MemorySegment allocatePinned(long bytes) {
        notCapturing("allocatePinned");
        Arena arena = Arena.ofShared();
        MemorySegment s = arena.allocate(bytes, ALIGNMENT);
        pinned.put(s.address(), arena);
        return s;
    }

    @Override
    public synchronized void freePinned(MemorySegment segment) {
        Arena arena = pinned.remove(segment.address());
        if (arena == null) {
            throw other("freePinned of memory that is not pinned");
        }
        arena.close();
    }

    /** Does it now, or notes it for the stream's graph. */
    private void submit(long stream, Runnable work) {
        check();
        if (!streams.containsKey(stream)) {
            throw other("no such stream: " + stream);
        }
        List<Runnable> capture = captures.get(stream);
        if (capture != null) {
            capture.add(work);
        } else {
            work.run();
        }
    }

    @Override
    public synchronized void copyToDevice(long to, MemorySegment from, long stream) {
        submit(stream, () -> {
            long n = from.byteSize();
            Allocation a = memory.require(to, n, "copyToDevice");
            MemorySegment.copy(from, 0, MemorySegment.ofArray(a.data), to - a.base, n);
            a.writtenRange(to - a.base, n);
        });
    }

    @Override
    public synchronized void copyToHost(MemorySegment to, long from, long stream) {
        submit(stream, () -> {
            long n = to.byteSize();
            Allocation a = memory.require(from, n, "copyToHost");
            MemorySegment.copy(MemorySegment.ofArray(a.data), from - a.base, to, 0, n);
        });
    }

    @Override
    public synchronized void copy(long to, long from, long bytes, long stream) {
        submit(stream, () -> {
            Allocation source = memory.require(from, bytes, "copy");
            Allocation target = memory.require(to, bytes, "copy");
            System.arraycopy(source.data, (int) (from - source.base), target.data, (int) (to - target.base), (int) bytes);
            target.copyMarks(to - target.base, source, from - source.base, bytes);
        });
    }

    @Override
    public synchronized void fill(long at, byte value, long bytes, long stream) {
        submit(stream, () -> {
            Allocation a = memory.require(at, bytes, "fill");
            int o = (int) (at - a.base);
            Arrays.fill(a.data, o, o + (int) bytes, value);
            a.writtenRange(o, bytes);
        });
    }

    @Override
    public synchronized long loadModule(String name, byte[] ptx) {
        notCapturing("loadModule");
        int length = ptx.length > 0 && ptx[ptx.length - 1] == 0 ? ptx.length - 1 : ptx.length; // CUDA wants a terminated string
        PtxModule text;
        try {
            text = new PtxModule(name, new String(ptx, 0, length, StandardCharsets.UTF_8));
        } catch (PtxException e) {
            throw new DriverException(Kind.INVALID_PTX, "emulator: module " + name + ": " + e.getMessage(), e);
        }
        Map<Variable, Allocation> variables = new IdentityHashMap<>();
        for (Variable v : text.variables().values()) {
            if (v.space() == Space.GLOBAL || v.space() == Space.CONST) {
                variables.put(v, place(v));
            }
        }
        text.variables().values().stream().filter(variables::containsKey).forEach(v -> initialize(text, variables, v));
        long handle = handles++;
        modules.put(handle, new Module(text, variables, new HashMap<>()));
        return handle;
    }

    private Allocation place(Variable v) {
        return memory.allocate(Math.max(1, v.bytes()), "variable " + v.name(), v.space() == Space.CONST);
    }

    private static void initialize(PtxModule text, Map<Variable, Allocation> variables, Variable v) {
        Allocation a = variables.get(v);
        MemorySegment data = MemorySegment.ofArray(a.data);
        int size = v.type().bytes();
        for (int i = 0; i < v.initial().size(); i++) {
            Variable.Initial x = v.initial().get(i);
            long bits = x.bits() + (x.symbol() == null ? 0 : variables.get(text.variables().get(x.symbol())).base);
            switch (size) {
                case 1 -> data.set(ValueLayout.JAVA_BYTE, i, (byte) bits);
                case 2 -> data.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2L * i, (short) bits);
                case 4 -> data.set(ValueLayout.JAVA_INT_UNALIGNED, 4L * i, (int) bits);
                default -> data.set(ValueLayout.JAVA_LONG_UNALIGNED, 8L * i, bits);
            }
        }
        a.valid = null; // what is not initialized is zero
    }

    @Override
    public synchronized void unloadModule(long module) {
        notCapturing("unloadModule");
        Module m = modules.remove(module);
        if (m == null) {
            throw other("no such module: " + module);
        }
        m.functions().values().forEach(functions::remove);
        m.variables().values().forEach(a -> memory.release(a.base));
    }

    @Override
    public synchronized long function(long module, String name) {
        check();
        Module m = modules.get(module);
        if (m == null) {
            throw other("no such module: " + module);
        }
        Long known = m.functions().get(name);
        if (known != null) {
            return known;
        }
        PtxFunction f = m.text().functions().get(name);
        if (f == null || !f.entry()) {
            throw new DriverException(Kind.NOT_FOUND, "emulator: no kernel " + name + " in module " + m.text().name());
        }
        Program p;
        try {
            p = new Decoder(f, v -> m.variables().get(v).base).decode();
        } catch (PtxException e) {
            throw new DriverException(Kind.INVALID_PTX, "emulator: module " + m.text().name() + ", kernel " + name + ": " + e.getMessage(), e);
        }
        long handle = handles++;
        functions.put(handle, p);
        m.functions().put(name, handle);
        return handle;
    }

    private Program program(long function) {
        Program p = functions.get(function);
        if (p == null) {
            throw other("no such function: " + function);
        }
        return p;
    }

    @Override
    public synchronized FunctionInfo info(long function) {
        check();
        Program p = program(function);
        return new FunctionInfo(0, p.sharedBytes, p.localBytes, p.function.maxThreads());
    }

    @Override
    public synchronized void maxDynamicShared(long function, int bytes) {
        check();
        Program p = program(function);
        if (bytes < 0 || p.sharedBytes + bytes > SHARED_LIMIT) {
            throw other("kernel " + p.function.name() + " cannot have " + bytes + " bytes of dynamic shared memory beside " + p.sharedBytes + " static ones; the device has "
                    + SHARED_LIMIT);
        }
        p.maxDynamicShared = bytes;
    }

    @Override
    public byte[] encode(TensorMap map) {
        return EncodedMap.encode(map);
    }

    @Override
    public synchronized long createStream() {
        check();
        long handle = handles++;
        streams.put(handle, true);
        return handle;
    }

    @Override
    public synchronized void destroyStream(long stream) {
        if (streams.remove(stream) == null) {
            throw other("no such stream: " + stream);
        }
        captures.remove(stream);
    }

    @Override
    public synchronized void synchronize(long stream) {
        notCapturing("synchronize");
    }

    @Override
    public synchronized long createEvent(boolean timing) {
        check();
        long handle = handles++;
        events.put(handle, new Event(timing));
        return handle;
    }

    @Override
    public synchronized void destroyEvent(long event) {
        events.remove(event);
    }

    private Event event(long event) {
        Event e = events.get(event);
        if (e == null) {
            throw other("no such event: " + event);
        }
        return e;
    }

    @Override
    public synchronized void record(long event, long stream) {
        Event e = event(event);
        submit(stream, () -> e.nanos = System.nanoTime());
    }

    @Override
    public synchronized void await(long stream, long event) {
        check();
        event(event);
    }

    @Override
    public synchronized void synchronizeEvent(long event) {
        notCapturing("synchronizeEvent");
        event(event);
    }

    @Override
    public synchronized float milliseconds(long from, long to) {
        check();
        Event a = event(from);
        Event b = event(to);
        if (!a.timing || !b.timing || a.nanos < 0 || b.nanos < 0) {
            throw other("no time between events that do not time, or have not been recorded");
        }
        return (b.nanos - a.nanos) * 1e-6f;
    }

    @Override
    public synchronized void launch(long function, int gridX, int gridY, int gridZ, int blockX, int blockY, int blockZ, int sharedBytes, long stream, long parameters) {
        check();
        Program p = program(function);
        int[] grid = {gridX, gridY, gridZ};
        int[] block = {blockX, blockY, blockZ};
        validate(p, grid, block, sharedBytes);
        byte[] values = values(p, parameters);
        submit(stream, () -> execute(p, grid, block, sharedBytes, values));
    }

    private void execute(Program p, int[] grid, int[] block, int sharedBytes, byte[] values) {
        Counters counters = counting ? new Counters() : null;
        try {
            machine.launch(p, grid, block, sharedBytes, values, counters);
        } catch (DriverException e) {
            broken = e.kind().sticky() ? e : broken;
            throw e;
        }
        if (counters != null) {
            long blocks = (long) grid[0] * grid[1] * grid[2];
            stats.add(counters.stats(p.function.name(), blocks, blocks * block[0] * block[1] * block[2]));
        }
    }

    /** Switches counting on or off; it costs time, and is off unless {@link EmulatorOptions#count} says otherwise. */
    public synchronized void count(boolean on) {
        counting = on;
    }

    /** What the launches did that were counted since the last call, one for one, in order; {@link LaunchStats#byKernel} sums them. */
    public synchronized List<LaunchStats> takeStats() {
        List<LaunchStats> taken = List.copyOf(stats);
        stats.clear();
        return taken;
    }

    private static byte[] values(Program p, long parameters) {
        byte[] values = new byte[p.parameterBytes];
        for (int i = 0; i < p.parameterOffsets.length; i++) {
            long from = ALL.get(ValueLayout.JAVA_LONG_UNALIGNED, parameters + 8L * i);
            MemorySegment.copy(ALL, ValueLayout.JAVA_BYTE, from, values, p.parameterOffsets[i], p.parameterSizes[i]);
        }
        return values;
    }

    private static void validate(Program p, int[] grid, int[] block, int sharedBytes) {
        String kernel = "launch of kernel " + p.function.name() + ": ";
        long threads = (long) block[0] * block[1] * block[2];
        if (block[0] < 1 || block[1] < 1 || block[2] < 1 || threads > p.function.maxThreads() || threads > 1024 || block[2] > 64) {
            throw other(kernel + "block of " + Arrays.toString(block) + " threads; at most " + Math.min(1024, p.function.maxThreads()));
        }
        if (grid[0] < 1 || grid[1] < 1 || grid[2] < 1 || grid[1] > 65535 || grid[2] > 65535) {
            throw other(kernel + "grid of " + Arrays.toString(grid) + " blocks; each at least 1, the second and third at most 65535");
        }
        if (p.sharedBytes > SHARED_DEFAULT) {
            throw other(kernel + p.sharedBytes + " bytes of static shared memory; at most " + SHARED_DEFAULT);
        }
        if (sharedBytes < 0 || sharedBytes > p.maxDynamicShared || p.maxDynamicShared <= SHARED_DEFAULT && p.sharedBytes + sharedBytes > SHARED_DEFAULT) {
            throw other(kernel + sharedBytes + " bytes of dynamic shared memory beside " + p.sharedBytes + " static ones; "
                    + p.maxDynamicShared + " are allowed: call maxDynamicShared before");
        }
    }

    @Override
    public synchronized void beginCapture(long stream) {
        check();
        if (!streams.containsKey(stream) || captures.containsKey(stream)) {
            throw other("beginCapture: no such stream, or it is being captured: " + stream);
        }
        captures.put(stream, new ArrayList<>());
    }

    @Override
    public synchronized long endCapture(long stream) {
        check();
        List<Runnable> work = captures.remove(stream);
        if (work == null) {
            throw other("endCapture: the stream is not being captured: " + stream);
        }
        long handle = handles++;
        graphs.put(handle, work);
        return handle;
    }

    @Override
    public synchronized void launchGraph(long graph, long stream) {
        check();
        List<Runnable> work = graphs.get(graph);
        if (work == null) {
            throw other("no such graph: " + graph);
        }
        submit(stream, () -> work.forEach(Runnable::run));
    }

    @Override
    public synchronized void destroyGraph(long graph) {
        graphs.remove(graph);
    }

    @Override
    public synchronized void close() {
        closed = true;
        pinned.values().forEach(Arena::close);
        pinned.clear();
    }
}
