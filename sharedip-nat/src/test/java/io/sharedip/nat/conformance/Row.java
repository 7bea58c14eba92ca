package io.sharedip.nat.conformance;

import java.util.regex.Pattern;

/**
 * One row of the contract.
 *
 * @param token by which test names refer to it, e.g. {@code rfc4787_req1}
 * @param section heading it stands under
 * @param label as people write it, e.g. {@code RFC 4787 REQ-1}
 * @param requirement in a sentence
 * @param setting under which it holds unless a test says otherwise
 */
record Row(String token, String section, String label, String requirement, String setting) {

    /** Whether a test's name carries the row's token, as whole words between underscores. */
    boolean isNamedBy(String method) {
        return Pattern.compile("(^|_)" + token + "(_|$)").matcher(method).find();
    }
}
