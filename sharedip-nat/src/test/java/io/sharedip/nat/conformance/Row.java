package io.sharedip.nat.conformance;

import java.util.List;
import java.util.regex.Pattern;

/**
 * One row of the contract.
 *
 * @param token by which test names refer to it, e.g. {@code rfc4787_req1}
 * @param section heading it stands under
 * @param label as people write it, e.g. {@code RFC 4787 REQ-1}
 * @param requirement in a sentence
 * @param settings the row is about, by the names of {@link SettingsSeen}; the page has their values in any case
 */
record Row(String token, String section, String label, String requirement, List<String> settings) {

    /** Whether a test's name begins with the row's token, or has it after another one and "and". */
    boolean isNamedBy(String method) {
        return Pattern.compile("(^|_and_)" + token + "(_|$)").matcher(method).find();
    }
}
