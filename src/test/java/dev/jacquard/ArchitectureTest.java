package dev.jacquard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

/** What the folders promise each other, checked on the poms and the sources: arrows point down, quarantines hold. */
class ArchitectureTest {
    private static final Path ROOT = root();

    private static final String GROUP = "dev.jacquard";

    /** Folder to the folders it may depend on at compile or run time; what those reach is allowed with them. */
    private static final Map<String, Set<String>> ROOMS = Map.ofEntries(
            Map.entry("tensor", Set.of()),
            Map.entry("autograd", Set.of("tensor")),
            Map.entry("passes", Set.of("tensor", "autograd")),
            Map.entry("tck", Set.of("tensor", "autograd")),
            Map.entry("cpu", Set.of("tensor")),
            Map.entry("kernels", Set.of("tensor")),
            Map.entry("emulator", Set.of("kernels")),
            Map.entry("layers", Set.of("tensor", "autograd")),
            Map.entry("models", Set.of("layers")),
            Map.entry("onnx", Set.of("tensor")),
            Map.entry("mixedprecision", Set.of("tensor", "autograd", "passes")),
            Map.entry("int8", Set.of("tensor", "autograd")),
            Map.entry("sparsity", Set.of("tensor", "autograd")),
            Map.entry("data", Set.of("tensor")),
            Map.entry("train", Set.of("passes", "models", "mixedprecision", "int8", "sparsity", "data")),
            // For people who write kernels: lists, counts and checks them (kernels, emulator) with the harness that the tests use (tck), also where there is no checkout.
            Map.entry("cli", Set.of("train", "onnx", "tck", "kernels", "emulator")),
            Map.entry("bench", Set.of("cli", "tck", "cpu", "kernels", "emulator")),
            Map.entry("src/test", Set.of("cli", "tck", "cpu", "kernels", "emulator")));

    /** Backends are found by ServiceLoader: to compute, the command line asks for them by name. */
    private static final Map<String, Set<String>> RUNTIME_ONLY = Map.of("cli", Set.of("cpu"));

    private static final Set<String> CORE = Set.of("tensor", "autograd", "passes", "cpu", "layers", "models", "onnx");
    private static final Set<String> CORE_LIBRARIES =
            Set.of("org.slf4j:slf4j-api", "it.unimi.dsi:fastutil-core", "it.unimi.dsi:fastutil");

    private static final Set<String> MAY_PRINT = Set.of("cli", "bench");
    private static final String VECTOR_API_ROOM = "dev/jacquard/cpu/simd";
    private static final int LONGEST_FILE = 600; // lines; the test leaves 50 more, so that a fix need not be a split
    private static final int LONGEST_LINE = 180; // but in text blocks
    private static final Pattern TEXT_BLOCK = Pattern.compile("\"\"\".*?\"\"\"", Pattern.DOTALL);
    private static final List<String> ADR_HEADINGS = List.of("## Context", "## Decision", "## Consequences", "## Alternatives");

    /** Comments, text blocks and strings, whichever starts first. */
    private static final Pattern NOT_CODE =
            Pattern.compile("/\\*.*?\\*/|//[^\\n]*|\"\"\".*?\"\"\"|\"(?:\\\\.|[^\"\\\\\\n])*+\"", Pattern.DOTALL);
    private static final Pattern VECTOR_API =
            Pattern.compile("import\\s+(static\\s+|module\\s+)?jdk\\.incubator\\.vector|jdk\\.incubator\\.vector\\.[A-Z]");
    private static final Pattern PRINTING =
            Pattern.compile("System\\s*\\.\\s*(out|err)\\b|\\.printStackTrace\\(\\)|\\bIO\\.print");
    private static final Pattern PUBLIC_TYPE =
            Pattern.compile("^public (?:[a-z-]+ )*(?:class|interface|record|enum|@interface) (\\w+)", Pattern.MULTILINE);

    @Test
    void everyFolderWithAPomIsInTheTableAndInTheReactor() {
        Set<String> reactor = new TreeSet<>();
        Element modules = child(pom(ROOT), "modules");
        children(modules, "module").forEach(m -> reactor.add(m.getTextContent().strip()));
        Set<String> folders = new TreeSet<>(poms().keySet());
        assertEquals(folders, reactor, "pom.xml: <modules> and the folders that have a pom.xml differ");
        folders.removeAll(ROOMS.keySet());
        assertTrue(folders.isEmpty(), () -> "new modules " + folders + ": say in ArchitectureTest.ROOMS what each may depend on");
    }

