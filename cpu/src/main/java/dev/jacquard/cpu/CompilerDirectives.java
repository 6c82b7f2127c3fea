package dev.jacquard.cpu;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.management.JMException;
import javax.management.ObjectName;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the vector kernels out of HotSpot's first compiler, and whole in its second.
 *
 * <p>C1 cannot compile the large ones (it runs out of virtual registers), and when it tried at tier 2 first HotSpot never
 * goes on to C2: the kernel then stays interpreted or in C1 code for the life of the process, some seventy times slower,
 * in about half of all JVMs. Excluded from C1 they go from the interpreter straight to C2.
 *
 * <p>Also makes C2 inline the helpers that take or return vectors: a helper compiled by itself first may be judged too big
 * to inline, and each vector that crosses a call is then an object on the heap, some twenty times slower. For the same
 * reason nothing of {@code simd} is inlined into kernels outside of it, to which the helpers' directive does not apply, and
 * every loop of the pointwise ops is compiled by itself: two copies of a long function, such as SiLU's slope, are more nodes
 * than C2 allows a method before it stops inlining.
 */
final class CompilerDirectives {
    private static final Logger LOG = LoggerFactory.getLogger(CompilerDirectives.class);
    private static final String SIMD = "dev/jacquard/cpu/simd/";
    private static final String JSON = """
            [{match: ["%1$s*.*"], c1: {Exclude: true}, inline: ["+%1$sSpecies.*", "+%1$sVectorMath.*", "+%1$sHalfMath.*", "+%1$sPointwiseTable*.*",
                       "-%1$sUnaryLoop*.*", "-%1$sBinaryLoop*.*", "-%1$sTernaryLoop*.*", "-%1$sHalfRows.*"]},
             {match: ["dev/jacquard/cpu/*.*"], inline: ["-%1$s*.*"]}]""".formatted(SIMD);

    private CompilerDirectives() {}

    /** Adds the directives to this JVM; a failure is logged with what to pass on the command line instead. */
    static void keepOutOfC1() {
        Path file = null;
        try {
            file = Files.createTempFile("jacquard-compiler", ".json");
            Files.writeString(file, JSON);
            Object answer = ManagementFactory.getPlatformMBeanServer().invoke(
                    new ObjectName("com.sun.management:type=DiagnosticCommand"),
                    "compilerDirectivesAdd",
                    new Object[] {new String[] {file.toString()}},
                    new String[] {String[].class.getName()});
            LOG.debug("compiler directives: {}", answer);
        } catch (IOException | JMException | RuntimeException | LinkageError e) {
            LOG.warn("compiler directives: could not keep the vector kernels out of C1 ({}), they may stay slow at random; start the JVM with -XX:-TieredCompilation, or with the "
                    + "module jdk.management and a writable temporary folder", e.toString());
        } finally {
            delete(file);
        }
    }

    private static void delete(Path file) {
        if (file != null) {
            try {
                Files.deleteIfExists(file);
            } catch (IOException e) {
                LOG.debug("compiler directives: temporary file {} stays: {}", file, e.toString());
            }
        }
    }
}
