package dev.jacquard.kernels.nvidia;

import static dev.jacquard.kernels.nvidia.Processes.assertContains;
import static dev.jacquard.kernels.nvidia.Processes.gcc;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * cuBLAS, cuBLASLt and cuDNN as stand-ins, each case in a process of its own: whatever is there or missing ends in engines or a reason, never in a crash, and what arrives at a
 * library is what was meant.
 */
class VendorLibrariesTest {
    @TempDir
    static Path folder;

    @BeforeAll
    static void buildTheStandIns() throws Exception {
        Assumptions.assumeTrue(System.getProperty("os.name").equals("Linux") && System.getProperty("os.arch").equals("amd64"), "not run: the CUDA backend is for Linux on x86-64");
        gcc("libcuda.c", folder.resolve("driver/libcuda.so.1"));
        for (int major : new int[] {12, 13}) {
            cublas("all", major, "-DMAJOR=" + major);
            cublas("only" + major, major, "-DMAJOR=" + major);
            gcc("libcublasLt.c", folder.resolve("all/libcublasLt.so." + major), "-DVERSION=" + major + "0102");
        }
        gcc("libcudnn.c", folder.resolve("all/libcudnn.so.9"), "-DVERSION=91900", "-DCUDART=12080");
        gcc("libcudnn.c", folder.resolve("onlycudnn/libcudnn.so.9"), "-DVERSION=91900", "-DCUDART=13000");
        Files.createDirectories(folder.resolve("none"));
    }

    /** With symbols of a version named like the file, as NVIDIA's have. */
    private static void cublas(String in, int major, String... flags) throws Exception {
        Path script = folder.resolve("cublas" + major + ".map");
        Files.writeString(script, "libcublas.so." + major + " { global: cublas*; local: *; };\n");
        String[] all = Arrays.copyOf(flags, flags.length + 1);
        all[flags.length] = "-Wl,--version-script=" + script;
        gcc("libcublas.c", folder.resolve(in).resolve("libcublas.so." + major), all);
    }

    private static Processes.Case with(String libraries) {
        Processes.Case c = new Processes(folder, LibrariesChild.class).new Case();
        return c.libraries(Path.of(folder.resolve("driver") + ":" + folder.resolve(libraries)));
    }

    private static void assertCounts(int wanted, String text, String part) {
        assertEquals(wanted, text.lines().filter(l -> l.contains(part)).count(), "lines with \"" + part + "\" in: " + text);
    }

    @Test
    void only13() throws Exception {
        Processes.Said said = with("only13").run("open", "product f32 cublas", "versions", "close");
        assertEquals("cublas 33554688", said.of("product f32 cublas"), said.all());
        assertEquals("cublas-13.1.2", said.of("versions"));
        assertContains(said.all(), "call cublasGemmEx ", "call cublasDestroy", "cuBLASLt: not used: libcublasLt.so.13 is not there; libcublasLt.so.12 is not there",
                "cuDNN: not used: libcudnn.so.9 is not there");
    }

    @Test
    void only12() throws Exception {
        Processes.Said said = with("only12").run("open", "product f32 cublas", "versions");
        assertEquals("cublas-12.1.2", said.of("versions"), said.all());
        assertContains(said.all(), "call cublasGemmEx ");
        // A driver for CUDA 12 takes that of 12 also where both are.
        Processes.Said old = with("all").set("DUMMY_VERSION", "12040").run("open", "report", "product f32 cublas");
        assertContains(old.of("report"), "cuBLAS: 12.1.2", "cuBLASLt: 12.1.2", "cuDNN: 9.19.0");
        assertContains(with("only13").set("DUMMY_VERSION", "12040").run("open", "report").of("report"),
                "libcublas.so.13 needs a driver for CUDA 13, this one is for 12.4; libcublas.so.12 is not there");
        assertContains(with("onlycudnn").set("DUMMY_VERSION", "12040").run("open", "report").of("report"), "libcudnn.so.9 is built for CUDA 13.0, the driver is for 12.4");
    }