    @Test
    void dependenciesPointDownOnly() {
        List<String> wrong = new ArrayList<>();
        poms().forEach((room, dependencies) -> {
            Set<String> compile = below(ROOMS.getOrDefault(room, Set.of()));
            Set<String> runtime = new HashSet<>(compile);
            runtime.addAll(RUNTIME_ONLY.getOrDefault(room, Set.of()));
            for (Dependency d : dependencies) {
                Set<String> allowed = d.scope().equals("runtime") ? runtime : compile;
                if (d.isOurs() && d.isShipped() && !allowed.contains(d.room())) {
                    wrong.add(room + "/pom.xml: " + d.scope() + " dependency on " + d.room() + "; allowed are "
                            + new TreeSet<>(allowed) + "; move the shared code down, or use scope test in tests");
                }
            }
        });
        assertNone("dependencies that point up or sideways", wrong);
    }

    @Test
    void coreModulesHaveNoLibrariesButSlf4jAndFastutil() {
        List<String> wrong = new ArrayList<>();
        poms().forEach((room, dependencies) -> {
            for (Dependency d : dependencies) {
                if (CORE.contains(room) && d.isShipped() && !d.isOurs() && !CORE_LIBRARIES.contains(d.name())) {
                    wrong.add(room + "/pom.xml: " + d.name() + "; whoever embeds the engine would get it too: use the JDK,"
                            + " or move the code to data, train or cli");
                }
            }
        });
        assertNone("third-party libraries in core modules, allowed are " + CORE_LIBRARIES, wrong);
    }

    @Test
    void theVectorApiStaysInItsQuarantine() {
        assertNone("the incubating Vector API outside its quarantine; move this to dev.jacquard.cpu.simd",
                lines("", file -> !slashed(file.getParent()).endsWith(VECTOR_API_ROOM), VECTOR_API));
    }

    @Test
    void librariesDoNotPrint() {
        assertNone("printing in library code; log through SLF4J, or return the text and let cli print it",
                lines("src/main/java", file -> !MAY_PRINT.contains(room(file)), PRINTING));
    }

    @Test
    void publicTypesAreDocumented() {
        List<String> wrong = new ArrayList<>();
        for (Path file : javaFiles("src/main/java")) {
            String text = read(file);
            Matcher type = PUBLIC_TYPE.matcher(text);
            if (type.find() && !endsInJavadoc(text.substring(0, type.start()))) {
                wrong.add(relative(file) + ": " + type.group(1) + " has no javadoc; say what it is and what it promises");
            }
        }
        assertNone("public types without javadoc", wrong);
    }

    @Test
    void linesAreShortEnoughToRead() {
        List<String> wrong = new ArrayList<>();
        for (Path file : javaFiles("")) {
            List<String> lines = TEXT_BLOCK.matcher(read(file)).replaceAll(m -> "\n".repeat(newlines(m.group()))).lines().toList();
            for (int i = 0; i < lines.size(); i++) {
                if (lines.get(i).length() > LONGEST_LINE) {
                    wrong.add(relative(file) + ":" + (i + 1) + ": " + lines.get(i).length() + " characters, expected at most " + LONGEST_LINE);
                }
            }
        }
        assertNone("lines that are too long", wrong);
    }

    @Test
    void filesAreShortEnoughToRead() {
        List<String> wrong = new ArrayList<>();
        for (Path file : javaFiles("")) {
            long lines = read(file).lines().count();
            if (lines > LONGEST_FILE + 50) {
                wrong.add(relative(file) + ": " + lines + " lines, expected at most " + LONGEST_FILE + "; split it by what it does");
            }
        }
        assertNone("files that are too long", wrong);
    }

    @Test
    void decisionRecordsAreNumberedWithoutGapsAndHaveTheFourHeadings() {
        List<String> wrong = new ArrayList<>();
        List<Path> records = walk(ROOT.resolve("docs/adr"), ".md");
        for (int i = 0; i < records.size(); i++) {
            String name = records.get(i).getFileName().toString();
            String number = String.format("%04d-", i + 1);
            if (!name.matches("\\d{4}-[a-z0-9-]+\\.md") || !name.startsWith(number)) {
                wrong.add("docs/adr/" + name + ": expected " + number + "title-in-lower-case.md; renumber the later one");
            }
            List<String> headings = read(records.get(i)).lines().filter(line -> line.startsWith("## ")).toList();
            if (!headings.equals(ADR_HEADINGS)) {
                wrong.add("docs/adr/" + name + ": headings are " + headings + ", expected " + ADR_HEADINGS);
            }
        }
        assertFalse(records.isEmpty(), "docs/adr holds no decision record");
        assertNone("decision records", wrong);
    }

    @Test
    void theLauncherStartsTheJvmAsTheTestsDo() {
        // The launcher has its own way to the Vector API, which VectorModuleTest proves.
        String flags = child(child(pom(ROOT), "properties"), "jacquard.jvm").getTextContent().replace("--add-modules=jdk.incubator.vector ", "");
        assertTrue(read(ROOT.resolve("jacquard")).contains(flags),
                "jacquard starts the JVM without the flags of pom.xml's jacquard.jvm: " + flags);
    }

    // The poms.

    /** One entry of a pom's dependencies. */
    private record Dependency(String group, String artifact, String scope) {
        boolean isOurs() {
            return group.equals(GROUP);
        }

