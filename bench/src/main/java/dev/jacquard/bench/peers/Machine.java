package dev.jacquard.bench.peers;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** What a row says of the conditions that it was measured under. */
public final class Machine {
    private Machine() {}

    /** Date, commit, machine and JDK. @param name of the machine; null to ask the system */
    public static Map<String, String> conditions(String name) throws IOException {
        Map<String, String> row = new LinkedHashMap<>();
        row.put("date", LocalDate.now().toString());
        row.put("commit", commit());
        row.put("machine", name == null ? Runtime.getRuntime().availableProcessors() + " vCPU " + model() : name);
        row.put("jdk", Integer.toString(Runtime.version().feature()));
        return row;
    }

    /** {@code epyc2zen5}: the processor's family, the number of cores and, of AMD's, the generation, for file names. */
    public static String label() throws IOException {
        String model = model().toLowerCase(Locale.ROOT);
        int cores = Runtime.getRuntime().availableProcessors();
        for (String family : new String[] {"epyc", "xeon", "ryzen", "core", "graviton"}) {
            if (model.contains(family)) {
                return family + cores + generation();
            }
        }
        return "cpu" + cores;
    }

    /** Of AMD's processors, which hypervisors give one name; empty for others. */
    private static String generation() throws IOException {
        if (!cpuInfo("vendor_id").equals("AuthenticAMD")) {
            return "";
        }
        return switch (cpuInfo("cpu family")) {
            case "26" -> "zen5";
            case "25" -> cpuInfo("flags").contains("avx512f") ? "zen4" : "zen3"; // the same family, and only Zen 4 has these instructions
            default -> "";
        };
    }

    private static String model() throws IOException {
        String name = cpuInfo("model name");
        return name.isEmpty() ? System.getProperty("os.arch") : name;
    }

    /** What Linux says of the first processor; empty where it says nothing. */
    private static String cpuInfo(String key) throws IOException {
        Path info = Path.of("/proc/cpuinfo");
        return Files.notExists(info) ? ""
                : Files.readAllLines(info).stream().map(l -> l.split("\\s*:\\s*", 2)).filter(f -> f[0].equals(key) && f.length == 2).map(f -> f[1].strip()).findFirst().orElse("");
    }

    private static String commit() throws IOException {
        try {
            Process git = new ProcessBuilder("git", "rev-parse", "--short=7", "HEAD").redirectError(ProcessBuilder.Redirect.DISCARD).start();
            String hash = new String(git.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip();
            return git.waitFor() == 0 ? hash : "";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "";
        }
    }

    /** Seconds that all processors together have been busy since the start; -1 where the system does not tell. */
    public static double busySeconds() throws IOException {
        Path stat = Path.of("/proc/stat");
        if (Files.notExists(stat)) {
            return -1;
        }
        String[] f = Files.readAllLines(stat).getFirst().split("\\s+"); // cpu user nice system idle iowait irq softirq steal ..., in hundredths
        double busy = 0;
        for (int i : new int[] {1, 2, 3, 6, 7, 8}) {
            busy += Long.parseLong(f[i]) / 100.0;
        }
        return busy;
    }

    /** Memory that processes can have without others being ended, in MiB; very much where the system does not tell. */
    static long freeMemory() throws IOException {
        Path info = Path.of("/proc/meminfo");
        return Files.notExists(info) ? Long.MAX_VALUE
                : Files.readAllLines(info).stream().filter(l -> l.startsWith("MemAvailable:")).mapToLong(l -> Long.parseLong(l.replaceAll("\\D", "")) / 1024).findFirst()
                .orElse(Long.MAX_VALUE);
    }
}