    @Test
    void onlyCudnn() throws Exception {
        Processes.Said said = with("onlycudnn").run("open", "convolution f16 none", "product f32 none", "versions", "close");
        assertEquals("cudnn fwd algo 1 4353, cudnn fwd algo 2 4354, cudnn graph 0 engine 36 8292, cudnn graph 1 engine 1 8257, cudnn graph 2 engine 36 8292, cudnn graph 3 engine "
                + "36 8292, cudnn graph 4 engine 70 8326", said.of("convolution f16 none"), said.all());
        assertEquals("", said.of("product f32 none"));
        assertEquals("cudnn-9.19.0", said.of("versions"));
        assertContains(said.all(), "call cudnnDestroy");
    }

    @Test
    void noneAtAll() throws Exception {
        Assumptions.assumeTrue(new Libraries().find("libcublas.so.13", "libcublas.so.12").file().isEmpty() && new Libraries().find("libcudnn.so.9").file().isEmpty(),
                "not run: this machine has the libraries, which would be found");
        Processes.Said said = with("none").run("open", "product f32 none", "product f16 none", "convolution f32 none", "versions", "doctor");
        assertEquals("", said.of("product f32 none"), said.all());
        assertEquals("", said.of("convolution f32 none"));
        assertEquals("none", said.of("versions"));
        assertContains(said.of("doctor"), "cuBLAS: not used: libcublas.so.13 is not there; libcublas.so.12 is not there");
        assertCounts(1, said.all().replace(said.of("doctor"), ""), "cuBLAS: not used");
    }

    @Test
    void allOfThem() throws Exception {
        Processes.Said said = with("all").run("open", "product f16 none", "report", "doctor", "close");
        assertEquals("cublas 33554688, cublasLt 0 1256, cublasLt 2 1258", said.of("product f16 none"), said.all());
        assertContains(said.of("report"), "cuBLAS: 13.1.2, " + folder.resolve("all/libcublas.so.13"), "cuBLASLt: 13.1.2", "cuDNN: 9.19.0");
        assertContains(said.of("doctor"), "cuBLAS: 13.1.2, ");
        assertContains(said.all(), "call cublasDestroy", "call cublasLtDestroy");
    }

    @Test
    void versionsThatCannotBe() throws Exception {
        cublas("liar", 13, "-DMAJOR=12");
        assertContains(with("liar").run("open", "report").of("report"), "libcublas.so.13 says that it is version 12.1.2, which a libcublas.so.13 cannot be");
        cublas("mixed", 13, "-DMAJOR=13", "-DMINOR=0");
        gcc("libcublasLt.c", folder.resolve("mixed/libcublasLt.so.13"), "-DVERSION=130102");
        Processes.Said mixed = with("mixed").run("open", "report", "product f32 cublasLt");
        assertContains(mixed.of("report"), "cuBLAS: not used: " + folder.resolve("mixed/libcublas.so.13") + " is version 13.0.2, but ",
                "is 13.1.2: files of several installations are mixed");
        assertEquals("cublasLt 0 1256, cublasLt 2 1258", mixed.of("product f32 cublasLt"));
        gcc("libcudnn.c", folder.resolve("eight/libcudnn.so.9"), "-DVERSION=8902", "-DCUDART=12000");
        assertContains(with("eight").run("open", "report", "convolution f32 cudnn").of("report"), "cuDNN: not used: ", "says that it is version 8.9.2");
        // 13's file is not fit, 12's is.
        cublas("liar", 12, "-DMAJOR=12");
        assertContains(with("liar").run("open", "report").of("report"), "cuBLAS: 12.1.2");
    }

