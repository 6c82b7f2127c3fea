package dev.jacquard.cli;

import dev.jacquard.tensor.CallerException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;

/**
 * The command line. Exit codes: 0 done, 1 our fault, 2 the caller's, which is one line on standard error that says what to do; 130 stopped by Ctrl-C.
 */
@Command(name = "jacquard", description = "Trains and serves image classifiers.", synopsisSubcommandLabel = "COMMAND",
        subcommands = {TrainCommand.class, EvaluateCommand.class, PredictCommand.class, ClassifyCommand.class, ConvertCommand.class, ExportCommand.class, ModelsCommand.class,
                PlanCommand.class, RecipesCommand.class,
                DoctorCommand.class, BundleCommand.class, KernelsCommand.class, BenchCommand.class, DataCommand.class, CompareCommand.class, SelftestCommand.class})
public final class Main {
    static final int DONE = 0;
    static final int OUR_FAULT = 1;
    static final int CALLERS_FAULT = 2;
    static final int INTERRUPTED = 130;

    @Option(names = {"-h", "--help"}, usageHelp = true, scope = ScopeType.INHERIT, description = "Show this and exit.")
    private boolean help;

    @Option(names = "--debug", scope = ScopeType.INHERIT, description = "With errors, show where they came from.")
    private boolean debug;

    private Main() {}

    /** For the JVM. */
    public static void main(String[] args) {
        PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
        PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
        int code = run(args, out, err);
        out.flush();
        System.exit(code);
    }

    /** Runs a command. @param out results @param err errors @return the exit code */
    public static int run(String[] args, PrintWriter out, PrintWriter err) {
        Main main = new Main();
        CommandLine line = new CommandLine(main).setOut(out).setErr(err).setCaseInsensitiveEnumValuesAllowed(true).setUsageHelpAutoWidth(true)
                .setParameterExceptionHandler((e, _) -> main.fail(err, usage(e), e, CALLERS_FAULT))
                .setExecutionExceptionHandler((e, _, _) -> main.fail(err, e));
        try {
            if (args.length == 0) {
                line.usage(out);
                return DONE;
            }
            return line.execute(SettingOptions.dashes(args));
        } catch (RuntimeException | Error e) {
            return main.fail(err, e);
        } finally {
            out.flush();
            err.flush();
        }
    }

    private static String usage(ParameterException e) {
        return e.getMessage() + "; see jacquard " + (e.getCommandLine().getParent() == null ? "" : e.getCommandLine().getCommandName() + " ") + "--help";
    }

    private int fail(PrintWriter err, Throwable e) {
        return switch (e) {
            case CallerException c -> fail(err, c.getMessage(), c, CALLERS_FAULT);
            case OutOfMemoryError o -> fail(err, "out of memory: " + o.getMessage() + "; lower --batch or --image-size, or give the JVM more, such as JACQUARD_OPTS=-Xmx8g", o,
                    CALLERS_FAULT);
            default -> fail(err, "internal: " + e + "; please report this with the output of --debug", e, OUR_FAULT);
        };
    }

    private int fail(PrintWriter err, String message, Throwable e, int code) {
        err.println("error: " + String.valueOf(message).strip().replaceAll("\\s*[\\r\\n]+\\s*", " "));
        if (debug) {
            e.printStackTrace(err);
        }
        return code;
    }
}
