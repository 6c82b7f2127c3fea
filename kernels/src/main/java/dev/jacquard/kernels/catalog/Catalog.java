package dev.jacquard.kernels.catalog;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.EngineBugException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The committed kernels, read from the class path. */
public final class Catalog {
    private static final String ROOT = "/dev/jacquard/kernels/";
    private static final Pattern ENTRY = Pattern.compile("\\.entry\\s+(\\w+)\\s*\\([^)]*\\)((?:\\s*\\.[a-z]+\\s+[\\d, ]+)*)");
    private static final Pattern THREADS = Pattern.compile("\\.maxntid\\s+(\\d+)(?:\\s*,\\s*(\\d+))?(?:\\s*,\\s*(\\d+))?");
    private static final int NEEDS = 4;

    private Catalog() {}

    /** Names of all modules, sorted. */
    public static List<String> modules() {
        return read("ptx/index.txt").lines().filter(l -> !l.isBlank()).toList();
    }

    /** Text of a module's PTX. */
    public static String ptx(String module) {
        return read("ptx/" + module + ".ptx");
    }

    /** A module's contract. */
    public static Contract contract(String module) {
        return Contract.parse(module, read("cuda/" + module + ".cu"));
    }

    /** Every kernel of every module, sorted by module and symbol. */
    public static List<KernelRow> kernels() {
        Map<String, Map<String, KernelRow.Needs>> needs = needs(read("ptx/ptxas.csv"));
        List<KernelRow> all = new ArrayList<>();
        for (String module : modules()) {
            new TreeMap<>(entries(ptx(module))).forEach((symbol, threads) -> all.add(new KernelRow(module, symbol, threads, needs.getOrDefault(module + "," + symbol, Map.of()))));
        }
        return all;
    }

    /** Kernels whose symbol, stem or module is a name, or matches it with stars. @throws CallerException if there is none */
    public static List<KernelRow> kernels(String name) {
        List<KernelRow> found = kernels().stream().filter(k -> Traffic.matches(name, k.symbol()) || Traffic.matches(name, Traffic.stem(k.symbol()))
                || Traffic.matches(name, k.module())).toList();
        if (found.isEmpty()) {
            throw new CallerException("kernel " + name, "no such kernel or module", name, "a name that ./jacquard kernels list prints, or a pattern with *", "choose one of these");
        }
        return found;
    }

    /** Each entry of a module with the threads that its blocks may have. */
    static Map<String, Integer> entries(String ptx) {
        Map<String, Integer> all = new LinkedHashMap<>();
        Matcher entry = ENTRY.matcher(ptx);
        while (entry.find()) {
            Matcher t = THREADS.matcher(entry.group(2));
            int threads = 0;
            if (t.find()) {
                threads = Integer.parseInt(t.group(1)) * (t.group(2) == null ? 1 : Integer.parseInt(t.group(2))) * (t.group(3) == null ? 1 : Integer.parseInt(t.group(3)));
            }
            all.put(entry.group(1), threads);
        }
        return all;
    }

    /** "module,kernel" to its needs by device; the devices are in the header. */
    static Map<String, Map<String, KernelRow.Needs>> needs(String csv) {
        List<String[]> lines = csv.lines().map(l -> l.split(",", -1)).toList();
        Map<String, Map<String, KernelRow.Needs>> all = new TreeMap<>();
        for (String[] cells : lines.subList(1, lines.size())) {
            Map<String, KernelRow.Needs> by = new HashMap<>();
            for (int c = 2; c + NEEDS <= cells.length; c += NEEDS) {
                if (!cells[c].isEmpty()) {
                    by.put(lines.getFirst()[c].split(" ")[0],
                            new KernelRow.Needs(Integer.parseInt(cells[c]), Integer.parseInt(cells[c + 1]), Integer.parseInt(cells[c + 2]), Integer.parseInt(cells[c + 3])));
                }
            }
            all.put(cells[0] + "," + cells[1], by);
        }
        return all;
    }

    private static String read(String name) {
        try (InputStream in = Catalog.class.getResourceAsStream(ROOT + name)) {
            if (in == null) {
                throw new EngineBugException("kernels", "a file is missing in the jar", name, "one made by kernels/build", "run kernels/build, then build again");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