    @Test
    void truncatedFiles() throws Exception {
        Path cut = Files.createDirectories(folder.resolve("cut"));
        for (String name : List.of("libcublas.so.13", "libcublasLt.so.13", "libcudnn.so.9")) {
            byte[] good = Files.readAllBytes(folder.resolve("all").resolve(name));
            Files.write(cut.resolve(name), Arrays.copyOf(good, name.contains("Lt") ? 100 : good.length - 1));
        }
        Processes.Said said = with("cut").run("open", "report", "product f32 cublas", "convolution f32 cudnn");
        assertContains(said.of("report"), "cuBLAS: not used: " + cut.resolve("libcublas.so.13") + " is cut short", "cuBLASLt: not used: " + cut.resolve("libcublasLt.so.13")
                + " is cut short", "cuDNN: not used: " + cut.resolve("libcudnn.so.9") + " is cut short");
        assertEquals("", said.of("product f32 cublas"), said.all());
        assertEquals("", said.of("convolution f32 cudnn"));
    }

    /** A text where 13's file should be, beside 12's that is fit; a library of another architecture; a folder. */
    @Test
    void filesThatAreNoLibraries() throws Exception {
        Path odd = Files.createDirectories(folder.resolve("odd"));
        Files.writeString(odd.resolve("libcublas.so.13"), "INPUT ( libcublas.so.12 ) ".repeat(9));
        Files.copy(folder.resolve("all/libcublas.so.12"), odd.resolve("libcublas.so.12"));
        byte[] arm = Files.readAllBytes(folder.resolve("all/libcublasLt.so.13"));
        arm[18] = (byte) 183; // e_machine: EM_AARCH64
        Files.write(odd.resolve("libcublasLt.so.13"), arm);
        Files.createDirectories(odd.resolve("libcudnn.so.9"));
        Processes.Said said = with("odd").run("open", "report", "product f32 cublas", "convolution f32 none");
        assertContains(said.of("report"), "cuBLAS: 12.1.2", "cuBLASLt: not used: " + odd.resolve("libcublasLt.so.13") + " is no library for 64-bit x86",
                "cuDNN: not used: libcudnn.so.9 is not there");
        assertEquals("cublas 33554688", said.of("product f32 cublas"), said.all());
    }

    @Test
    void aLibraryThatLacksOneSymbol() throws Exception {
        cublas("lacking", 13, "-DMAJOR=13", "-DLACKS_GEMM");
        gcc("libcudnn.c", folder.resolve("lacking/libcudnn.so.9"), "-DVERSION=91900", "-DCUDART=13000", "-DLACKS_FORWARD");
        gcc("libcublasLt.c", folder.resolve("lacking/libcublasLt.so.13"), "-DVERSION=130102", "-DcublasLtMatmul=cublasLtMatmulOfOld");
        Processes.Said said = with("lacking").run("open", "product f32 cublas", "convolution f32 cudnn", "report");
        assertEquals("", said.of("product f32 cublas"), said.all());
        assertContains(said.of("report"), "libcublas.so.13 lacks cublasGemmEx", "libcudnn.so.9 lacks cudnnConvolutionForward", "libcublasLt.so.13 lacks cublasLtMatmul");
        assertCounts(2, said.all(), "lacks cublasGemmEx"); // the log's line and the report
    }

    @Test
    void theNativesOfJCudaAreChangedOnlyAsFarAsNeeded() throws IOException {
        byte[] jcublas;
        try (var in = jcuda.LibUtils.class.getResourceAsStream("/lib/" + Natives.Native.CUBLAS.file())) {
            jcublas = in.readAllBytes();
        }
        byte[] renamed = ElfRename.rename(jcublas, "libcublas.so.12", "libcublas.so.13");
        long changed = java.util.stream.IntStream.range(0, jcublas.length).filter(i -> jcublas[i] != renamed[i]).count();
        assertEquals(2, changed, "a digit of the name, and the hash of the version");
        assertTrue(ElfRename.rename(jcublas, "libcublas.so.12", "libcublas.so.12") == jcublas);
        assertEquals(0x0ef62132, ElfRename.hash("libcublas.so.12"));
        assertThrows(IllegalArgumentException.class, () -> ElfRename.rename(jcublas, "libcublas.so.11", "libcublas.so.13"));
        assertThrows(IllegalArgumentException.class, () -> ElfRename.rename(jcublas, "libcublas.so.12", "libcublas.so.9"));
    }

