package dev.jacquard.cli;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * Another program that lives as long as a measurement, so that it and we can take turns. It is asked in lines and answers each with one: {@code ok ...} or {@code no reason}. Other
 * lines are passed over: libraries write to standard output, too, and an answer taken for the next question's would be a figure in the wrong row.
 */
public final class AskedProcess implements AutoCloseable {
    private static final String OK = "ok";
    private static final String NO = "no ";

    private final Duration patience;
    private final Process process;
    private final BufferedReader answers;
    private final BufferedWriter questions;

    /** What it says about what it cannot do, or that it is gone. */
    public static final class Refused extends Exception {
        private static final long serialVersionUID = 1;

        /** With its words. */
        public Refused(String why) {
            super(why);
        }
    }

    /** Starts it. @param patience time to answer in; if it takes longer, it is ended @throws IOException if there is no such program */
    public AskedProcess(ProcessBuilder program, Duration patience) throws IOException {
        this.patience = patience;
        process = program.start();
        answers = process.inputReader(StandardCharsets.UTF_8);
        questions = process.outputWriter(StandardCharsets.UTF_8);
    }

    /** Asks. @return what follows {@code ok} @throws Refused if the answer is no, or the process has ended */
    public String ask(String question) throws Refused {
        try {
            questions.write(question);
            questions.newLine();
            questions.flush();
        } catch (IOException e) {
            throw gone(e);
        }
        return answer();
    }

    /** What it says next, without being asked: as {@link #ask}. */
    String answer() throws Refused {
        Thread watch = Thread.ofVirtual().start(this::endLater); // a read from a process cannot be given a limit
        try {
            String line = answers.readLine();
            while (line != null && !line.equals(OK) && !line.startsWith(OK + " ") && !line.startsWith(NO)) {
                line = answers.readLine();
            }
            if (line == null) {
                throw new Refused("the process has ended");
            }
            if (line.startsWith(NO)) {
                throw new Refused(line.substring(NO.length()));
            }
            return line.substring(OK.length()).strip();
        } catch (IOException e) {
            throw gone(e);
        } finally {
            watch.interrupt();
        }
    }

    private static Refused gone(IOException e) {
        return new Refused("the process is gone: " + e.getMessage());
    }

    private void endLater() {
        try {
            Thread.sleep(patience);
            end();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // it has answered
        }
    }

    /** With the processes that it has started, compilers and loaders of data: they hold the pipe that is read from. */
    private void end() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
    }

    /** The process as the system sees it. */
    public ProcessHandle handle() {
        return process.toHandle();
    }

    /** Asks no more, which it understands as the end, and ends it if it does not. */
    @Override
    public void close() {
        try {
            questions.close();
            if (!process.waitFor(5, TimeUnit.SECONDS)) {
                end();
            }
        } catch (IOException e) {
            end();
        } catch (InterruptedException e) {
            end();
            Thread.currentThread().interrupt();
        }
    }
}
