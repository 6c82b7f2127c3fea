package dev.jacquard.cli;

import dev.jacquard.data.StageTimes;
import dev.jacquard.train.DataShare;
import dev.jacquard.train.RunLog;
import dev.jacquard.train.TrainListener;
import java.io.PrintWriter;
import java.util.Locale;

/** Tells how training goes: one line that changes, on a terminal; else a line every ten seconds. A line per epoch stays in both. */
final class ProgressLine implements TrainListener {
    private static final long TERMINAL_NANOS = 200_000_000L;
    private static final long PLAIN_NANOS = 10_000_000_000L;

    private final PrintWriter out;
    private final boolean terminal;
    private final int batch;
    private final int epochs;
    private long last = System.nanoTime() - PLAIN_NANOS;
    private int width;
    /** What is to be said with the next line; empty for nothing. */
    private String note = "";
    /** What people were last told to speed up; null for nothing. */
    private StageTimes.Stage advised;

    ProgressLine(PrintWriter out, boolean terminal, int batch, int epochs) {
        this.out = out;
        this.terminal = terminal;
        this.batch = batch;
        this.epochs = epochs;
    }

    @Override
    public void step(long step, long totalSteps, int epoch, double loss, double lr, double imagesPerSecond) {
        long now = System.nanoTime();
        if (now - last < (terminal ? TERMINAL_NANOS : PLAIN_NANOS)) {
            return;
        }
        last = now;
        show(String.format(Locale.ROOT, "epoch %d/%d  step %d/%d  loss %.4f  lr %.5f  %.0f images/s  ETA %s%s", epoch, epochs, step, totalSteps, loss, lr, imagesPerSecond,
                imagesPerSecond > 0 ? time((totalSteps - step) * batch / imagesPerSecond) : "?", note));
        note = "";
    }

    @Override
    public void skipped(long step, double scale, int skipped) {
        note = String.format(Locale.ROOT, "  loss scale %s, %d update%s skipped", scale >= 1 && scale == Math.rint(scale) ? String.format(Locale.ROOT, "%.0f", scale)
                : String.format(Locale.ROOT, "%.4g", scale), skipped, skipped == 1 ? "" : "s");
    }

    @Override
    public void waited(long step, DataShare share) {
        if (share.slowest() != advised) { // once for each stage; the log has every line's share
            advised = share.slowest();
            end();
            out.println(share.text());
            out.println("  to speed it up: " + share.advice(Runtime.getRuntime().availableProcessors()));
            out.flush();
        }
        note = "  " + share.text();
    }

    @Override
    public void evaluating(int epoch) {
        if (terminal) {
            show(String.format("epoch %d/%d  evaluating ...", epoch, epochs));
        }
    }

    @Override
    public void epoch(RunLog.Line e, boolean best) {
        end();
        out.printf(Locale.ROOT, "epoch %d/%d  step %d  train loss %.4f%s%s  %.0f images/s  %s%s%n", e.epoch(), epochs, e.step(), e.train_loss(),
                e.val_top1() == null ? "" : String.format(Locale.ROOT, "  val loss %.4f  top-1 %.2f %%  top-5 %.2f %%", e.val_loss(), e.val_top1(), e.val_top5()),
                e.val_ema_top1() == null ? "" : String.format(Locale.ROOT, "  averaged: loss %.4f  top-1 %.2f %%", e.val_ema_loss(), e.val_ema_top1()), e.images_per_second(),
                time(e.time()), best ? "  best" : "");
        out.flush();
    }

    /** Leaves the changing line, if there is one. */
    void end() {
        if (terminal && width > 0) {
            out.print("\r" + " ".repeat(width) + "\r");
            out.flush();
            width = 0;
        }
    }

    private void show(String line) {
        if (terminal) {
            out.print("\r" + line + " ".repeat(Math.max(width - line.length(), 0)));
            width = line.length();
        } else {
            out.println(line);
        }
        out.flush();
    }

    static String time(double seconds) {
        long s = Math.round(seconds);
        return s >= 3600 ? String.format("%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60) : String.format("%d:%02d", s / 60, s % 60);
    }
}
