package io.sharedip.nat.conformance;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Under which setting a test proves its rows, where the page cannot tell: it reads the settings of the gateways that a
 * {@link io.sharedip.testing.GatewayRig} builds by itself. So a test of a part, or one that makes its gateways otherwise, must have it; on
 * any other one it stands before what was read. On a method it replaces that of its class.
 */
@Target({ElementType.METHOD, ElementType.TYPE})
@Retention(RetentionPolicy.RUNTIME)
public @interface Setting {

    /** The setting. @return e.g. {@code "the port allocator by itself"} */
    String value();
}