    @Test
    void everyArgumentOfCublas() throws Exception {
        Processes.Said said = with("only13").run("open", "product f32 cublas", "product f32 cublas tf32", "product f16 cublas ta", "product bf16 cublas tb",
                "product i8 cublas ta tb", "product f32 cublas bias");
        // Row-major (4, 12) x (12, 8): for the library an 8 x 4 of depth 12, second operand first.
        assertContains(said.all(), "call cublasSetMathMode 16\n", "call cublasSetStream 0x57\ncall cublasSetWorkspace 0x100 33554432\n"
                + "call cublasGemmEx 0 0 8 4 12 alpha 1 a 0xb0 0 8 b 0xa0 0 12 beta 0 c 0xc0 0 8 compute 69 algo -1\n",
                "call cublasGemmEx 0 0 8 4 12 alpha 1 a 0xb0 0 8 b 0xa0 0 12 beta 0 c 0xc0 0 8 compute 77 algo -1\n",
                "call cublasGemmEx 0 1 8 4 12 alpha 1 a 0xb0 2 8 b 0xa0 2 4 beta 0 c 0xc0 2 8 compute 68 algo -1\n",
                "call cublasGemmEx 1 0 8 4 12 alpha 1 a 0xb0 14 12 b 0xa0 14 12 beta 0 c 0xc0 14 8 compute 68 algo -1\n",
                "call cublasGemmEx 1 1 8 4 12 alpha 1 a 0xb0 3 12 b 0xa0 3 4 beta 0 c 0xc0 10 8 compute 72 algo -1\n");
        assertEquals("", said.of("product f32 cublas bias"), "cuBLAS has no epilogues");
    }

    @Test
    void everyArgumentOfCublasLt() throws Exception {
        Processes.Said said = with("all").run("open", "product f32 cublasLt-2 tb bias relu", "product f32 cublasLt-0 ta tf32", "product i8 cublasLt-0",
                "product bf16 cublasLt-0 relu", "product f16 cublasLt-2 tb", "product f16 none tb bias relu");
        assertContains(said.all(), "call cublasLtMatmulAlgoGetHeuristic epilogue 6 workspace 67108864 alignment 64 64 64 64 asked 3\n",
                "call cublasLtMatmul compute 69 scale 0 op 1 0 epilogue 6 bias 0xe0 alpha 1 beta 0 a 0xb0 type 0 12x8 ld 12 b 0xa0 type 0 12x4 ld 12 c 0xc0 type 0 8x4 ld 8 d 0xc0 "
                + "type 0 8x4 ld 8"
                + " algorithm 502 workspace 0x100 1002 stream 0x57\n",
                "alignment 64 64 64 64 asked 3\n",
                "call cublasLtMatmul compute 77 scale 0 op 0 1 epilogue 1 bias (nil) alpha 1 beta 0 a 0xb0 type 0 8x12 ld 8 b 0xa0 type 0 4x12 ld 4 c 0xc0 type 0 8x4 ld 8 d 0xc0 "
                + "type 0 8x4 ld 8"
                + " algorithm 501 workspace 0x100 1000 stream 0x57\n",
                "alignment 16 16 64 64 asked 3\n",
                "call cublasLtMatmul compute 72 scale 10 op 0 0 epilogue 1 bias (nil) alpha 1 beta 0 a 0xb0 type 3 8x12 ld 8 b 0xa0 type 3 12x4 ld 12 c 0xc0 type 10 8x4 ld 8 d "
                + "0xc0 type 10 8x4 ld 8"
                + " algorithm 501 workspace 0x100 1000 stream 0x57\n",
                "call cublasLtMatmul compute 68 scale 0 op 0 0 epilogue 2 bias (nil) alpha 1 beta 0 a 0xb0 type 14",
                "alignment 32 32 32 32 asked 3\n",
                "call cublasLtMatmul compute 68 scale 0 op 1 0 epilogue 1 bias (nil) alpha 1 beta 0 a 0xb0 type 2 12x8 ld 12 b 0xa0 type 2 12x4 ld 12 c 0xc0 type 2 8x4 ld 8 d "
                + "0xc0 type 2 8x4 ld 8");
        assertEquals("", said.of("product f16 none tb bias relu"), "a bias is F32, and the library wants the result's type");
    }

