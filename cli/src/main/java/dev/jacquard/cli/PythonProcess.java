package dev.jacquard.cli;

import java.io.IOException;
import java.io.Writer;
import java.util.concurrent.TimeUnit;

/** How a Python process that answers questions is ended. */
final class PythonProcess {
    private PythonProcess() {}

    /** Asks no more, which it understands as the end, and ends it if it does not. */
    static void close(Process process, Writer questions) {
        try {
            questions.close();
            if (!process.waitFor(5, TimeUnit.SECONDS)) {
                end(process);
            }
        } catch (IOException e) {
            end(process);
        } catch (InterruptedException e) {
            end(process);
            Thread.currentThread().interrupt();
        }
    }

    /** With the processes that it has started, compilers and loaders of data: they hold the pipe that is read from. */
    static void end(Process process) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
    }
}
