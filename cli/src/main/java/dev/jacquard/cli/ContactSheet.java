package dev.jacquard.cli;

import dev.jacquard.data.RgbImage;
import dev.jacquard.tensor.EngineBugException;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import javax.imageio.ImageIO;

/**
 * Pictures in rows with lines of text below them, as one PNG or one HTML page that needs no other file. The same sheet has the same bytes.
 *
 * @param title  a line above all
 * @param side   height and width of a cell's place; larger pictures do not occur, smaller ones stand in its middle
 * @param rows   rows of cells
 */
record ContactSheet(String title, int side, List<List<Cell>> rows) {
    /** Small pictures are shown larger, each of their pixels as a square, so that there is something to see. */
    private static final int LEAST_SIDE = 192;

    private static final int GAP = 12;
    private static final int TEXT_SCALE = 2;
    private static final int LINE = PixelFont.LINE * TEXT_SCALE;
    private static final int PAPER = 0xFFFFFF;
    private static final int INK = 0x202020;
    private static final int FRAME = 0xE0E0E0;

    /**
     * A picture with its caption.
     *
     * @param picture what is shown
     * @param caption lines below it
     */
    record Cell(RgbImage picture, List<String> caption) {}

    /** Pixels of the sheet per pixel of a picture. */
    int scale() {
        return Math.max(1, Math.ceilDiv(LEAST_SIDE, side));
    }

    private int cellSide() {
        return side * scale();
    }

    /** Columns of the PNG. */
    int width() {
        return GAP + rows.stream().mapToInt(List::size).max().orElse(0) * (cellSide() + GAP);
    }

    /** Rows of the PNG. */
    int height() {
        return GAP + wrapped(title, width() - 2 * GAP).size() * LINE + rows.stream().mapToInt(this::height).sum();
    }

    private int height(List<Cell> row) {
        return cellSide() + GAP + row.stream().mapToInt(c -> lines(c).size()).max().orElse(0) * LINE + GAP;
    }

    private List<String> lines(Cell cell) {
        return cell.caption.stream().flatMap(l -> wrapped(l, cellSide()).stream()).toList();
    }

    /** A line cut into pieces that fit: at the last blank, else behind the last underscore, else anywhere. */
    private static List<String> wrapped(String line, int pixels) {
        int most = Math.max(1, pixels / (PixelFont.ADVANCE * TEXT_SCALE));
        List<String> pieces = new ArrayList<>();
        String rest = line;
        while (rest.length() > most) {
            int blank = rest.lastIndexOf(' ', most);
            int part = rest.lastIndexOf('_', most - 1) + 1; // file names have no blanks
            int cut = blank > 0 ? blank : part > 0 ? part : most;
            pieces.add(rest.substring(0, cut));
            rest = rest.substring(cut).stripLeading();
        }
        pieces.add(rest);
        return pieces;
    }

    /** The sheet as a PNG. */
    byte[] png() {
        BufferedImage sheet = new BufferedImage(width(), height(), BufferedImage.TYPE_INT_RGB);
        fill(sheet, 0, 0, sheet.getWidth(), sheet.getHeight(), PAPER);
        int y = GAP;
        y = write(sheet, GAP, y, wrapped(title, width() - 2 * GAP));
        for (List<Cell> row : rows) {
            int x = GAP;
            for (Cell cell : row) {
                fill(sheet, x, y, cellSide(), cellSide(), FRAME);
                RgbImage p = cell.picture;
                paint(sheet, x + (cellSide() - p.width() * scale()) / 2, y + (cellSide() - p.height() * scale()) / 2, p, scale());
                write(sheet, x, y + cellSide() + GAP / 2, lines(cell));
                x += cellSide() + GAP;
            }
            y += height(row);
        }
        return encoded(sheet);
    }

    private static int write(BufferedImage sheet, int x, int y, List<String> lines) {
        for (int i = 0; i < lines.size(); i++) {
            PixelFont.draw(sheet, x, y + i * LINE, lines.get(i), INK, TEXT_SCALE);
        }
        return y + lines.size() * LINE;
    }

    private static void fill(BufferedImage sheet, int x, int y, int width, int height, int rgb) {
        int[] line = new int[width];
        Arrays.fill(line, rgb);
        for (int row = y; row < y + height; row++) {
            sheet.setRGB(x, row, width, 1, line, 0, width);
        }
    }

    private static void paint(BufferedImage sheet, int x, int y, RgbImage p, int scale) {
        byte[] rgb = p.pixels();
        int[] line = new int[p.width() * scale];
        for (int row = 0; row < p.height() * scale; row++) {
            for (int column = 0; column < line.length; column++) {
                int i = (row / scale * p.width() + column / scale) * 3;
                line[column] = (rgb[i] & 255) << 16 | (rgb[i + 1] & 255) << 8 | rgb[i + 2] & 255;
            }
            sheet.setRGB(x, y + row, line.length, 1, line, 0, line.length);
        }
    }

    private static byte[] encoded(BufferedImage image) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            if (!ImageIO.write(image, "png", out)) {
                throw new EngineBugException("contact sheet", "this Java runtime writes no PNG", "no writer", "a runtime with java.desktop", "use a full JDK");
            }
        } catch (IOException e) {
            throw new EngineBugException("contact sheet", "a PNG in memory is not written", e.toString(), "no error", "report this", e);
        }
        return out.toByteArray();
    }

    /** The sheet as a page in HTML, pictures included. */
    byte[] html() {
        StringBuilder page = new StringBuilder("""
                <!DOCTYPE html>
                <html lang="en"><head><meta charset="utf-8"><title>%s</title><style>
                body { font: 13px/1.4 sans-serif; color: #202020; margin: 12px }
                td { vertical-align: top; padding: 0 12px 16px 0 }
                img { display: block; image-rendering: pixelated }
                div { width: %dpx; height: %dpx; background: #e0e0e0; display: flex; align-items: center; justify-content: center; margin-bottom: 4px }
                </style></head><body><p>%1$s</p><table>
                """.formatted(escaped(title), cellSide(), cellSide()));
        for (List<Cell> row : rows) {
            page.append("<tr>\n");
            for (Cell c : row) {
                BufferedImage picture = new BufferedImage(c.picture.width(), c.picture.height(), BufferedImage.TYPE_INT_RGB);
                paint(picture, 0, 0, c.picture, 1);
                page.append("<td><div><img width=\"%d\" height=\"%d\" alt=\"\" src=\"data:image/png;base64,%s\"></div>".formatted(c.picture.width() * scale(),
                        c.picture.height() * scale(), Base64.getEncoder().encodeToString(encoded(picture))));
                page.append(String.join("<br>", c.caption.stream().map(ContactSheet::escaped).toList())).append("</td>\n");
            }
            page.append("</tr>\n");
        }
        return page.append("</table></body></html>\n").toString().getBytes(StandardCharsets.UTF_8);
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
    }
}
