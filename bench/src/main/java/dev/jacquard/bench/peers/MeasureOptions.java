package dev.jacquard.bench.peers;

import dev.jacquard.cli.Results;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Option;

/** What the commands that measure beside other engines ask for alike, and where they write what they saw. */
public final class MeasureOptions {
    @Option(names = "--rounds", paramLabel = "N", description = "Turns of each. Default: ${DEFAULT-VALUE}", defaultValue = "5")
    private int rounds;

    @Option(names = "--threads", paramLabel = "N", description = "Threads of each engine. Default: ${DEFAULT-VALUE}", defaultValue = "2")
    private int threads;

    @Option(names = "--python", paramLabel = "PYTHON", description = "A Python with torch and torchvision; none for no such peer. Default: ${DEFAULT-VALUE}, if it has them",
            defaultValue = "/usr/bin/python3")
    private String python;

    @Option(names = "--out", paramLabel = "DIR", description = "Where the CSV files are. Default: ${DEFAULT-VALUE}", defaultValue = "bench/results")
    private Path results;

    @Option(names = "--machine", paramLabel = "TEXT", description = "What rows say of the machine. Default: what the system says")
    private String machine;

    @Option(names = "--label", paramLabel = "NAME", description = "What file names say of the machine. Default: such as epyc2zen5")
    private String label;

    /** Made by picocli. */
    public MeasureOptions() {}

    /** Turns of each engine. */
    public int rounds() {
        return rounds;
    }

    /** Threads of each engine. */
    public int threads() {
        return threads;
    }

    /** A Python's command. */
    public String python() {
        return python;
    }

    /** The folder of CSV files. */
    Path folder() {
        return results;
    }

    /** The file {@code stem-<machine>-jdk<version>.csv}. */
    public Results file(String stem, List<String> columns, List<String> key) throws IOException {
        return new Results(results.resolve("%s-%s-jdk%d.csv".formatted(stem, label == null ? Machine.label() : label, Runtime.version().feature())), columns, key);
    }

    /** The rows, each with date, commit, machine and JDK before what was measured. */
    public List<Map<String, String>> underConditions(List<Map<String, String>> rows) throws IOException {
        Map<String, String> conditions = Machine.conditions(machine);
        return rows.stream().map(row -> {
            Map<String, String> full = new LinkedHashMap<>(conditions);
            full.putAll(row);
            return full;
        }).toList();
    }
}
