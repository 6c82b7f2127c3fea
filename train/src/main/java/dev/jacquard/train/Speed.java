package dev.jacquard.train;

/** Pictures per second while training; evaluations and checkpoints, between {@link #pause} and {@link #start}, are not counted. */
final class Speed {
    /** The recent speed is a mean over about so many seconds. */
    private static final double WINDOW = 5;

    private long at;
    private boolean running;
    private double seconds;
    private double taken;
    private long images;
    private double recentSeconds;
    private double recentImages;

    void start() {
        at = System.nanoTime();
        running = true;
    }

    void pause() {
        if (running) {
            seconds += lap();
            running = false;
        }
    }

    private double lap() {
        long now = System.nanoTime();
        double s = (now - at) * 1e-9;
        at = now;
        return s;
    }

    void count(int n) {
        double s = lap();
        double keep = Math.exp(-s / WINDOW);
        seconds += s;
        images += n;
        recentSeconds = recentSeconds * keep + s;
        recentImages = recentImages * keep + n;
    }

    double recent() {
        return recentSeconds > 0 ? recentImages / recentSeconds : 0;
    }

    double overall() {
        return seconds > 0 ? images / seconds : 0;
    }

    /** Seconds since the last {@link #take}. */
    double unsaved() {
        return seconds - taken;
    }

    double take() {
        double s = unsaved();
        taken = seconds;
        return s;
    }
}
