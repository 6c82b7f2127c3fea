package dev.jacquard.kernels.nvidia;

import static dev.jacquard.kernels.nvidia.Processes.assertContains;
import static dev.jacquard.kernels.nvidia.Processes.gcc;
import static dev.jacquard.kernels.nvidia.Processes.names;
import static dev.jacquard.kernels.nvidia.Processes.said;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import jcuda.LibUtils;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The real driver's code against a stand-in for {@code libcuda.so.1}, each case in a process of its own: whatever is wrong ends in a typed error, never in a crash, and
 * leaves nothing behind.
 */
class NvidiaDriverTest {
    @TempDir
    static Path folder;

    private static final String NATIVE = Natives.Native.DRIVER.file();

    private static Processes processes() {
        return new Processes(folder, Child.class);
    }

    private static Processes.Case aCase() {
        return processes().new Case();
    }

    @BeforeAll
    static void buildTheStandIns() throws Exception {
        Assumptions.assumeTrue(System.getProperty("os.name").equals("Linux") && System.getProperty("os.arch").equals("amd64"), "not run: the CUDA backend is for Linux on x86-64");
        gcc("libcuda.c", folder.resolve("good/libcuda.so.1"));
        gcc("libcuda.c", folder.resolve("lacking/libcuda.so.1"), "-DLACKS_GRAPHS", "-DcuEventCreate=cuEventCreateOfOld");
        gcc("profiler.c", folder.resolve("profiler.so"));
        Files.createDirectories(folder.resolve("empty"));
    }

    @Test
    void everyCallArrivesAsItShould() throws Exception {
        Processes.Said said = aCase().run("unavailable", "open", "all", "threads", "report", "close", "free memory");
        assertEquals("available", said.of("unavailable"), said.all());
        assertEquals("Dummy 0, sm_90, 4 SMs, 8.0 GiB, driver for CUDA 13.0", said.of("open"), said.all());
        assertEquals("done", said.of("all"), said.all());
        assertEquals("done", said.of("threads"), said.all());
        assertEquals("OTHER: the device has been closed", said.of("free memory"), said.all());
        assertContains(said.all(), folder.resolve("good/libcuda.so.1").toString(), "libcudnn.so.9", "looked for these in:", "-D" + Libraries.PROPERTY);
    }

    @Test
    void twoDevicesDoNotMix() throws Exception {
        Processes.Case c = aCase().set("DUMMY_DEVICES", "2");
        c.flags.addAll(List.of("-Djdk.virtualThreadScheduler.parallelism=1", "-Djdk.virtualThreadScheduler.maxPoolSize=1"));
        assertEquals("done", c.run("two devices").of("two devices"));
    }

    @Test
    void onlyPageableMemoryIsWaitedFor() throws Exception {
        // A wait is made to fail: whoever waits shows.
        Processes.Said said = aCase().set("DUMMY_FAIL", "cuStreamSynchronize=1").run("open", "upload pinned", "download pinned", "upload", "download");
        assertEquals("done", said.of("upload pinned"));
        assertEquals("done", said.of("download pinned"));
        assertContains(said.of("upload"), "OTHER: cuStreamSynchronize");
        assertContains(said.of("download"), "OTHER: cuStreamSynchronize");
    }

    @Test
    void launchesAllocateNothing() throws Exception {
        assertEquals("0 bytes", aCase().run("open", "garbage").of("garbage"));
    }

    /** The one test here that needs a GPU: the same calls on a real device, and its own faults. */
    @Test
    void everyCallOnARealDevice() throws Exception {
        String why = aCase().libraries(null).run("unavailable").of("unavailable");
        Assumptions.assumeTrue(why.equals("available"), "not run: " + why);
        Processes.Said said = aCase().libraries(null).run("open", "all", "threads", "garbage", "upload", "download pinned", "kernel", "launch", "bad text", "allocate",
                "backend", "close");
        for (String step : List.of("all", "threads", "upload", "download pinned", "allocate", "close")) {
            assertEquals("done", said.of(step), said.all());
        }
        assertEquals("0 bytes", said.of("garbage"), said.all());
        assertContains(said.of("kernel"), "NOT_FOUND: cuModuleGetFunction");
        assertContains(said.of("launch"), "OTHER: cuLaunchKernel: CUDA_ERROR_INVALID_VALUE (1)");
        assertContains(said.of("bad text"), "INVALID_PTX: cuModuleLoadDataEx: CUDA_ERROR_INVALID_PTX (218): module bad: ptxas");
        assertContains(said.of("backend"), "cuda, ");
        Processes.Said fault = aCase().libraries(null).run("open", "fault", "free memory", "close");
        assertContains(fault.of("fault"), "KERNEL_FAULT: cuStreamSynchronize: CUDA_ERROR_ILLEGAL_ADDRESS (700)");
        assertEquals(fault.of("fault"), fault.of("free memory"), fault.all());
        assertEquals("done", fault.of("close"), fault.all());
    }

