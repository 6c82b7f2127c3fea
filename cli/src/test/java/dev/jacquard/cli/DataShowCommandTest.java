package dev.jacquard.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.data.RgbImage;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataShowCommandTest {
    @TempDir
    private Path folder;

    private record Result(int code, String out, String err) {}

    private Result show(Path file, String... flags) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        String[] args = new String[flags.length + 4];
        System.arraycopy(new String[] {"data", "show", "--out", file.toString()}, 0, args, 0, 4);
        System.arraycopy(flags, 0, args, 4, flags.length);
        return new Result(Main.run(args, new PrintWriter(out), new PrintWriter(err)), out.toString(), err.toString());
    }

    private byte[] sheet(String name, String... flags) throws IOException {
        Path file = folder.resolve(name);
        Result r = show(file, flags);
        assertEquals(0, r.code, r.err);
        assertTrue(r.out.startsWith(file.toString()), r.out);
        return Files.readAllBytes(file);
    }

    @Test
    void aSheetHasARowPerPictureAndAColumnPerDraw() throws IOException {
        for (String policy : new String[] {"none", "autoaugment", "randaugment"}) {
            BufferedImage sheet = ImageIO.read(new ByteArrayInputStream(sheet("sheet.png", "--images", "3", "--draws", "4", "--size", "48", "--policy", policy)));
            assertEquals(12 + 5 * (4 * 48 + 12), sheet.getWidth(), "five cells of 48 pixels, each shown as four by four");
            assertTrue(sheet.getHeight() > 3 * (4 * 48 + 20) && sheet.getHeight() < 3 * (4 * 48 + 200), "three rows and their captions: " + sheet.getHeight());
            assertTrue(colours(sheet) > 200, "pictures");
        }
    }

    private static long colours(BufferedImage image) {
        return Arrays.stream(image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth())).distinct().count();
    }

    @Test
    void theSameSeedGivesTheSameBytes() throws IOException {
        for (String kind : new String[] {"png", "html"}) {
            String[] flags = {"--images", "4", "--draws", "3", "--size", "32", "--policy", "autoaugment", "--seed", "7"};
            byte[] first = sheet("a." + kind, flags);
            assertArrayEquals(first, sheet("b." + kind, flags));
            flags[flags.length - 1] = "8";
            assertFalse(Arrays.equals(first, sheet("c." + kind, flags)), "another seed, other draws");
        }
    }

    @Test
    void aPageHoldsItsPicturesAndSaysWhatWasDone() throws IOException {
        String page = new String(sheet("sheet.html", "--images", "5", "--draws", "7", "--size", "32", "--policy", "autoaugment"), StandardCharsets.UTF_8);
        Matcher m = Pattern.compile("src=\"data:image/png;base64,([^\"]+)\"").matcher(page);
        int pictures = 0;
        for (; m.find(); pictures++) {
            BufferedImage picture = ImageIO.read(new ByteArrayInputStream(Base64.getDecoder().decode(m.group(1))));
            assertEquals(32, picture.getWidth());
        }
        assertEquals(5 * 8, pictures);
        assertFalse(page.contains("http"), "one file, nothing is fetched");
        assertTrue(page.contains("sub-policy ") && page.contains("mirrored") && page.contains("40x40, no. 1600") && page.contains("Equalize"),
                page.replaceAll("base64,[^\"]+", ""));
        assertTrue(Pattern.compile("(Rotate|ShearX|ShearY|TranslateY) -?\\d").matcher(page).find());
    }

    @Test
    void settingsOfRecipesAreThoseOfTheSheet() {
        Result r = show(folder.resolve("b4.png"), "--recipe", "pytorch/efficientnet-b4/a100-amp", "--generated-images", "10", "--images", "1", "--draws", "1");
        assertEquals(0, r.code, r.err);
        assertTrue(r.out.contains("augmentation autoaugment (pillow, fill)") && r.out.contains("bicubic, 380 px") && r.out.contains("mixup and cutmix"), r.out);
    }

    @Test
    void whatCannotBeDrawnIsRefusedInOneLine() {
        for (String[] c : new String[][] {{"x.gif", "--images 1", "--out: unknown kind"}, {"x.png", "--images 0", "data show: "}, {"x.png", "--draws -1", "data show: "},
                {"x.png", "--images 5000 --draws 100", "data show: "}, {"x.png", "--size 4096 --images 10", "data show: "},
                {"x.png", "--policy no", "--augmentation: no such value"},
                {"x.png", "--data synthetic", "preview: nothing to look at"}, {"x.png", "--data " + folder + "/nothing", ""}, {"x.png", "--batch 3", ""}}) {
            Result r = show(folder.resolve(c[0]), c[1].split(" "));
            assertEquals(2, r.code, c[1]);
            assertTrue(r.err.startsWith("error: " + c[2]) && r.err.indexOf('\n') == r.err.length() - 1, c[1] + ": " + r.err);
            assertFalse(Files.exists(folder.resolve(c[0])), c[1]);
        }
    }

    @Test
    void longCaptionsAreWrappedAndStrangeLettersAreMarked() throws IOException {
        RgbImage black = new RgbImage(200, 100, new byte[200 * 100 * 3]);
        ContactSheet one = new ContactSheet("t", 200, List.of(List.of(new ContactSheet.Cell(black, List.of("short")))));
        ContactSheet three = new ContactSheet("t", 200, List.of(List.of(new ContactSheet.Cell(black, List.of("first and second line", "n".repeat(20), "\u00e9 & <b>")))));
        assertEquals(one.height() + 4 * 20, three.height(), "a word that is too long, and a line that is too long for 16 letters, take five lines");
        assertEquals(three.height(), ImageIO.read(new ByteArrayInputStream(three.png())).getHeight());
        String page = new String(three.html(), StandardCharsets.UTF_8);
        assertTrue(page.contains("\u00e9 &amp; &lt;b&gt;") && !page.contains("<b>"), page);
    }

    @Test
    void everyLetterIsDrawnAndNoTwoAlike() {
        List<String> glyphs = new ArrayList<>();
        for (char c = '!'; c <= '~'; c++) {
            StringBuilder glyph = new StringBuilder();
            for (int i = 0; i < 40; i++) {
                glyph.append(PixelFont.inked(c, i / 5, i % 5) ? '#' : ' ');
            }
            assertFalse(glyph.toString().isBlank(), "letter " + c);
            glyphs.add(glyph.toString());
        }
        assertEquals(94, glyphs.stream().distinct().count());
    }
}
