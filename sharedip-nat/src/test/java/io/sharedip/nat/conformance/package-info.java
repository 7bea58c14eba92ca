/** The rows of the contract, and what a test run writes about them: {@code docs/conformance.md}. */
@NullMarked
package io.sharedip.nat.conformance;

import org.jspecify.annotations.NullMarked;
