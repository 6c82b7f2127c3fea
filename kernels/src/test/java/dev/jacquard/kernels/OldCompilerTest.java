package dev.jacquard.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import jcuda.nvptxcompiler.JNvPTXCompiler;
import jcuda.nvptxcompiler.nvPTXCompilerHandle;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every committed PTX through the compiler of CUDA 12.0, which JCuda's natives bring along: a stand-in for the oldest driver that we promise to run with. What compiled once is
 * remembered in target/ by its hash. Modules that ask for a newer driver are those of {@link #NEWER}, whose candidates older drivers are not offered.
 */
class OldCompilerTest {
    private static final String LIBRARY = "libJNvPTXCompiler-12.6.0-linux-x86_64.so";
    /** What compiles only for drivers of {@link SparseProduct#DRIVER} and later: {@link SparseProductTest} has that others are not offered it. */
    private static final List<String> NEWER = List.of("matmul_sparse_bf16", "matmul_sparse_f16", "matmul_sparse_i8");
    private static final Path KNOWN_GOOD = SourceTree.KERNELS.resolve("target/old-compiler");

    /** JCuda looks into java.io.tmpdir and takes whatever lies there: a folder of our own, as long as it loads. */
    @BeforeAll
    static void load(@TempDir Path folder) throws IOException {
        Assumptions.assumeTrue(System.getProperty("os.name").equals("Linux") && System.getProperty("os.arch").equals("amd64"), "JCuda's natives are for Linux on x86-64");
        try (InputStream in = JNvPTXCompiler.class.getResourceAsStream("/lib/" + LIBRARY)) {
            assertTrue(in != null, "no " + LIBRARY + " on the class path");
            Files.copy(in, folder.resolve(LIBRARY));
        }
        String before = System.setProperty("java.io.tmpdir", folder.toString());
        try {
            JNvPTXCompiler.setExceptionsEnabled(false);
        } finally {
            System.setProperty("java.io.tmpdir", before);
        }
    }

    @Test
    void itIsTheCompilerOfCuda12_0() {
        int[] major = new int[1];
        int[] minor = new int[1];
        assertEquals(0, JNvPTXCompiler.nvPTXCompilerGetVersion(major, minor));
        assertEquals("12.0", major[0] + "." + minor[0]);
    }

    @Test
    void itRefusesWhatItDoesNotKnow() {
        String ptx = SourceTree.read("ptx/" + SourceTree.names("ptx", ".ptx").getFirst() + ".ptx");
        assertNotEquals("", compile(Pattern.compile("(?m)^\\.version .*").matcher(ptx).replaceFirst(".version 9.0"), "sm_80"), "PTX of CUDA 13 came through");
        assertNotEquals("", compile(ptx + "\n.visible .entry broken() { add.f32 %f1, %f2, %f3; }\n", "sm_80"), "registers that are not declared came through");
    }

    /** Neither more modules nor a newer version than the drivers that are asked for have: PTX 8.5 came with CUDA 12.5. */
    @Test
    void onlyThoseThatAreGuardedAreNewer() {
        assertEquals(NEWER, SourceTree.names("ptx", ".ptx").stream().filter(OldCompilerTest::newer).sorted().toList());
        assertEquals(12_050, SparseProduct.DRIVER);
        NEWER.forEach(name -> assertTrue(SourceTree.read("ptx/" + name + ".ptx").contains("\n.version 8.5\n"), name));
    }

    /** Whether a module's version of PTX is later than that of CUDA 12.0. */
    private static boolean newer(String name) {
        Matcher m = Pattern.compile("(?m)^\\.version (\\d+)\\.(\\d+)$").matcher(SourceTree.read("ptx/" + name + ".ptx"));
        assertTrue(m.find(), name);
        return 10 * Integer.parseInt(m.group(1)) + Integer.parseInt(m.group(2)) > 80;
    }

    @Test
    void itCompilesEveryOtherModule() throws Exception {
        Files.createDirectories(KNOWN_GOOD);
        List<String> wrong = new ArrayList<>();
        for (String name : SourceTree.names("ptx", ".ptx").stream().filter(n -> !NEWER.contains(n)).toList()) {
            String ptx = SourceTree.read("ptx/" + name + ".ptx");
            for (String device : devices(ptx)) {
                Path known = KNOWN_GOOD.resolve(hash(ptx) + "." + device);
                if (!Files.exists(known)) {
                    String log = compile(ptx, device);
                    if (log.isEmpty()) {
                        Files.createFile(known);
                    } else {
                        wrong.add(name + ".ptx for " + device + ": " + log);
                    }
                }
            }
        }
        SourceTree.assertNone("PTX that a driver for CUDA 12.0 does not load", wrong);
    }

    /** The two generations that matter most; a module for one device alone is compiled for that one. */
    private static List<String> devices(String ptx) {
        return ptx.contains("\n.target sm_90a\n") ? List.of("sm_90a") : List.of("sm_80", "sm_90");
    }

    /** @return the compiler's complaints; empty if it succeeds */
    private static String compile(String ptx, String device) {
        byte[] text = (ptx + "\0").getBytes(StandardCharsets.UTF_8);
        nvPTXCompilerHandle handle = new nvPTXCompilerHandle();
        int status = JNvPTXCompiler.nvPTXCompilerCreate(handle, text.length - 1, text);
        if (status != 0) {
            return "status " + status + " of nvPTXCompilerCreate";
        }
        try {
            String[] options = {"--gpu-name=" + device};
            status = JNvPTXCompiler.nvPTXCompilerCompile(handle, options.length, options);
            if (status == 0) {
                return "";
            }
            long[] size = new long[1];
            JNvPTXCompiler.nvPTXCompilerGetErrorLogSize(handle, size);
            byte[] log = new byte[Math.toIntExact(size[0]) + 1];
            JNvPTXCompiler.nvPTXCompilerGetErrorLog(handle, log);
            int end = 0;
            while (log[end] != 0) {
                end++;
            }
            return "status " + status + ": " + new String(Arrays.copyOf(log, end), StandardCharsets.UTF_8).strip();
        } finally {
            JNvPTXCompiler.nvPTXCompilerDestroy(handle);
        }
    }

    private static String hash(String text) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    }
}
