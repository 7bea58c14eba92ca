package io.sharedip;

import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The root of everything sharedip throws on purpose.
 *
 * <p>The message is one sentence made of the parts below, fit to be shown to a person; programs read the parts through the
 * accessors. Subclasses say where the trouble lies: in what was asked for ({@link ConfigurationException}), in a link
 * ({@link LinkException}), in a port that the host holds ({@link PortClaimException}), in a snapshot ({@link SnapshotException}) or in a
 * gateway that no longer runs ({@link GatewayClosedException}).
 */
public class SharedIpException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** See {@link #setting()}. */
    private final @Nullable String setting;

    /** See {@link #value()}. */
    private final @Nullable String value;

    /** See {@link #problem()}. */
    private final String problem;

    /** See {@link #cure()}. */
    private final @Nullable String cure;

    /**
     * Makes an exception out of its parts.
     *
     * @param setting the setting concerned, as the user knows it, or {@code null} if none is
     * @param value the value it had, or {@code null} if it had none
     * @param problem what is wrong, without a full stop
     * @param cure what to do about it, or {@code null} if nothing can be advised
     * @param cause the failure underneath, or {@code null}
     */
    protected SharedIpException(
            @Nullable String setting,
            @Nullable String value,
            String problem,
            @Nullable String cure,
            @Nullable Throwable cause) {
        super(sentence(setting, value, problem, cure), cause);
        this.setting = setting;
        this.value = value;
        this.problem = Objects.requireNonNull(problem, "problem");
        this.cure = cure;
    }

    private static String sentence(
            @Nullable String setting, @Nullable String value, String problem, @Nullable String cure) {
        StringBuilder s = new StringBuilder();
        if (setting != null) {
            s.append(setting).append(": ");
        }
        if (value != null) {
            s.append('\'').append(value).append("' ");
        }
        s.append(problem);
        if (cure != null) {
            s.append("; ").append(cure);
        }
        return s.toString();
    }

    /**
     * The setting that caused the error.
     *
     * @return its name as the user knows it, empty if no setting is concerned
     */
    public Optional<String> setting() {
        return Optional.ofNullable(setting);
    }

    /**
     * The value that was refused.
     *
     * @return its text, empty if there was none
     */
    public Optional<String> value() {
        return Optional.ofNullable(value);
    }

    /**
     * What is wrong, without setting, value and cure.
     *
     * @return a part of a sentence
     */
    public String problem() {
        return problem;
    }

    /**
     * What to do about it.
     *
     * @return an advice, empty if there is none
     */
    public Optional<String> cure() {
        return Optional.ofNullable(cure);
    }
}
