package dev.jacquard.cli;

import dev.jacquard.train.RunComparison;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code jacquard compare}. */
@Command(name = "compare", sortOptions = false, description = "Sets the losses of runs beside the first one's: how far a change of precision, device or version takes them apart.")
final class CompareCommand implements Callable<Integer> {
    @Parameters(arity = "2..*", paramLabel = "RUN", description = "Run folders; the first is what the others are compared with.")
    private List<Path> runs;

    @Option(names = "--window", paramLabel = "N", defaultValue = "10", description = "Lines of the log whose mean is taken. Default: ${DEFAULT-VALUE}")
    private int window;

    @Option(names = "--svg", paramLabel = "FILE", description = "Also draw the losses.")
    private Path svg;

    @Option(names = "--title", paramLabel = "TEXT", defaultValue = "Training loss", description = "Title of the picture. Default: ${DEFAULT-VALUE}")
    private String title;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        RunComparison comparison = RunComparison.of(runs, window);
        PrintWriter out = spec.commandLine().getOut();
        int width = comparison.runs().stream().mapToInt(r -> r.name().length()).max().orElseThrow();
        out.printf(Locale.ROOT, "%-" + width + "s  %8s  %10s  %10s  %9s  %7s%n", "run", "steps", "last loss", "smoothed", "deviation", "top-1");
        for (RunComparison.Run r : comparison.runs()) {
            int last = r.losses().length - 1;
            out.printf(Locale.ROOT, "%-" + width + "s  %8d  %10.4f  %10.4f  %7.2f %%  %7s%n", r.name(), r.steps()[last], r.losses()[last], r.smoothed()[last], 100 * r.deviation(),
                    r.top1() == null ? "" : String.format(Locale.ROOT, "%.2f %%", r.top1()));
        }
        if (svg != null) {
            comparison.write(svg, title);
            out.println("picture " + svg);
        }
        return Main.DONE;
    }
}