        /** Part of what a user of the module gets: not there for its tests or for its compilation alone. */
        boolean isShipped() {
            return scope.equals("compile") || scope.equals("runtime");
        }

        String room() {
            return artifact.replaceFirst("^jacquard-", "");
        }

        String name() {
            return group + ":" + artifact;
        }
    }

    /** Every module's dependencies, by its folder. */
    private static Map<String, List<Dependency>> poms() {
        Map<String, List<Dependency>> poms = new TreeMap<>();
        for (Path file : walk(ROOT, "pom.xml")) {
            if (!file.getParent().equals(ROOT)) {
                List<Dependency> found = new ArrayList<>();
                Element dependencies = child(pom(file.getParent()), "dependencies");
                for (Element d : children(dependencies, "dependency")) {
                    Element scope = child(d, "scope");
                    found.add(new Dependency(text(d, "groupId"), text(d, "artifactId"),
                            scope == null ? "compile" : scope.getTextContent().strip()));
                }
                poms.put(slashed(relative(file.getParent())), found);
            }
        }
        return poms;
    }

    /** The rooms and all that they reach. */
    private static Set<String> below(Set<String> rooms) {
        Set<String> all = new HashSet<>(rooms);
        rooms.forEach(room -> all.addAll(below(ROOMS.get(room))));
        return all;
    }

    private static Element pom(Path folder) {
        try {
            return DocumentBuilderFactory.newDefaultInstance().newDocumentBuilder()
                    .parse(folder.resolve("pom.xml").toFile()).getDocumentElement();
        } catch (Exception e) {
            throw new AssertionError("cannot read " + folder.resolve("pom.xml"), e);
        }
    }

    private static List<Element> children(Element parent, String name) {
        List<Element> found = new ArrayList<>();
        for (Node n = parent == null ? null : parent.getFirstChild(); n != null; n = n.getNextSibling()) {
            if (n instanceof Element e && e.getTagName().equals(name)) {
                found.add(e);
            }
        }
        return found;
    }

    private static Element child(Element parent, String name) {
        return children(parent, name).stream().findFirst().orElse(null);
    }

    private static String text(Element parent, String name) {
        return child(parent, name).getTextContent().strip();
    }

    // The sources.

    /** "file:line: match" for each match of the pattern in code, in the files below the part of a module that pass the test. */
    private static List<String> lines(String part, Predicate<Path> test, Pattern pattern) {
        List<String> found = new ArrayList<>();
        for (Path file : javaFiles(part).stream().filter(test).toList()) {
            String code = NOT_CODE.matcher(read(file)).replaceAll(m -> "\n".repeat(newlines(m.group())));
            Matcher m = pattern.matcher(code);
            while (m.find()) {
                found.add(relative(file) + ":" + (newlines(code.substring(0, m.start())) + 1) + ": " + m.group());
            }
        }
        return found;
    }

    private static int newlines(String text) {
        return (int) text.chars().filter(c -> c == '\n').count();
    }

    /** Java files of all modules below the given part of a module, all of them for "". */
    private static List<Path> javaFiles(String part) {
        return walk(ROOT, ".java").stream().filter(file -> slashed(file).contains("/" + part)).toList();
    }

    private static String room(Path file) {
        return ROOT.relativize(file).getName(0).toString();
    }

    private static boolean endsInJavadoc(String before) {
        int start = before.lastIndexOf("/**");
        int end = before.lastIndexOf("*/");
        return start >= 0 && before.indexOf("*/", start) == end && before.indexOf(';', end) < 0; // only annotations follow
    }

    // Files.

    private static Path root() {
        Path folder = Path.of("").toAbsolutePath();
        while (!Files.exists(folder.resolve("mvnw"))) {
            folder = folder.getParent();
            assertTrue(folder != null, "no folder above " + Path.of("").toAbsolutePath() + " has mvnw: run the test inside the repository");
        }
        return folder;
    }

    /** Files whose name ends so, in order of their names; build output and hidden folders are not entered. */
    private static List<Path> walk(Path folder, String ending) {
        List<Path> found = new ArrayList<>();
        try (Stream<Path> entries = Files.list(folder).sorted()) {
            for (Path entry : entries.toList()) {
                String name = entry.getFileName().toString();
                if (Files.isDirectory(entry) && !name.startsWith(".") && !name.equals("target") && !name.equals("run")) {
                    found.addAll(walk(entry, ending));
                } else if (name.endsWith(ending) && Files.isRegularFile(entry)) {
                    found.add(entry);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return found;
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path relative(Path file) {
        return ROOT.relativize(file);
    }

    private static String slashed(Path file) {
        return file.toString().replace('\\', '/');
    }

    private static void assertNone(String what, List<String> wrong) {
        if (!wrong.isEmpty()) {
            fail(what + ":\n  " + String.join("\n  ", wrong));
        }
    }
}