    @Test
    void noDriver() throws Exception {
        Assumptions.assumeTrue(new Libraries().find(Libraries.DRIVER).file().isEmpty(), "not run: this machine has a driver, which would be found");
        Processes.Said said = aCase().libraries(folder.resolve("empty")).run("unavailable", "open", "report");
        assertContains(said.of("unavailable"), "libcuda.so.1", "install the NVIDIA driver");
        assertContains(said.of("open"), "UNAVAILABLE: ", "libcuda.so.1");
        assertContains(said.all(), "libcuda.so.1: not found", "CUDA_HOME", "site-packages");
    }

    @Test
    void theDriverIsFoundByTheSystemsLoader() throws Exception {
        Processes.Case c = aCase().libraries(folder.resolve("empty")).set("LD_LIBRARY_PATH", folder.resolve("good").toString());
        assertContains(c.run("open").of("open"), "Dummy 0");
    }

    @Test
    void nativeAccessIsNotAllowed() throws Exception {
        Processes.Case c = aCase();
        c.flags.addAll(List.of("--enable-native-access=java.base", "--illegal-native-access=deny"));
        assertContains(c.run("unavailable").of("unavailable"), "native access is not allowed", "--enable-native-access=ALL-UNNAMED");
    }

    @Test
    void theDriverIsTooOld() throws Exception {
        Processes.Said said = aCase().set("DUMMY_VERSION", "11040").run("unavailable", "open");
        assertContains(said.of("unavailable"), "CUDA 11.4", "12.0", "update");
        assertContains(said.of("open"), "TOO_OLD: ", "11.4");
    }

    @Test
    void theDriverLacksFunctionsThatFfmOrJCudaWouldCall() throws Exception {
        Processes.Said said = aCase().libraries(folder.resolve("lacking")).run("unavailable", "open");
        assertContains(said.of("unavailable"), "cuGraphLaunch", "cuEventCreate", "reinstall");
        assertContains(said.of("open"), "NOT_FOUND: ", "cuGraphLaunch");
    }

    @Test
    void noDevice() throws Exception {
        Processes.Said said = aCase().set("DUMMY_DEVICES", "0").run("unavailable", "open");
        assertContains(said.of("unavailable"), "CUDA_ERROR_NO_DEVICE (100)", "nvidia-smi");
        assertContains(said.of("open"), "UNAVAILABLE: cuInit");
        assertContains(aCase().set("DUMMY_DEVICES", "2").run("open 7").of("open 7"), "UNAVAILABLE: there is no device 7", "shows 2");
    }

    @Test
    void theDeviceIsTooOld() throws Exception {
        Processes.Said said = aCase().set("DUMMY_SM", "61").run("unavailable", "open");
        assertContains(said.of("unavailable"), "Dummy 0 has sm_61", "sm_75");
        assertContains(said.of("open"), "TOO_OLD: ");
    }

    @Test
    void theDriverFailsToStart() throws Exception {
        assertContains(aCase().set("DUMMY_FAIL", "cuInit=999").run("unavailable").of("unavailable"), "cuInit: CUDA_ERROR_UNKNOWN (999)", "nvidia-smi");
        assertContains(aCase().set("DUMMY_FAIL", "cuInit=803").run("open").of("open"), "UNAVAILABLE: ", "reboot");
        assertContains(aCase().set("DUMMY_FAIL", "cuDevicePrimaryCtxRetain=46").run("open").of("open"), "UNAVAILABLE: cuDevicePrimaryCtxRetain", "another process");
    }

