package dev.jacquard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.cli.Main;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A bundle as another machine would have it: unpacked from its archive, run without a Java on the PATH and without this machine's environment. */
@EnabledOnOs(value = OS.LINUX, architectures = "amd64")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BundleTest {
    private static final long LARGEST_ARCHIVE = 60_000_000;

    @TempDir
    static Path folder;

    private Path archive;
    private Path bundle;

    private record Ran(int code, String out) {}

    @BeforeAll
    void make() throws Exception {
        // A bundle is made of the class path; on this one are libraries of tests, too, a large one among them.
        String classPath = System.getProperty("java.class.path");
        System.setProperty("java.class.path", Arrays.stream(classPath.split(File.pathSeparator)).filter(entry -> !entry.contains("onnxruntime"))
                .collect(Collectors.joining(File.pathSeparator)));
        Ran made;
        try {
            made = here("bundle", "--out", folder.resolve("made").toString(), "--format", "tar.gz");
        } finally {
            System.setProperty("java.class.path", classPath);
        }
        assertEquals(0, made.code, made.out);
        archive = folder.resolve("made.tar.gz");
        // As far from where it was made as can be, and with a blank in its name.
        Path there = Files.createDirectories(folder.resolve("other machine"));
        assertEquals(0, run(List.of("/bin/tar", "-xzf", archive.toString(), "-C", there.toString())).code);
        bundle = there.resolve("made");
    }

    private static Ran here(String... args) {
        StringWriter out = new StringWriter();
        int code = Main.run(args, new PrintWriter(out), new PrintWriter(out));
        return new Ran(code, out.toString());
    }

    private static Ran run(List<String> command) throws IOException, InterruptedException {
        ProcessBuilder b = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true);
        b.environment().clear();
        Process p = b.start();
        p.getOutputStream().close();
        String out = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(p.waitFor(60, TimeUnit.SECONDS), "does not end");
        return new Ran(p.exitValue(), out);
    }

    private Ran bundled(String... args) throws Exception {
        List<String> command = new ArrayList<>(List.of(bundle.resolve("jacquard").toString()));
        command.addAll(List.of(args));
        return run(command);
    }

    @Test
    void itIsSmallAndWithoutWhatNobodyCalls() throws Exception {
        assertTrue(Files.size(archive) < LARGEST_ARCHIVE, Files.size(archive) + " bytes");
        Ran files = run(List.of("/bin/tar", "-tzf", archive.toString()));
        assertTrue(files.out.contains("made/jre/bin/java") && files.out.contains("made/lib/") && files.out.contains("made/jacquard\n"), files.out);
    }

    @Test
    void theDoctorSaysWhereItIs() throws Exception {
        Ran r = bundled("doctor");
        assertEquals(0, r.code, r.out);
        assertTrue(r.out.contains(bundle.resolve("jre").toString()) && r.out.contains("device cpu") && r.out.contains("--cpu-kernels"), r.out);
    }

    @Test
    void itPrintsWhatTheCheckoutPrints() throws Exception {
        assertEquals(here("models", "--json"), bundled("models", "--json"));
        assertEquals(here("kernels", "list"), bundled("kernels", "list"));
    }

    /** With the PTX, the emulator and the natives that a bundle must not forget; and without the compiler that only tests use. */
    @Test
    void itBringsTheKernelsAlong() throws Exception {
        Ran r = bundled("kernels", "count", "affine(", "--dtype", "f16");
        assertEquals(0, r.code, r.out);
        assertTrue(r.out.contains("affine_f16 <<<"), r.out);
        List<String> natives = new ArrayList<>();
        try (Stream<Path> jars = Files.list(bundle.resolve("lib"))) {
            for (Path jar : jars.toList()) {
                try (ZipFile zip = new ZipFile(jar.toFile())) {
                    zip.stream().map(ZipEntry::getName).filter(n -> n.endsWith(".so") && n.startsWith("lib/lib")).map(n -> n.replaceAll("lib/lib|-.*", "")).forEach(natives::add);
                }
            }
        }
        assertTrue(natives.contains("JCudaDriver") && !natives.contains("JNvPTXCompiler"), natives.toString());
    }

    @Test
    void errorsAreStillOneLine() throws Exception {
        Ran r = bundled("bundle", "--out", "x");
        assertEquals(2, r.code, r.out);
        assertTrue(r.out.startsWith("error: ") && r.out.contains("needs a JDK") && r.out.indexOf('\n') == r.out.length() - 1, r.out);
        assertFalse(Files.exists(folder.resolve("x")));
    }
}
