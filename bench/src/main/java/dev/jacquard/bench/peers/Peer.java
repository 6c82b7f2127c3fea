package dev.jacquard.bench.peers;

import dev.jacquard.cli.AskedProcess;
import dev.jacquard.cli.AskedProcess.Refused;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;

/** An engine's process, asked in lines: see {@link Engine}. */
public final class Peer implements AutoCloseable {
    /** Longer than any answer takes: three training steps of the largest network on a slow machine. */
    private static final Duration PATIENCE = Duration.ofSeconds(300);

    private final Contender contender;
    private final Path log;
    private final AskedProcess process;
    private final long born = System.nanoTime();

    /** Starts it. @param folder where its standard error goes, as NAME.log */
    public Peer(Contender contender, Path folder) throws IOException {
        this.contender = contender;
        Files.createDirectories(folder);
        log = folder.resolve(contender.name() + ".log");
        ProcessBuilder builder = new ProcessBuilder(contender.command()).redirectError(log.toFile());
        builder.environment().putAll(contender.environment());
        process = new AskedProcess(builder, PATIENCE);
    }

    String name() {
        return contender.name();
    }

    /** Seconds since it was started. */
    double age() {
        return (System.nanoTime() - born) / 1e9;
    }

    /** Asks. @return what follows {@code ok} @throws Refused if the answer is no, or the process has ended */
    public String ask(String question) throws Refused {
        try {
            return process.ask(question);
        } catch (Refused e) {
            throw new Refused(e.getMessage() + "; see " + log);
        }
    }

    /** Name and version of its library. */
    public String versions() throws Refused {
        return ask("hello");
    }

    void prepare(Piece piece, Material material) throws Refused {
        ask("prepare " + piece.question() + " " + material.folder().toAbsolutePath());
    }

    /** Writes the network of a folder as TorchScript; PyTorch's worker alone can. */
    void script(String network, int pixels, Material material) throws Refused {
        ask("script " + network + " " + pixels + " " + material.folder().toAbsolutePath());
    }

    /** Milliseconds of each call, of as many as fit into the time, but at least some. */
    double[] time(double seconds, int least) throws Refused {
        return Arrays.stream(ask(String.format(Locale.ROOT, "time %.3f %d", seconds, least)).split(" ")).mapToDouble(Double::parseDouble).toArray();
    }

    /** The last call's logits, or its loss. */
    float[] answer() throws Refused {
        Path file = log.resolveSibling(contender.name() + ".answer");
        ask("answer " + file.toAbsolutePath());
        try {
            return Material.read(file);
        } catch (IOException e) {
            throw new Refused("no answer in " + file + ": " + e.getMessage());
        }
    }

    /** Processor seconds that it has used; 0 where the system does not tell. */
    public double cpuSeconds() {
        return process.handle().info().totalCpuDuration().map(d -> d.toNanos() / 1e9).orElse(0.0);
    }

    /** Most memory that it has had, in MiB; -1 where the system does not tell. */
    long peakMemory() {
        try {
            return Files.readAllLines(Path.of("/proc/" + process.handle().pid() + "/status")).stream().filter(l -> l.startsWith("VmHWM:"))
                    .mapToLong(l -> Long.parseLong(l.replaceAll("\\D", "")) / 1024).findFirst()
                    .orElse(-1);
        } catch (IOException e) {
            return -1;
        }
    }

    /** Ends it. */
    @Override
    public void close() {
        process.close();
    }
}
