package dev.jacquard.train;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * What there is to know about a setting besides its type: written once, at the component of {@link TrainConfig} that holds it. Flags, help, checks, {@code config.json}, recipes
 * and what {@code --dry-run} prints are derived from it ({@link Settings}).
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface Setting {
    /** Key in recipes and in {@code config.json}; the flag is this behind two dashes. */
    String name();

    /** Default as text; empty for a text that is not there. An architecture's own value and a recipe go before it. */
    String value();

    /** One sentence for {@code --help}. */
    String help();

    /** Values allowed as an interval, such as {@code [0, 1)} or {@code [1, )}; empty for any. */
    String range() default "";

    /** Other flags of the same meaning, as users of the published systems know them. */
    String[] aliases() default {};

    /** Flags without a value that stand for one of this setting's, such as {@code --decay-all=all}. */
    String[] shorthands() default {};

    /** What the flag stands for if no value follows it; empty if one must. */
    String bare() default "";

    /** Whether a resumed run may have another value: where things are, and what does not change the numbers. */
    boolean mayChange() default false;
}
