package dev.jacquard.cli;

/** The entry point of {@code ./jacquard}. */
public final class Main {
    private Main() {}

    /** Prints the version. */
    public static void main(String[] args) {
        System.out.println("jacquard " + Main.class.getPackage().getImplementationVersion());
    }
}
