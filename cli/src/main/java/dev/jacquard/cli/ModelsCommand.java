package dev.jacquard.cli;

import dev.jacquard.models.ModelInfo;
import dev.jacquard.models.ModelRow;
import dev.jacquard.models.Models;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code jacquard models}. */
@Command(name = "models", description = "Lists the architectures with what they cost, counted on their graphs.")
final class ModelsCommand implements Callable<Integer> {
    @Option(names = "--json", description = "As a JSON array of objects with name, family, parameters, statistics, macs, resolution.")
    private boolean json;

    @Spec
    private CommandSpec spec;

    private record Line(String name, String family, ModelInfo info) {
        /** Names are plain words: nothing to escape. */
        String json() {
            return String.format(Locale.ROOT, "{\"name\": \"%s\", \"family\": \"%s\", \"parameters\": %d, \"statistics\": %d, \"macs\": %d, \"resolution\": %d}", name, family,
                    info.parameters(), info.statistics(), info.macs(), info.resolution());
        }
    }

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        List<Line> lines = Models.rows().stream().map((ModelRow r) -> new Line(r.name(), r.family().toString(), ModelInfo.of(r))).toList();
        if (json) {
            out.println(lines.stream().map(Line::json).collect(Collectors.joining(",\n ", "[", "]")));
        } else {
            out.printf("%-24s %-13s %12s %11s %10s %11s%n", "name", "family", "parameters", "statistics", "GMACs", "resolution");
            lines.forEach(l -> out.printf(Locale.ROOT, "%-24s %-13s %,12d %,11d %10.4f %11d%n", l.name, l.family, l.info.parameters(), l.info.statistics(), l.info.macs() / 1e9,
                    l.info.resolution()));
        }
        return Main.DONE;
    }
}