    @Test
    void outOfMemory() throws Exception {
        Processes.Said said = aCase().set("DUMMY_FAIL", "cuMemAlloc_v2=2").run("open", "allocate", "free memory");
        assertContains(said.of("allocate"), "OUT_OF_MEMORY: cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY (2)", "123456789 bytes", Long.toString(5L << 30));
        assertEquals(Long.toString(5L << 30), said.of("free memory"), "not sticky");
    }

    @Test
    void aStickyErrorIsTheErrorOfAllLaterCalls() throws Exception {
        Processes.Said said = aCase().set("DUMMY_FAIL", "cuStreamSynchronize=700").run("open", "synchronize", "free memory", "module", "destroy", "close");
        assertContains(said.of("synchronize"), "KERNEL_FAULT: cuStreamSynchronize: CUDA_ERROR_ILLEGAL_ADDRESS (700)", "CUDA_LAUNCH_BLOCKING");
        assertEquals(said.of("synchronize"), said.of("free memory"));
        assertEquals(said.of("synchronize"), said.of("module"));
        assertEquals("done", said.of("destroy"));
        assertEquals("done", said.of("close"));
    }

    @Test
    void aPlanIsLaunchedCapturedAndReplayed() throws Exception {
        assertEquals("done", aCase().run("plan").of("plan"));
        for (String fails : List.of("cuLaunchKernel=719", "cuGraphLaunch=719", "cuStreamEndCapture=719")) {
            assertContains(aCase().set("DUMMY_FAIL", fails).run("plan").of("plan"), "EngineBugException ", "a kernel misbehaved",
                    fails.replace("=719", ": CUDA_ERROR_LAUNCH_FAILED (719)"));
        }
        for (String fails : List.of("cuStreamEndCapture=901", "cuGraphInstantiateWithFlags=1", "cuLaunchKernel=1", "cuModuleLoadDataEx=218")) {
            assertContains(aCase().set("DUMMY_FAIL", fails).run("plan").of("plan"), "EngineBugException ", "the driver refused",
                    fails.replace("=", ": CUDA_ERROR_").replaceAll("\\d+", ""));
        }
        assertContains(aCase().set("DUMMY_FAIL", "cuModuleLoadDataEx=222").run("plan").of("plan"), "DeviceException ", "needs a newer driver");
    }

    @Test
    void theEnginesErrorsAreInFivePartsAndClosingDoesNotHideThem() throws Exception {
        assertEquals("cuda, Dummy 0, sm_90, 4 SMs, 8.0 GiB, driver for CUDA 13.0", aCase().run("backend").of("backend"));
        assertContains(aCase().set("DUMMY_SM", "70").run("backend").of("backend"),
                "DeviceException device: not available here: got cuda; expected a working cuda device; Dummy 0 has sm_70");
        assertContains(aCase().set("DUMMY_FAIL", "cuDevicePrimaryCtxRetain=2").run("backend").of("backend"), "DeviceException device: does not open: got cuda; expected",
                "CUDA_ERROR_OUT_OF_MEMORY");
        assertContains(aCase().set("DUMMY_FAIL", "cuStreamCreate=46").run("backend").of("backend"), "DeviceException device: does not open: got cuda; expected", "cuStreamCreate");
        assertContains(aCase().set("DUMMY_FAIL", "cuMemAlloc_v2=2").run("backend").of("backend"), "Exception ", "a test", "1048576 bytes");
        for (String sticky : new String[] {"cuStreamSynchronize=700", "cuMemcpyHtoDAsync_v2=719", "cuMemcpyDtoHAsync_v2=716"}) {
            assertContains(aCase().set("DUMMY_FAIL", sticky).run("backend").of("backend"), "EngineBugException ", "a kernel misbehaved", "(7");
        }
        assertContains(aCase().set("DUMMY_FAIL", "cuStreamSynchronize=214").run("backend").of("backend"), "DeviceException ", "the device is gone",
                "CUDA_ERROR_ECC_UNCORRECTABLE (214)");
    }

    @Test
    void ptxIsRefused() throws Exception {
        assertContains(aCase().set("DUMMY_FAIL", "cuModuleLoadDataEx=218").run("open", "module").of("module"),
                "INVALID_PTX: cuModuleLoadDataEx: CUDA_ERROR_INVALID_PTX (218)", "module silu: ptxas line 1; | error of \".version 7.0 | .target sm_75");
        assertContains(aCase().set("DUMMY_FAIL", "cuModuleLoadDataEx=222").run("open", "module").of("module"), "TOO_OLD: ", "(222)", "update the NVIDIA driver");
    }

