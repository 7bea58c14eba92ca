package io.sharedip;

import org.jspecify.annotations.Nullable;

/**
 * What was asked for cannot be: a setting, a rule, a forward or a binding is malformed or contradicts another one. Nothing
 * has been changed when it is thrown.
 */
public class ConfigurationException extends SharedIpException {

    private static final long serialVersionUID = 1L;

    /**
     * Makes an exception out of its parts.
     *
     * @param setting the setting concerned, as the user knows it
     * @param value the value that is refused, or {@code null} if the setting is missing
     * @param problem what is wrong, without a full stop
     * @param cure what to do about it
     */
    public ConfigurationException(String setting, @Nullable String value, String problem, String cure) {
        super(setting, value, problem, cure, null);
    }
}