    @Test
    void everyArgumentOfCudnnsOlderInterface() throws Exception {
        Processes.Said said = with("all").run("open", "convolution f16 cudnn-fwd-algo-1", "convolution bf16 cudnn-bwd-data-algo-1 data",
                "convolution f32 cudnn-bwd-filter-algo-1 weight", "convolution f32 cudnn-bwd-filter-algo-1 weight tf32", "convolution f16 none odd");
        String window = " pad 1 2 stride 2 1 dilation 1 3 mode 1 compute 0 groups 2";
        assertContains(said.all(), "call cudnnSetStream 0x57\n"
                + "call cudnnConvolutionForward alpha 1 t 0xa0 format 1 type 2 2 8 9 10 f 0xb0 format 1 type 2 16 4 3 2 t 0xc0 format 1 type 2 2 16 5 11" + window
                + " math 1 algo 1 workspace 0x100 4097 beta 0\n",
                "call cudnnConvolutionBackwardData alpha 1 f 0xb0 format 1 type 9 16 4 3 2 t 0xa0 format 1 type 9 2 16 5 11 t 0xc0 format 1 type 9 2 8 9 10" + window
                + " math 1 algo 1 workspace 0x100 4097 beta 0\n",
                "call cudnnConvolutionBackwardFilter alpha 1 t 0xa0 format 1 type 0 2 8 9 10 t 0xb0 format 1 type 0 2 16 5 11 f 0xc0 format 1 type 0 16 4 3 2" + window
                + " math 3 algo 1 workspace 0x100 4097 beta 0\n",
                window + " math 1 algo 1 workspace 0x100 4097 beta 0\n");
        // Algorithm 3 is refused without tensor cores; padding that differs between sides is the graph's alone.
        assertEquals("cudnn bwd data algo 1 4353, cudnn graph 0 engine 36 8292, cudnn graph 1 engine 1 8257, cudnn graph 2 engine 36 8292, cudnn graph 3 engine 36 8292, cudnn "
                + "graph 4 engine 70 8326", said.of("convolution bf16 cudnn-bwd-data-algo-1 data"));
        assertEquals("cudnn bwd filter algo 1 4353, cudnn graph 0 engine 36 8292, cudnn graph 1 engine 36 8292, cudnn graph 2 engine 70 8326, cudnn graph 3 engine 36 8292",
                said.of("convolution f32 cudnn-bwd-filter-algo-1 weight"));
        assertContains(said.of("convolution f32 cudnn-bwd-filter-algo-1 weight tf32"), "cudnn bwd filter algo 3 4355", "engine 1 ");
        assertFalse(said.of("convolution f16 none odd").contains("algo"), said.all());
        assertContains(said.of("convolution f16 none odd"), "cudnn graph 0 engine 36 8292");
    }

