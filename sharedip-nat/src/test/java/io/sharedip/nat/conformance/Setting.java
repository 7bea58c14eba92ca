package io.sharedip.nat.conformance;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Under which setting a test proves its rows, in words of the manual: {@code "filtering: endpoint-independent"}. On a method it
 * replaces that of its class; without any, the page shows the row's default setting.
 */
@Target({ElementType.METHOD, ElementType.TYPE})
@Retention(RetentionPolicy.RUNTIME)
public @interface Setting {

    /** The setting. @return e.g. {@code "half-open timeout 240 s"} */
    String value();
}
