package dev.jacquard.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.jacquard.cli.AskedProcess.Refused;
import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Questions and answers, with a shell that answers. */
class AskedProcessTest {
    private static AskedProcess shell(String script, Duration patience) throws IOException {
        return new AskedProcess(new ProcessBuilder("sh", "-c", script), patience);
    }

    @Test
    void eachQuestionHasItsOwnAnswer() throws IOException, Refused {
        String script = """
                echo okay, a library is here; echo ok ready
                while read -r q; do
                    case $q in
                        add) echo noise; echo ok 3 4; echo noise ;;
                        nothing) echo ok ;;
                        *) echo no such question ;;
                    esac
                done""";
        try (AskedProcess p = shell(script, Duration.ofMinutes(1))) {
            assertEquals("ready", p.answer());
            assertEquals("3 4", p.ask("add"));
            assertEquals("", p.ask("nothing"));
            assertEquals("such question", assertThrows(Refused.class, () -> p.ask("what")).getMessage());
            assertEquals("3 4", p.ask("add"), "it goes on after a no");
        }
    }

    @Test
    void whoEndsOrIsTooSlowIsNotAskedAgain() throws IOException {
        try (AskedProcess p = shell("read -r q; exit 3", Duration.ofMinutes(1))) {
            assertEquals("the process has ended", assertThrows(Refused.class, () -> p.ask("a")).getMessage());
            assertThrows(Refused.class, () -> p.ask("b"));
        }
        try (AskedProcess p = shell("sleep 600", Duration.ofMillis(100))) {
            assertThrows(Refused.class, () -> p.ask("a"));
            p.handle().onExit().join();
            assertFalse(p.handle().isAlive());
        }
    }
}