    @Test
    void everyAttributeOfCudnnsGraphs() throws Exception {
        Processes.Said said = with("all").run("open", "convolution f16 cudnn-graph-0 odd bias relu", "convolution bf16 cudnn-graph-0 data", "convolution f32 cudnn-graph-0 weight",
                "convolution f32 cudnn-graph-0 scale bias residual silu");
        // Attributes by number: 901 type, 902 extents (N, C, H, W), 903 strides, 906 name, 900 alignment, 907 virtual.
        String x = "(17 901=2 902=2,8,9,10 903=720,1,80,8 906=1 900=16)";
        String w = "(17 901=2 902=16,4,3,2 903=24,1,8,4 906=2 900=16)";
        String virtual = "(17 901=0 902=2,16,5,11 903=880,1,176,16 906=%d 900=16 907=1)";
        String convolution = "(1 100=0 101=1 106=2 105=1,2 104=2,2 102=1,3 103=2,1)";
        String forward = "(10 700=1 701=0 702=" + convolution + " 704=" + x + " 703=" + w + " 705=" + virtual.formatted(7) + ")";
        String add = "(13 750=(0 0=0 1=0) 751=" + virtual.formatted(7) + " 752=(17 901=0 902=1,16,1,1 903=16,1,16,16 906=5 900=16) 753=" + virtual.formatted(8) + ")";
        String relu = "(13 750=(0 0=100 1=0) 751=" + virtual.formatted(8) + " 753=(17 901=2 902=2,16,5,11 903=880,1,176,16 906=3 900=16))";
        assertContains(said.all(), "call cudnnBackendFinalize (15 801=" + forward + add + relu + " 800=0xd00d)\n",
                "call cudnnSetStream 0x57\ncall cudnnBackendExecute engine 36 pack (16 1000=1,2,3,5 1001=0xa0,0xb0,0xc0,0xe0 1003=0x100)\n");
        // All that an epilogue may have: a product, two sums, SiLU; kinds 1, 0, 0 and 106 of operation 13, between tensors 7 to 10 that are nowhere in memory.
        assertTrue(said.all().lines().anyMatch(l ->
                l.matches("call cudnnBackendFinalize \\(15 801=\\(10 .*\\(13 750=\\(0 0=1 .*906=4 .*\\(13 750=\\(0 0=0 .*906=5 .*\\(13 750=\\(0 0=0 .*906=6 .*"
                + "\\(13 750=\\(0 0=106 .*906=10 .* 753=\\(17 901=0 902=2,16,5,11 903=880,1,176,16 906=3 900=16\\)\\) 800=0xd00d\\)")), said.all());
        assertContains(said.all(), " pack (16 1000=1,2,3,4,5,6 1001=0xa0,0xb0,0xc0,0xf0,0xe0,0xf8 1003=0x100)\n");
        String square = convolution.replace("104=2,2", "104=1,2");
        assertContains(said.all(), "call cudnnBackendFinalize (15 801=(12 706=1 707=0 708=" + square + " 711=(17 901=9 902=2,16,5,11 903=880,1,176,16 906=1 900=16) 709="
                + w.replace("901=2", "901=9")
                + " 710=(17 901=9 902=2,8,9,10 903=720,1,80,8 906=3 900=16)) 800=0xd00d)\n",
                "call cudnnBackendExecute engine 36 pack (16 1000=1,2,3 1001=0xa0,0xb0,0xc0 1003=0x100)\n",
                "call cudnnBackendFinalize (15 801=(11 712=1 713=0 714=" + square + " 716=" + x.replace("901=2", "901=0")
                + " 717=(17 901=0 902=2,16,5,11 903=880,1,176,16 906=2 900=16) 715="
                + w.replace("901=2", "901=0").replace("906=2", "906=3") + ") 800=0xd00d)\n");
    }

