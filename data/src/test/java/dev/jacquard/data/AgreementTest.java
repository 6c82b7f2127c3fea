package dev.jacquard.data;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.jacquard.data.OperationRules.Arithmetic;
import dev.jacquard.data.OperationRules.Outside;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;

/**
 * Every operation at every level, both ways, to the bit: with Pillow's arithmetic against Pillow, with TensorFlow's against a transcription of its program's formulas. The check
 * sums are made by src/test/scripts/make_agreement_fixture.py. Cutout is no function of Pillow: see {@link OperationsTest}.
 */
class AgreementTest {
    /** Columns of a case. */
    private static final int PATTERNS = 4;

    private static final int PHOTOS = 5;

    private final Canvas canvas = new Canvas();
    private final List<String[]> photos = new ArrayList<>();
    private final List<String[]> cases = new ArrayList<>();

    AgreementTest() {
        new String(TestImages.resource("agreement.txt"), StandardCharsets.UTF_8).lines().map(l -> l.split(" ")).forEach(l -> (l[0].equals("photo") ? photos : cases).add(l));
    }

    @Test
    void allOperationsAtAllLevelsOnPicturesMadeHere() {
        assertAgreement(List.of(TestImages.pattern(224, 200), smooth(224, 200), smooth(61, 97)), PATTERNS);
    }

    @Test
    void allOperationsAtAllLevelsOnPhotographs() {
        List<RgbImage> pictures = new ArrayList<>();
        try (ImageSource source = ImageSource.open(SharedData.require("photos.tar")); ImageDecoder decoder = new ImageDecoder()) {
            for (String[] photo : photos) {
                int i = 0;
                while (!source.name(i).endsWith("!" + photo[1])) {
                    i++;
                }
                RgbImage picture = middle(decoder.decode(source.bytes(i), photo[1]));
                assertEquals(Long.parseLong(photo[2], 16), crc(new CRC32(), picture.pixels(), picture.pixels().length), photo[1] + " is decoded otherwise than by Pillow");
                pictures.add(picture);
            }
        }
        assertEquals(20, pictures.size());
        assertAgreement(pictures, PHOTOS);
    }

    @Test
    void theFixtureHasEveryOperationAtElevenLevelsBothWays() {
        Set<Operation> unlevelled = EnumSet.of(Operation.AUTO_CONTRAST, Operation.EQUALIZE, Operation.INVERT);
        for (Operation o : EnumSet.complementOf(EnumSet.of(Operation.CUTOUT))) {
            for (Arithmetic a : Arithmetic.values()) {
                long levels = cases.stream().filter(c -> c[0].equals(a.name()) && c[1].equals("FILL") && c[2].equals(o.name()) && Math.abs(Integer.parseInt(c[3])) <= 10).count();
                assertEquals(unlevelled.contains(o) ? 1 : o.hasDirection() ? 21 : 11, levels, a + " " + o);
            }
        }
    }

    private void assertAgreement(List<RgbImage> pictures, int column) {
        List<String> different = new ArrayList<>();
        for (String[] c : cases) {
            OperationRules rules = new OperationRules(Arithmetic.valueOf(c[0]), 250, 0, Outside.valueOf(c[1]));
            CRC32 crc = new CRC32();
            for (RgbImage picture : pictures) {
                canvas.reset(picture.width(), picture.height());
                System.arraycopy(picture.pixels(), 0, canvas.pixels(), 0, canvas.length());
                Operation.valueOf(c[2]).apply(canvas, Double.parseDouble(c[3]), rules, null);
                crc(crc, canvas.pixels(), canvas.length());
            }
            if (crc.getValue() != Long.parseLong(c[column], 16)) {
                different.add(String.join(" ", List.of(c).subList(0, PATTERNS)));
            }
        }
        assertEquals(List.of(), different, different.size() + " of " + cases.size() + " cases differ");
    }

    private static long crc(CRC32 crc, byte[] bytes, int length) {
        crc.update(bytes, 0, length);
        return crc.getValue();
    }

    /** The middle of a picture, at most 224 x 200 of it. */
    private static RgbImage middle(RgbImage all) {
        int width = Math.min(all.width(), 224);
        int height = Math.min(all.height(), 200);
        byte[] pixels = new byte[width * height * 3];
        for (int y = 0; y < height; y++) {
            int from = (all.height() - height) / 2 + y;
            System.arraycopy(all.pixels(), (from * all.width() + (all.width() - width) / 2) * 3, pixels, y * width * 3, width * 3);
        }
        return new RgbImage(width, height, pixels);
    }

    /** The other picture of make_agreement_fixture.py. */
    private static RgbImage smooth(int width, int height) {
        byte[] pixels = new byte[width * height * 3];
        for (int y = 0, t = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                pixels[t++] = (byte) (30 + x * 150 / width);
                pixels[t++] = (byte) (220 - y * 180 / height);
                pixels[t++] = (byte) ((x * 5 + y * 3) / 4 % 256);
            }
        }
        return new RgbImage(width, height, pixels);
    }
}
