package dev.jacquard.cli;

import dev.jacquard.tensor.EngineBugException;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Letters of 5 x 8 pixels for captions. Java's own need fonts that servers and containers do not have, and look different on every machine. The letters, ASCII 32 to 126, are
 * drawn in font5x8.txt: nineteen beside each other, a blank column between them.
 */
final class PixelFont {
    /** Columns from one letter to the next, at scale 1. */
    static final int ADVANCE = 6;
    /** Rows from one line to the next, at scale 1. */
    static final int LINE = 10;

    private static final int ROWS = 8;
    private static final int COLUMNS = 5;
    private static final int PER_BAND = 19;
    private static final List<String> SHEET = read();

    private PixelFont() {}

    private static List<String> read() {
        try (InputStream in = PixelFont.class.getResourceAsStream("font5x8.txt")) {
            return new String(in.readAllBytes(), StandardCharsets.US_ASCII).lines().toList();
        } catch (IOException e) {
            throw new EngineBugException("captions", "the font cannot be read", e.toString(), "font5x8.txt in the jar", "build again", e);
        }
    }

    /**
     * Writes a line; what is not ASCII becomes a question mark, what lies outside the image is not drawn.
     *
     * @param x     left edge of the first letter
     * @param y     upper edge of the letters
     * @param scale pixels of the image per pixel of the font
     */
    static void draw(BufferedImage image, int x, int y, String text, int rgb, int scale) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i) >= ' ' && text.charAt(i) <= '~' ? text.charAt(i) : '?';
            for (int row = 0; row < ROWS; row++) {
                for (int column = 0; column < COLUMNS; column++) {
                    if (inked(c, row, column)) {
                        fill(image, x + (i * ADVANCE + column) * scale, y + row * scale, scale, rgb);
                    }
                }
            }
        }
    }

    /** Whether a letter is black there. */
    static boolean inked(char c, int row, int column) {
        int number = c - ' ';
        String line = SHEET.get(number / PER_BAND * ROWS + row);
        int at = number % PER_BAND * ADVANCE + column;
        return at < line.length() && line.charAt(at) == '#';
    }

    private static void fill(BufferedImage image, int x, int y, int side, int rgb) {
        for (int row = Math.max(y, 0); row < Math.min(y + side, image.getHeight()); row++) {
            for (int column = Math.max(x, 0); column < Math.min(x + side, image.getWidth()); column++) {
                image.setRGB(column, row, rgb);
            }
        }
    }
}
