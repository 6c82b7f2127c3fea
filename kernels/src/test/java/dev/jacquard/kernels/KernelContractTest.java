package dev.jacquard.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.jacquard.kernels.catalog.Catalog;
import dev.jacquard.kernels.catalog.Contract;
import dev.jacquard.kernels.catalog.KernelRow;
import dev.jacquard.kernels.catalog.Traffic;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Every .cu opens with a contract, and the contract is true as far as text can tell. help/add-a-kernel.md says how to write one. */
class KernelContractTest {
    private static final Pattern TWIN = Pattern.compile("dev\\.jacquard\\.[a-z.]+\\.[A-Z]\\w*");
    private static final Pattern CSV = Pattern.compile("[\\w./-]+\\.csv");

    private final Map<String, List<KernelRow>> kernels = Catalog.kernels().stream().collect(Collectors.groupingBy(KernelRow::module));

    /** Runs a check on every contract; what it reports is prefixed with the file. */
    private static void each(String what, BiConsumer<Contract, List<String>> check) {
        List<String> wrong = new ArrayList<>();
        for (String name : SourceTree.names("cuda", ".cu")) {
            List<String> found = new ArrayList<>();
            try {
                check.accept(Contract.parse(name, SourceTree.read("cuda/" + name + ".cu")), found);
            } catch (IllegalArgumentException e) {
                found.add(e.getMessage());
            }
            found.forEach(f -> wrong.add("kernels/cuda/" + name + ".cu: " + f));
        }
        SourceTree.assertNone(what, wrong);
    }

    @Test
    void allFieldsAreThere() {
        each("contracts with gaps; kernels/cuda has examples", (c, wrong) -> wrong.addAll(c.problems()));
    }

    @Test
    void theBlocksOfTheLaunchLineAreThoseOfTheCode() {
        each("Launch says other blocks than KERNEL(...)", (c, wrong) -> {
            Set<Integer> code = kernels(c).stream().map(KernelRow::threads).collect(Collectors.toCollection(TreeSet::new));
            if (!code.equals(c.blocks())) {
                wrong.add("Launch names blocks of " + c.blocks() + " threads, the code has " + code);
            }
        });
    }

    @Test
    void everyTwinExists() {
        each("CPU twins that do not exist", (c, wrong) -> {
            List<String> twins = TWIN.matcher(c.field("CPU twin").orElse("")).results().map(m -> m.group()).toList();
            if (twins.isEmpty()) {
                wrong.add("CPU twin names no class dev.jacquard...");
            }
            twins.stream().filter(t -> Stream.of("cpu", "tck", "tensor")
                    .noneMatch(room -> Files.exists(SourceTree.root().resolve(room + "/src/main/java/" + t.replace('.', '/') + ".java"))))
                    .forEach(t -> wrong.add("no class " + t));
        });
    }

    @Test
    void everyKernelHasATrafficLineAndEveryTrafficLineAKernel() {
        each("Traffic lines and kernels differ", (c, wrong) -> {
            List<Traffic> lines = c.traffic();
            Set<Traffic> used = new java.util.HashSet<>();
            for (KernelRow k : kernels(c)) {
                Traffic.of(lines, k.symbol()).ifPresentOrElse(used::add, () -> wrong.add("no Traffic line for " + k.symbol()));
            }
            lines.stream().filter(t -> !used.contains(t)).forEach(t -> wrong.add("Traffic line of no kernel: " + t));
        });
    }

    @Test
    void symbolsEndInTheirElementType() {
        each("symbols without an element type", (c, wrong) -> kernels(c).stream().map(KernelRow::symbol).filter(s -> !Traffic.isTyped(s) && !s.matches("\\w+_b(8|16|32|64)"))
                .forEach(s -> wrong.add(s + ": end it in _f32, _f16, _bf16, ..., or in _b8, _b16, _b32, _b64 where only the size matters")));
    }

    @Test
    void symbolsAreUniqueOverAllModules() {
        Map<String, Long> count = Catalog.kernels().stream().collect(Collectors.groupingBy(KernelRow::symbol, Collectors.counting()));
        SourceTree.assertNone("kernels of the same name in two modules", count.entrySet().stream().filter(e -> e.getValue() > 1).map(Map.Entry::getKey).sorted().toList());
    }

    @Test
    void whatWasMeasuredCitesItsFile() {
        each("Measured cites no CSV of bench/results", (c, wrong) -> {
            String measured = c.field("Measured").orElse("");
            Matcher csv = CSV.matcher(measured);
            if (!csv.find()) {
                if (!measured.startsWith("not yet")) {
                    wrong.add("Measured neither cites a .csv nor begins with 'not yet'");
                }
            } else if (!Files.exists(SourceTree.root().resolve(csv.group()))) {
                wrong.add("Measured cites " + csv.group() + ", which does not exist");
            }
        });
    }

    /** A block's parameters live exactly as long as its launch: only KernelLaunch can promise that. */
    @Test
    void onlyKernelLaunchLaunches() throws IOException {
        List<String> found = new ArrayList<>();
        try (Stream<Path> files = Files.walk(SourceTree.KERNELS.resolve("src/main/java"))) {
            for (Path f : files.filter(p -> p.toString().endsWith(".java")).toList()) {
                String text = Files.readString(f).replaceAll("(?s)/\\*.*?\\*/|//[^\\n]*", "");
                if (Pattern.compile("driver(\\(\\))?\\s*\\.launch\\(").matcher(text).find()) {
                    found.add(f.getFileName().toString());
                }
            }
        }
        assertEquals(List.of("KernelLaunch.java"), found, "kernels are launched by KernelLaunch alone");
    }

    private List<KernelRow> kernels(Contract c) {
        return kernels.getOrDefault(c.module(), List.of());
    }
}
