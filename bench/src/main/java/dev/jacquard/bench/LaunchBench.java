package dev.jacquard.bench;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.jacquard.kernels.driver.Driver;
import dev.jacquard.kernels.nvidia.NvidiaDriver;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What a launch costs on our side of the driver: the driver is the tests' stand-in, whose kernel does nothing (built by gcc, from the repository's root). Run it with
 * {@code -prof gc}: launches must not allocate.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 3, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
@State(Scope.Benchmark)
public class LaunchBench {
    private static final int POINTERS = 4;
    private static final int NUMBERS = 2;

    private final Arena arena = Arena.ofShared();
    private Path folder;
    private Driver driver;
    private long stream;
    private long kernel;
    private long graph;
    private MemorySegment values;
    private long parameters;
    private long address;

    /** Made by JMH. */
    public LaunchBench() {}

    /** Builds the stand-in and opens it; the kernel has four pointers and two numbers. */
    @Setup(Level.Trial)
    public void setUp() throws IOException, InterruptedException {
        folder = Files.createTempDirectory("jacquard-launch-bench");
        Path library = folder.resolve("libcuda.so.1");
        int status = new ProcessBuilder("gcc", "-O2", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-o", library.toString(), "kernels/src/test/c/libcuda.c").inheritIO()
                .start().waitFor();
        if (status != 0) {
            throw new IllegalStateException("gcc ended with " + status + "; run this in the repository's root");
        }
        System.setProperty("jacquard.cuda.libs", folder.toString());
        driver = NvidiaDriver.open();
        stream = driver.createStream();
        kernel = driver.function(driver.loadModule("nothing", ".version 8.0\n".getBytes(StandardCharsets.US_ASCII)), "nothing");
        values = arena.allocate(8L * (POINTERS + NUMBERS), 8);
        MemorySegment block = arena.allocate(8L * (POINTERS + NUMBERS), 8);
        for (int i = 0; i < POINTERS + NUMBERS; i++) {
            block.setAtIndex(JAVA_LONG, i, values.address() + 8L * i);
        }
        parameters = block.address();
        driver.beginCapture(stream);
        launch();
        graph = driver.endCapture(stream);
    }

    /** A launch as plans have it outside of graphs: the parameter block was filled once. */
    @Benchmark
    public void launch() {
        driver.launch(kernel, 1024, 1, 1, 256, 1, 1, 0, stream, parameters);
    }

    /** A launch whose six parameters are written each time, as eager ops have it. */
    @Benchmark
    public void launchWithNewParameters() {
        address += 256;
        for (int i = 0; i < POINTERS; i++) {
            values.setAtIndex(JAVA_LONG, i, address + i);
        }
        for (int i = 0; i < NUMBERS; i++) {
            values.set(JAVA_INT, 8L * (POINTERS + i), (int) address);
        }
        driver.launch(kernel, 1024, 1, 1, 256, 1, 1, 0, stream, parameters);
    }

    /** The replay of a graph. */
    @Benchmark
    public void launchGraph() {
        driver.launchGraph(graph, stream);
    }

    /** Closes everything. */
    @TearDown(Level.Trial)
    public void tearDown() throws IOException {
        driver.close();
        arena.close();
        Files.delete(folder.resolve("libcuda.so.1"));
        Files.delete(folder);
    }
}
