package dev.jacquard.cli;

import dev.jacquard.kernels.catalog.Catalog;
import dev.jacquard.kernels.catalog.Contract;
import dev.jacquard.kernels.catalog.KernelRow;
import dev.jacquard.kernels.catalog.Occupancy;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code jacquard kernels}: for people who read, write and tune CUDA kernels. */
@Command(name = "kernels", description = "Lists, runs, checks, counts and times the CUDA kernels; all but bench and compare without a GPU.", synopsisSubcommandLabel = "COMMAND",
        subcommands = {KernelsCommand.ListCommand.class, KernelsRunCommand.class, KernelsCheckCommand.class, KernelsCountCommand.class, KernelsCommand.OccupancyCommand.class,
                KernelsBenchCommand.class, KernelsCompareCommand.class})
final class KernelsCommand implements Callable<Integer> {
    /** Device whose figures the list shows. */
    private static final String SHOWN = "sm_90a";

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        spec.commandLine().usage(spec.commandLine().getOut());
        return Main.DONE;
    }

    /** {@code jacquard kernels list}. */
    @Command(name = "list", description = "Every kernel with its block, registers, shared memory and what it computes.")
    static final class ListCommand implements Callable<Integer> {
        @Parameters(paramLabel = "KERNEL", arity = "0..1", defaultValue = "*", description = "Module, symbol, or symbol without its type; * stands for anything. Default: all")
        private String name;

        @Option(names = "--contract", description = "Print the whole contract of each module.")
        private boolean contract;

        @Spec
        private CommandSpec spec;

        @Override
        public Integer call() {
            PrintWriter out = spec.commandLine().getOut();
            Map<String, List<KernelRow>> modules = Catalog.kernels(name).stream().collect(Collectors.groupingBy(KernelRow::module, java.util.TreeMap::new, Collectors.toList()));
            modules.forEach((module, kernels) -> {
                Contract c = Catalog.contract(module);
                out.printf("%s: %s%n", module, c.summary());
                if (contract) {
                    c.fields().forEach((field, lines) -> out.printf("    %-12s %s%n", field, String.join(System.lineSeparator() + " ".repeat(17), lines)));
                }
                out.printf(Locale.ROOT, "    %-44s %7s %9s %7s%n", SHOWN, "threads", "registers", "shared");
                for (KernelRow k : kernels) {
                    KernelRow.Needs n = k.needs().get(SHOWN);
                    out.printf(Locale.ROOT, "    %-44s %7d %9s %7s%n", k.symbol(), k.threads(), n == null ? "-" : n.registers(), n == null ? "-" : n.shared());
                }
            });
            return Main.DONE;
        }
    }

    /** {@code jacquard kernels occupancy}. */
    @Command(name = "occupancy", description = "How much of a multiprocessor's warps each kernel can fill, and what limits it, on three generations of devices.")
    static final class OccupancyCommand implements Callable<Integer> {
        private static final List<String> DEVICES = List.of("sm_75", "sm_80", "sm_90a");

        @Parameters(paramLabel = "KERNEL", arity = "0..1", defaultValue = "*", description = "As in list. Default: all")
        private String name;

        @Option(names = "--shared", paramLabel = "BYTES", description = "Dynamic shared memory of a block. Default: ${DEFAULT-VALUE}")
        private int shared;

        @Option(names = "--threads", paramLabel = "N", description = "Threads of a block. Default: what the kernel was compiled for")
        private Integer threads;

        @Spec
        private CommandSpec spec;

        @Override
        public Integer call() {
            PrintWriter out = spec.commandLine().getOut();
            out.printf("%-44s %s%n", "theoretical", DEVICES.stream().map(d -> String.format("%-32s", d)).collect(Collectors.joining(" ")).strip());
            for (KernelRow k : Catalog.kernels(name)) {
                out.printf("%-44s %s%n", k.symbol(), DEVICES.stream().map(d -> String.format("%-32s", cell(k, d))).collect(Collectors.joining(" ")).strip());
            }
            return Main.DONE;
        }

        private String cell(KernelRow k, String device) {
            KernelRow.Needs n = k.needs().get(device);
            if (n == null) {
                return "-";
            }
            Occupancy o = Occupancy.of(device, threads == null ? k.threads() : threads, n.registers(), n.shared() + shared);
            return o.toString().substring(device.length() + 1) + " " + n.registers() + " regs";
        }
    }
}
