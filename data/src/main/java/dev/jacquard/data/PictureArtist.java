package dev.jacquard.data;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.GradientPaint;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.Shape;
import java.awt.geom.AffineTransform;
import java.awt.geom.Area;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Line2D;
import java.awt.geom.Path2D;
import java.awt.geom.Rectangle2D;
import java.awt.image.BufferedImage;
import java.awt.image.DataBufferByte;

/** Draws one picture of the built-in data set: ground, clutter, figure, noise. All chance comes from the given generator. */
final class PictureArtist {
    private PictureArtist() {}

    /** A picture (size, size) of the class; {@code random} stands at the start of the picture's stream. */
    static BufferedImage draw(String className, int size, SampleRandom random) {
        BufferedImage image = new BufferedImage(size, size, BufferedImage.TYPE_3BYTE_BGR);
        Graphics2D g = image.createGraphics();
        g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        g.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
        Color ground = color(random);
        Color figure = contrasting(ground, random);
        paintGround(g, size, ground, figure, random);
        Shape shape = place(unitShape(className, random), size, random);
        g.setColor(figure);
        g.fill(shape);
        if (random.nextDouble() < 0.4) {
            outline(g, shape, ground, random);
        }
        g.dispose();
        addNoise(image, random.uniform(0, 14), random);
        return image;
    }

    /** Ground of one colour or of two near ones, and clutter whose colours stay nearer to the ground than the figure's. */
    private static void paintGround(Graphics2D g, int size, Color ground, Color figure, SampleRandom random) {
        Color other = mix(ground, color(random), 0.2);
        if (random.nextDouble() < 0.5) {
            double angle = random.uniform(0, 2 * Math.PI);
            float dx = (float) (Math.cos(angle) * size / 2);
            float dy = (float) (Math.sin(angle) * size / 2);
            g.setPaint(new GradientPaint(size / 2f - dx, size / 2f - dy, ground, size / 2f + dx, size / 2f + dy, other));
        } else {
            g.setPaint(ground);
        }
        g.fillRect(0, 0, size, size);
        for (int i = random.nextInt(5); i > 0; i--) {
            g.setColor(mix(mix(ground, color(random), 0.25), figure, random.uniform(0, 0.15)));
            double x = random.uniform(-5, size);
            double y = random.uniform(-5, size);
            if (random.nextDouble() < 0.5) {
                g.setStroke(new BasicStroke((float) random.uniform(1, 3)));
                g.draw(new Line2D.Double(x, y, random.uniform(-5, size + 5), random.uniform(-5, size + 5)));
            } else {
                double w = random.uniform(3, size * 0.5);
                double h = random.uniform(3, size * 0.5);
                g.fill(random.nextDouble() < 0.5 ? new Ellipse2D.Double(x, y, w, h) : new Rectangle2D.Double(x, y, w, h));
            }
        }
    }

    /** A thin line around the figure, whole or dashed, in a colour of its own that does not hide it. */
    private static void outline(Graphics2D g, Shape shape, Color ground, SampleRandom random) {
        float width = (float) random.uniform(0.7, 1.5);
        float[] dash = random.nextDouble() < 0.3 ? new float[] {3, 2} : null;
        g.setStroke(new BasicStroke(width, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 10, dash, 0));
        g.setColor(contrasting(ground, random));
        g.draw(shape);
    }

    /** Turns, squeezes, scales and moves a figure of radius 1 so that nearly all of it is inside. */
    private static Shape place(Shape unit, int size, SampleRandom random) {
        double radius = size * random.uniform(0.25, 0.42);
        double slack = size * 0.46 - radius;
        AffineTransform t = new AffineTransform();
        t.translate(size / 2.0 + random.uniform(-slack, slack), size / 2.0 + random.uniform(-slack, slack));
        t.rotate(random.uniform(0, 2 * Math.PI));
        t.scale(radius, radius * random.uniform(0.85, 1));
        t.rotate(random.uniform(0, 2 * Math.PI));
        return t.createTransformedShape(unit);
    }

