package dev.jacquard.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The committed PTX is what the committed sources give. Needs no nvcc: the PTX carries the hash of all that it was made from. */
class PtxFreshTest {
    private static final Pattern INCLUDE = Pattern.compile("(?m)^#include \"([^\"]*)\"");
    private static final Pattern OWN_TARGET = Pattern.compile("(?m)^// Target +(compute_[0-9a-z]* isa [0-9.]*): ..*");

    /** What nvcc is called with, and what its output is made into. */
    private record Recipe(String flags, String target, String filter) {
        static Recipe read() {
            String build = SourceTree.read("build");
            return new Recipe(find(build, "(?m)^flags=\\((.*)\\)$"), find(build, "(?m)^target='(.*)'$"), SourceTree.read("reduce.awk"));
        }

        private static String find(String text, String pattern) {
            Matcher m = Pattern.compile(pattern).matcher(text);
            assertTrue(m.find(), "kernels/build has no line " + pattern + "; it and this test go together");
            return m.group(1);
        }

        String targetOf(String source) {
            Matcher m = OWN_TARGET.matcher(source);
            return m.find() ? m.group(1) : target;
        }

        String hash(String name) {
            StringBuilder all = new StringBuilder(flags + " " + targetOf(SourceTree.read("cuda/" + name + ".cu")) + "\n" + filter);
            sources("cuda/" + name + ".cu").forEach(f -> all.append(SourceTree.read(f)));
            try {
                return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(all.toString().getBytes(StandardCharsets.UTF_8)));
            } catch (NoSuchAlgorithmException e) {
                throw new AssertionError(e);
            }
        }
    }

    /** A source and what it includes by name, in order of first mention. */
    private static Set<String> sources(String file) {
        Set<String> seen = new LinkedHashSet<>();
        Deque<String> queue = new ArrayDeque<>(List.of(file));
        while (!queue.isEmpty()) {
            String f = queue.removeFirst();
            if (seen.add(f)) {
                INCLUDE.matcher(SourceTree.read(f)).results().forEach(m -> queue.addLast("include/" + m.group(1)));
            }
        }
        return seen;
    }

    @Test
    void everySourceHasItsPtxAndNoPtxIsAnOrphan() {
        List<String> sources = SourceTree.names("cuda", ".cu");
        assertFalse(sources.isEmpty(), "kernels/cuda is empty");
        assertEquals(sources, SourceTree.names("ptx", ".ptx"), "kernels/cuda and kernels/ptx differ: run kernels/build");
        assertEquals(String.join("\n", sources) + "\n", SourceTree.read("ptx/index.txt"), "kernels/ptx/index.txt: run kernels/build");
    }

    @Test
    void noPtxIsOlderThanItsSources() {
        Recipe recipe = Recipe.read();
        List<String> stale = new ArrayList<>();
        for (String name : SourceTree.names("cuda", ".cu")) {
            if (!SourceTree.read("ptx/" + name + ".ptx").contains("\n// sha256 " + recipe.hash(name) + "\n")) {
                stale.add(name + ".ptx: run kernels/build " + name);
            }
        }
        SourceTree.assertNone("PTX that was not made from the sources as they are", stale);
    }

    /** Older drivers load it; a file that needs more says so in its contract, where kernels/build takes it from. */
    @Test
    void ptxIsForTheOldestDriverAndDeviceUnlessTheSourceSaysWhy() {
        Recipe recipe = Recipe.read();
        List<String> wrong = new ArrayList<>();
        for (String name : SourceTree.names("cuda", ".cu")) {
            String[] target = recipe.targetOf(SourceTree.read("cuda/" + name + ".cu")).split(" isa ");
            String ptx = SourceTree.read("ptx/" + name + ".ptx");
            if (!ptx.contains("\n.version " + target[1] + "\n.target " + target[0].replace("compute_", "sm_") + "\n")) {
                wrong.add(name + ".ptx: expected .version " + target[1] + ", " + target[0]);
            }
        }
        SourceTree.assertNone("PTX for another target than its source says", wrong);
        assertEquals("compute_75 isa 8.0", recipe.target, "the base target is that of devices since 2018 and drivers since CUDA 12.0");
    }

    @Test
    void noPathOfAMachineIsInThePtx() {
        List<String> wrong = new ArrayList<>();
        for (String name : SourceTree.names("ptx", ".ptx")) {
            SourceTree.read("ptx/" + name + ".ptx").lines().filter(l -> l.startsWith(".file") && !l.matches("\\.file \\d+ \"(cuda|include)/[\\w./]+\""))
                    .forEach(l -> wrong.add(name + ".ptx: " + l));
        }
        SourceTree.assertNone("file names that are not relative to kernels/", wrong);
    }
}