    @Test
    void kernelsThatAreNotThereAndLaunchesThatCannotBe() throws Exception {
        Processes.Said said = aCase().run("open", "kernel", "launch", "free memory");
        assertContains(said.of("kernel"), "NOT_FOUND: cuModuleGetFunction: CUDA_ERROR_NOT_FOUND (500): kernel absent");
        assertContains(said.of("launch"), "OTHER: cuLaunchKernel: CUDA_ERROR_INVALID_VALUE (1): kernel nothing, grid 1 x 1 x 1, block 1025 x 1 x 1");
        assertEquals(Long.toString(5L << 30), said.of("free memory"));
    }

    @Test
    void aProfilerSeesTheRanges() throws Exception {
        Processes.Said said = aCase().set("NVTX_INJECTION64_PATH", folder.resolve("profiler.so").toString()).run("open", "ranges");
        assertContains(said.all(), "push step 1 0\npush silu 1\npop 1\npop 0\n");
        // A library that is no profiler's costs a warning.
        Processes.Said wrong = aCase().set("NVTX_INJECTION64_PATH", folder.resolve("good/libcuda.so.1").toString()).run("open", "ranges");
        assertEquals("done", wrong.of("ranges"), wrong.all());
        assertContains(wrong.all(), "no ranges for the profiler");
    }

    @Test
    void brokenDriverLibraries() throws Exception {
        byte[] good = Files.readAllBytes(folder.resolve("good/libcuda.so.1"));
        for (int length : new int[] {0, 100, 5000, good.length - 1}) {
            Path cut = Files.createDirectories(folder.resolve("cut" + length));
            Files.write(cut.resolve("libcuda.so.1"), Arrays.copyOf(good, length));
            assertContains(aCase().libraries(cut).run("unavailable").of("unavailable"), cut.toString(), "is cut short", "reinstall");
        }
    }

    @Test
    void brokenNatives() throws Exception {
        byte[] good;
        try (InputStream in = LibUtils.class.getResourceAsStream("/lib/" + NATIVE)) {
            good = in.readAllBytes();
        }
        for (int length : new int[] {0, 4096, 700_000, good.length - 1}) {
            Path first = folder.resolve("first" + length);
            Files.createDirectories(first.resolve("lib"));
            Files.write(first.resolve("lib").resolve(NATIVE), Arrays.copyOf(good, length));
            Processes.Case c = aCase();
            c.classPath = first + ":" + c.classPath;
            assertContains(c.run("open").of("open"), "UNAVAILABLE: ", NATIVE, "is cut short", "again");
        }
        // JCuda looks on the library path first; a good one there is taken, a bad one never loaded.
        Path shipped = Files.createDirectories(folder.resolve("shipped"));
        for (int length : new int[] {good.length, good.length / 2}) {
            Files.write(shipped.resolve(NATIVE), Arrays.copyOf(good, length));
            Processes.Case c = aCase();
            c.flags.add("-Djava.library.path=" + shipped);
            assertContains(c.run("open").of("open"), length == good.length ? "Dummy 0" : "UNAVAILABLE: " + shipped.resolve(NATIVE) + " is cut short");
        }
    }

    @Test
    void staleNativesAndAFolderThatCannotBeWrittenTo() throws Exception {
        Processes.Case stale = aCase();
        stale.temporary = Files.createTempDirectory(folder, "stale");
        Files.write(stale.temporary.resolve(NATIVE), new byte[5000]);
        assertContains(stale.run("open").of("open"), "Dummy 0");
        Processes.Case none = aCase();
        none.flags.add("-Djava.io.tmpdir=" + folder.resolve("not/there"));
        assertContains(none.run("open").of("open"), "UNAVAILABLE: ", "cannot be written", "java.io.tmpdir");
    }

    @Test
    void eightProcessesAtOnce() throws Exception {
        Path shared = Files.createTempDirectory(folder, "shared");
        List<Process> all = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            Processes.Case c = aCase();
            c.temporary = shared;
            all.add(c.start("open", "free memory", "close"));
        }
        for (Process p : all) {
            Processes.Said said = said(p);
            assertContains(said.of("open"), "Dummy 0");
            assertEquals("done", said.of("close"));
        }
        assertEquals(List.of(), names(shared));
    }
}
