package dev.jacquard.bench.peers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.bench.peers.Piece.Work;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The questions, the answers and the files of bench/peers, with peers that are shell scripts. */
class PeersTest {
    @TempDir
    Path folder;

    @Test
    void differencesOfAnswers() {
        assertEquals(0.25, Contest.difference(new float[] {1, -4}, new float[] {2, -4}));
        assertEquals(Double.POSITIVE_INFINITY, Contest.difference(new float[] {1}, new float[] {Float.NaN}));
        assertEquals(Double.POSITIVE_INFINITY, Contest.difference(new float[] {1}, new float[] {1, 1}));
        assertEquals(0, Contest.difference(new float[2], new float[2]));
    }

    @Test
    void flopsAreThoseOfThePublishedNetworks() {
        assertEquals(4.089, new Piece(Work.INFER, "resnet50", 1, 224).flops() / 2e9, 0.001);
        assertEquals(0.386, new Piece(Work.INFER, "efficientnet-b0", 1, 224).flops() / 2e9, 0.002);
        assertEquals(3 * 16 * 4.089, new Piece(Work.TRAIN, "resnet50", 16, 224).flops() / 2e9, 0.05);
    }

    /** Answers everything; its calls take the milliseconds given. */
    private Contender script(String name, String ms, String answer) {
        String shell = """
                while read -r question a b; do
                    case $question in
                        hello) echo "noise of a library"; echo "ok %s 1.0" ;;
                        time) echo "ok %s" ;;
                        answer) printf '%s' > "$a"; echo ok ;;
                        prepare) echo ok ;;
                        *) echo "no such question" ;;
                    esac
                done
                """.formatted(name, ms, answer);
        return new Contender(name, List.of("sh", "-c", shell), Map.of(), Set.of(Work.INFER));
    }

    private List<Map<String, String>> contest(ByteArrayOutputStream out, Contender... contenders) throws IOException, InterruptedException {
        Contest.Settings settings = new Contest.Settings(1, 2, 0.01, folder);
        return new Contest(new Piece(Work.INFER, "resnet50", 1, 224), new Material(folder), settings, new PrintStream(out, true, StandardCharsets.UTF_8)).run(List.of(contenders));
    }

    @Test
    void peersTakeTurns() throws IOException, InterruptedException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        String one = "\\000\\000\\200\\077"; // 1.0f
        Contender broken = new Contender("broken", List.of("sh", "-c", "read -r x; echo no luck"), Map.of(), Set.of(Work.INFER));
        Contender trainer = new Contender("trainer", List.of("false"), Map.of(), Set.of(Work.TRAIN));
        List<Map<String, String>> rows = contest(out, script("jacquard", "10 30 20", one), script("other", "50", "\\000\\000\\000\\100"), broken, trainer);
        assertEquals(List.of("jacquard", "other"), rows.stream().map(r -> r.get("engine")).toList());
        assertEquals("20.00", rows.get(0).get("ms"));
        assertEquals("2.50", rows.get(1).get("jacquard_is_x_as_fast"));
        assertEquals("1.0e+00", rows.get(1).get("answer_difference"));
        String text = out.toString(StandardCharsets.UTF_8);
        assertTrue(text.contains("other: other 1.0; answers differ by 1.0e+00, MORE THAN") && text.contains("broken: not run: luck"), text);
    }
}