    @Test
    void aPlanCallsTheLibraryWhenItIsLaunchedAndCaptured() throws Exception {
        Processes.Said said = with("all").run("plan cublas", "plan cublasLt-2", "plan cudnn-graph-0-engine-36");
        assertContains(said.of("plan cublas"), "simt", "cublas, cublasLt 0, cublasLt 2");
        // Once to load what is loaded lazily, once into the graph, which is replayed from then on; each in a stream of its own, with the plan's scratch.
        assertCounts(2, said.all(), "call cublasGemmEx 0 0 16 32 48 ");
        assertCounts(2, said.all(), "call cublasLtMatmul compute 69 scale 0 op 0 0 epilogue 6 bias 0x");
        assertCounts(2, said.all(), "call cudnnBackendExecute engine 36 pack (16 1000=1,2,3,4,5,6 1001=0x");
        List<String> streams = said.all().lines().filter(l -> l.startsWith("call cublasSetStream ")).toList();
        assertEquals(2, streams.stream().distinct().count(), streams.toString());
        assertEquals(1, said.all().lines().filter(l -> l.startsWith("call cublasSetWorkspace ")).distinct().count());
        Processes.Said off = with("all").run("plan cublas off");
        assertFalse(off.all().contains("cublas,") || off.all().contains("call "), off.all());
        assertContains(with("all").set("DUMMY_FAIL", "cublasGemmEx=13").run("plan cublas").of("plan cublas"),
                "DeviceException cuda: cublas failed in a library: got cublasGemmEx: CUBLAS_STATUS_EXECUTION_FAILED (13)", "--libs off");
    }

    @Test
    void whatALibraryRefuses() throws Exception {
        // A handle that cannot be made: said once, and the others go on.
        Processes.Said said = with("all").set("DUMMY_FAIL", "cublasCreate_v2=1 cudnnCreate=1002")
                .run("open", "product f32 cublas", "product f16 cublasLt", "convolution f32 cudnn", "convolution f16 cudnn");
        assertEquals("cublasLt 0 1256, cublasLt 2 1258", said.of("product f32 cublas"), said.all());
        assertEquals("", said.of("convolution f16 cudnn"));
        assertCounts(1, said.all(), "cuBLAS is not used: cublasCreate: CUBLAS_STATUS_NOT_INITIALIZED (1)");
        assertCounts(1, said.all(), "cuDNN is not used: cudnnCreate: CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH (1002): the stand-in's | reason");
        // A shape that is not supported costs that shape its engines; a call that fails says which.
        Processes.Said shape = with("all")
                .set("DUMMY_FAIL", "cudnnGetConvolutionForwardAlgorithm_v7=3004 cublasLtMatmulAlgoGetHeuristic=15 cublasGemmEx=13 cudnnBackendExecute=5001")
                .run("open", "convolution f32 cudnn-graph", "convolution f32 none", "product f32 cublas");
        assertContains(shape.of("convolution f32 cudnn-graph"), "LIBRARY: cudnn graph 0 engine 36: CUDNN_STATUS_EXECUTION_FAILED_CUDA_DRIVER (5001): the stand-in's | reason");
        assertEquals("cudnn graph 0 engine 36 8292, cudnn graph 1 engine 36 8292, cudnn graph 2 engine 70 8326, cudnn graph 3 engine 36 8292", shape.of("convolution f32 none"),
                shape.all());
        assertCounts(1, shape.all(), "cuDNN is not used for a shape: cudnnGetConvolutionForwardAlgorithm_v7: CUDNN_STATUS_NOT_SUPPORTED_LAYOUT (3004)");
        assertContains(shape.of("product f32 cublas"), "LIBRARY: cublasGemmEx: CUBLAS_STATUS_EXECUTION_FAILED (13)");
        // The graph's interface fails: the older one is offered.
        Processes.Said graph = with("all").set("DUMMY_FAIL", "cudnnBackendFinalize=2000").run("open", "convolution f32 none");
        assertEquals("cudnn fwd algo 1 4353", graph.of("convolution f32 none"), graph.all());
    }

    @Test
    void statusesThatTheTableDoesNotKnowAreNamedByTheirFamily() {
        assertEquals("CUDNN_STATUS_NOT_SUPPORTED_...", CudnnErrors.name(3999));
        assertEquals("CUDNN_STATUS_UNKNOWN", CudnnErrors.name(17));
        assertTrue(CudnnErrors.unsupported(3004) && !CudnnErrors.unsupported(2000));
    }
}