    private static Shape unitShape(String className, SampleRandom random) {
        return switch (className) {
            case "checkerboard" -> checkerboard(3 + random.nextInt(2));
            case "circle" -> new Ellipse2D.Double(-0.9, -0.9, 1.8, 1.8);
            case "crescent" -> crescent(random.uniform(0.35, 0.6));
            case "cross" -> cross(random.uniform(0.2, 0.32));
            case "heart" -> heart();
            case "ring" -> ring(random.uniform(0.45, 0.65));
            case "square" -> new Rectangle2D.Double(-0.75, -0.75, 1.5, 1.5);
            case "star" -> polygon(10, random.uniform(0.38, 0.5));
            case "stripes" -> stripes(3 + random.nextInt(2));
            case "triangle" -> polygon(6, 0.5);
            default -> throw new IllegalArgumentException(className);
        };
    }

    /** Corners in turn at radius 1 and at {@code inner}: five-pointed star with 10 corners; 6 corners at 1/2 make a triangle. */
    private static Shape polygon(int corners, double inner) {
        Path2D path = new Path2D.Double();
        for (int i = 0; i < corners; i++) {
            double radius = i % 2 == 0 ? 1 : inner;
            double x = radius * Math.cos(2 * Math.PI * i / corners);
            double y = radius * Math.sin(2 * Math.PI * i / corners);
            if (i == 0) {
                path.moveTo(x, y);
            } else {
                path.lineTo(x, y);
            }
        }
        path.closePath();
        return path;
    }

    private static Shape checkerboard(int cells) {
        Area area = new Area();
        double cell = 1.7 / cells;
        for (int y = 0; y < cells; y++) {
            for (int x = y % 2; x < cells; x += 2) {
                area.add(new Area(new Rectangle2D.Double(-0.85 + x * cell, -0.85 + y * cell, cell, cell)));
            }
        }
        return area;
    }

    private static Shape stripes(int bars) {
        Area area = new Area();
        double step = 1.7 / (2 * bars - 1);
        for (int i = 0; i < bars; i++) {
            area.add(new Area(new Rectangle2D.Double(-0.85, -0.85 + 2 * i * step, 1.7, step)));
        }
        return area;
    }

    private static Shape crescent(double shift) {
        Area area = new Area(new Ellipse2D.Double(-0.95, -0.95, 1.9, 1.9));
        area.subtract(new Area(new Ellipse2D.Double(-0.85 + shift, -0.85, 1.7, 1.7)));
        return area;
    }

    private static Shape cross(double half) {
        Area area = new Area(new Rectangle2D.Double(-1, -half, 2, 2 * half));
        area.add(new Area(new Rectangle2D.Double(-half, -1, 2 * half, 2)));
        return area;
    }

    private static Shape heart() {
        Path2D path = new Path2D.Double();
        path.moveTo(0, 0.95);
        path.curveTo(-1.5, -0.1, -0.8, -1.3, 0, -0.4);
        path.curveTo(0.8, -1.3, 1.5, -0.1, 0, 0.95);
        path.closePath();
        return path;
    }

    private static Shape ring(double hole) {
        Area area = new Area(new Ellipse2D.Double(-0.95, -0.95, 1.9, 1.9));
        area.subtract(new Area(new Ellipse2D.Double(-hole, -hole, 2 * hole, 2 * hole)));
        return area;
    }

    private static Color color(SampleRandom random) {
        return new Color(random.nextInt(256), random.nextInt(256), random.nextInt(256));
    }

    /** A colour that differs enough in brightness or hue to be seen on the ground. */
    private static Color contrasting(Color ground, SampleRandom random) {
        while (true) {
            Color c = color(random);
            int red = c.getRed() - ground.getRed();
            int green = c.getGreen() - ground.getGreen();
            int blue = c.getBlue() - ground.getBlue();
            if (3 * red * red + 6 * green * green + blue * blue > 10 * 100 * 100) {
                return c;
            }
        }
    }

    private static Color mix(Color a, Color b, double part) {
        return new Color(mix(a.getRed(), b.getRed(), part), mix(a.getGreen(), b.getGreen(), part), mix(a.getBlue(), b.getBlue(), part));
    }

    private static int mix(int a, int b, double part) {
        return (int) Math.round(a + (b - a) * part);
    }

    private static void addNoise(BufferedImage image, double sigma, SampleRandom random) {
        byte[] pixels = ((DataBufferByte) image.getRaster().getDataBuffer()).getData();
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = (byte) Math.clamp(Math.round((pixels[i] & 0xFF) + sigma * random.gaussian()), 0, 255);
        }
    }
}
