package dev.jacquard.train;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import dev.jacquard.mixedprecision.LossScaler;
import dev.jacquard.tensor.DataException;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * {@code log.jsonl}: one JSON object per line, appended as things happen. {@code "event":"step"} has step, epoch (from 1), loss, lr, images_per_second and
 * time (seconds of training so far, over all resumed parts); {@code "event":"epoch"} has also train_loss, val_loss, val_top1, val_top5 (percent), and
 * val_ema_loss, val_ema_top1, val_ema_top5 where averages are kept. Where the loss is scaled both have loss_scale, that of the next step, and skipped, the number of updates
 * skipped so far. Steps' lines have data_wait, the share of the time since the line before in which a step waited for pictures, data_stage, what the pipeline's threads did most,
 * and data_images_per_second, what one processor gets through that stage. A
 * resumed run takes back the lines after its checkpoint, so that the log reads as if nothing had happened.
 */
public final class RunLog implements AutoCloseable {
    /** Learning rates are small: what counts are their first digits, not their places. */
    private static final MathContext SMALL = new MathContext(9);

    private final Path file;
    private final FileChannel channel;

    private RunLog(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /**
     * A line of the log. Numbers that do not apply are null.
     *
     * @param event {@code step} or {@code epoch}
     * @param step steps done
     * @param epoch from 1
     * @param loss mean training loss since the line before
     * @param lr learning rate
     * @param images_per_second over the time since the line before
     * @param time seconds of training so far
     * @param train_loss mean over the epoch
     * @param val_loss on the held-out pictures
     * @param val_top1 percent
     * @param val_top5 percent
     * @param val_ema_loss of the averaged weights on the held-out pictures
     * @param val_ema_top1 percent
     * @param val_ema_top5 percent
     * @param loss_scale of the next step
     * @param skipped updates skipped so far, as their gradients overflowed
     * @param data_wait share of the time since the line before in which a step waited for pictures
     * @param data_stage the stage of the image pipeline that took longest: read, decode, resize, augment, write
     * @param data_images_per_second what one processor gets through that stage
     */
    public record Line(String event, long step, int epoch, Double loss, double lr, Double images_per_second, double time, Double train_loss, Double val_loss,
            Double val_top1, Double val_top5, Double val_ema_loss, Double val_ema_top1, Double val_ema_top5, Double loss_scale, Integer skipped,
            Double data_wait, String data_stage, Double data_images_per_second) {
        static Line step(long step, int epoch, double loss, double lr, double speed, double time) {
            return new Line("step", step, epoch, loss, lr, speed, time, null, null, null, null, null, null, null, null, null, null, null, null);
        }

        /** @param result null if there was no evaluation */
        static Line epoch(long step, int epoch, double lr, double speed, double time, double trainLoss, Validation.Result result) {
            Evaluation raw = result == null ? null : result.raw();
            Evaluation ema = result == null ? null : result.averaged();
            return new Line("epoch", step, epoch, null, lr, speed, time, trainLoss, of(raw, Evaluation::loss), of(raw, Evaluation::top1), of(raw, Evaluation::top5),
                    of(ema, Evaluation::loss), of(ema, Evaluation::top1), of(ema, Evaluation::top5), null, null, null, null, null);
        }

        /** The same with the loss scale. @param r null if the loss is not scaled */
        Line scaled(LossScaler.Reading r) {
            return r == null ? this : new Line(event, step, epoch, loss, lr, images_per_second, time, train_loss, val_loss, val_top1, val_top5, val_ema_loss, val_ema_top1,
                    val_ema_top5, r.scale(), r.skipped(), data_wait, data_stage, data_images_per_second);
        }

        /** The same with what the pictures cost. */
        Line fed(DataShare s) {
            return new Line(event, step, epoch, loss, lr, images_per_second, time, train_loss, val_loss, val_top1, val_top5, val_ema_loss, val_ema_top1, val_ema_top5,
                    loss_scale, skipped, s.waited(), s.slowest() == null ? null : s.slowest().text(), s.slowest() == null ? null : s.imagesPerSecond());
        }

        private static Double of(Evaluation e, Function<Evaluation, Double> part) {
            return e == null ? null : part.apply(e);
        }
    }

    /** Opens the log for appending, without the lines of steps after {@code step} (or of that step's epoch end, if {@code epochEnded} is false). */
    static RunLog open(Path file, long step, boolean epochEnded) {
        try {
            if (Files.exists(file)) {
                StringBuilder kept = new StringBuilder();
                for (Line l : lines(file)) {
                    if (l.step < step || l.step == step && (epochEnded || l.event.equals("step"))) {
                        kept.append(print(l));
                    }
                }
                Json.write(file, kept.toString());
            }
            return new RunLog(file, FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND));
        } catch (IOException e) {
            throw Json.io(file, "the log cannot be written", e);
        }
    }

    /** The lines of a log; a last line that a crash cut short is left out. @throws DataException if another line is no log line */
    public static List<Line> lines(Path file) {
        List<String> texts = Json.read(file).lines().toList();
        List<Line> lines = new ArrayList<>();
        for (int i = 0; i < texts.size(); i++) {
            try {
                Line l = Json.parse(texts.get(i), Line.class);
                if (l == null || l.event == null) {
                    throw new JsonParseException("no event");
                }
                lines.add(l);
            } catch (JsonParseException e) {
                if (i < texts.size() - 1) {
                    throw new DataException(file.toString(), "line " + (i + 1) + " is no log line", Json.oneLine(e), "a JSON object with an event", "remove the line", e);
                }
            }
        }
        return lines;
    }

    /** Appends a line. @throws DataException if the disk refuses */
    void append(Line line) {
        try {
            ByteBuffer bytes = ByteBuffer.wrap(print(line).getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (IOException e) {
            throw Json.io(file, "the log cannot be written", e);
        }
    }

    private static String print(Line line) {
        JsonObject o = new JsonObject();
        o.addProperty("event", line.event);
        o.addProperty("step", line.step);
        o.addProperty("epoch", line.epoch);
        add(o, "loss", line.loss);
        add(o, "lr", line.lr);
        add(o, "images_per_second", line.images_per_second);
        add(o, "time", line.time);
        add(o, "train_loss", line.train_loss);
        add(o, "val_loss", line.val_loss);
        add(o, "val_top1", line.val_top1);
        add(o, "val_top5", line.val_top5);
        add(o, "val_ema_loss", line.val_ema_loss);
        add(o, "val_ema_top1", line.val_ema_top1);
        add(o, "val_ema_top5", line.val_ema_top5);
        if (line.loss_scale != null) {
            o.addProperty("loss_scale", line.loss_scale); // as it is: from 2^-24 to 2^127, no number of places or digits does
        }
        if (line.skipped != null) {
            o.addProperty("skipped", line.skipped);
        }
        add(o, "data_wait", line.data_wait);
        if (line.data_stage != null) {
            o.addProperty("data_stage", line.data_stage);
        }
        add(o, "data_images_per_second", line.data_images_per_second);
        return o + "\n";
    }

    /** JSON has no NaN; what is not a number is left out. */
    private static void add(JsonObject o, String name, Double value) {
        if (value != null && Double.isFinite(value)) {
            o.addProperty(name, Math.abs(value) < 1 ? new BigDecimal(value).round(SMALL).doubleValue() : Math.round(value * 1e6) / 1e6);
        }
    }

    @Override
    public void close() {
        try {
            channel.force(false);
            channel.close();
        } catch (IOException e) {
            throw Json.io(file, "the log cannot be written", e);
        }
    }
}
