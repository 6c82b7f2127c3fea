package dev.jacquard.bench.peers;

import dev.jacquard.bench.peers.Piece.Work;
import dev.jacquard.cli.AskedProcess;
import dev.jacquard.cli.Spread;
import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import javax.imageio.ImageIO;

/**
 * Seconds from the start of a process to the first logits of one image, files being in the system's cache: each engine as a program that loads the network and predicts, and
 * {@code ./jacquard classify}.
 */
final class FirstPrediction {
    static final List<String> COLUMNS = List.of("date", "commit", "work", "network", "pixels", "engine", "versions", "machine", "threads", "jdk", "rounds", "seconds",
            "seconds_least", "seconds_most");
    static final List<String> KEY = List.of("work", "network", "pixels", "threads");

    /** The command as users type it: with its launcher, and to the end of the process. */
    static final String CLASSIFY = "jacquard classify";

    private final Piece piece;
    private final Material material;
    private final Contest.Settings settings;
    private final PrintStream out;
    private final Map<String, List<Double>> seconds = new LinkedHashMap<>();
    private final Map<String, String> versions = new LinkedHashMap<>();

    FirstPrediction(String network, int pixels, Material material, Contest.Settings settings, PrintStream out) {
        this.piece = new Piece(Work.INFER, network, 1, pixels);
        this.material = material;
        this.settings = settings;
        this.out = out;
    }

    /** Runs it. @return a row of each engine, without the conditions */
    List<Map<String, String>> run(List<Contender> contenders) throws IOException, InterruptedException {
        out.println(piece.network() + ", first prediction");
        Path launcher = Path.of("jacquard").toAbsolutePath();
        Path picture = picture();
        for (int round = -1; round < settings.rounds(); round++) { // the first one, which builds and fills the cache, does not count
            if (Files.isExecutable(launcher)) {
                take(round, CLASSIFY, classify(launcher, picture));
            }
            for (Contender c : contenders) {
                if (c.missing(piece, material) == null) {
                    take(round, c.name(), first(c));
                }
            }
        }
        List<Map<String, String>> rows = new ArrayList<>();
        seconds.forEach((engine, s) -> rows.add(row(engine, s)));
        return rows;
    }

    private void take(int round, String engine, double s) {
        if (round >= 0 && !Double.isNaN(s)) {
            seconds.computeIfAbsent(engine, _ -> new ArrayList<>()).add(s);
        }
    }

    private double first(Contender c) throws IOException {
        try (Peer peer = new Peer(c, settings.logs())) {
            peer.prepare(piece, material);
            peer.time(0, 1);
            double age = peer.age();
            versions.put(c.name(), peer.versions());
            return age;
        } catch (AskedProcess.Refused e) {
            out.printf("  %s: not run: %s%n", c.name(), e.getMessage());
            return Double.NaN;
        }
    }

    private double classify(Path launcher, Path picture) throws IOException, InterruptedException {
        File log = settings.logs().resolve("classify.log").toFile();
        long begin = System.nanoTime();
        int status = new ProcessBuilder(launcher.toString(), "classify", "--device", "cpu", "--weights", material.weights().toString(), picture.toString())
                .redirectErrorStream(true).redirectOutput(log).start()
                .waitFor();
        if (status != 0) {
            out.printf("  %s: ended with %d; see %s%n", CLASSIFY, status, log);
            return Double.NaN;
        }
        return (System.nanoTime() - begin) / 1e9;
    }

    /** The first image as a file. */
    private Path picture() throws IOException {
        int size = piece.pixels();
        byte[] rgb = material.pixels(1, size);
        BufferedImage image = new BufferedImage(size, size, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < size * size; i++) {
            image.setRGB(i % size, i / size, (rgb[3 * i] & 0xff) << 16 | (rgb[3 * i + 1] & 0xff) << 8 | rgb[3 * i + 2] & 0xff);
        }
        Path file = material.folder().resolve("picture.png");
        ImageIO.write(image, "png", file.toFile());
        Files.createDirectories(settings.logs());
        return file;
    }

    private Map<String, String> row(String engine, List<Double> s) {
        Spread spread = Spread.of(s);
        Map<String, String> row = new LinkedHashMap<>();
        row.put("work", "first");
        row.put("network", piece.network());
        row.put("pixels", Integer.toString(piece.pixels()));
        row.put("engine", engine);
        row.put("versions", versions.getOrDefault(engine, ""));
        row.put("threads", Integer.toString(settings.threads()));
        row.put("rounds", Integer.toString(s.size()));
        row.put("seconds", Spread.text("%.3f", spread.median()));
        row.put("seconds_least", Spread.text("%.3f", spread.least()));
        row.put("seconds_most", Spread.text("%.3f", spread.most()));
        out.printf(Locale.ROOT, "  %-22s %.3f s (%.3f to %.3f)%n", engine, spread.median(), spread.least(), spread.most());
        return row;
    }
}
