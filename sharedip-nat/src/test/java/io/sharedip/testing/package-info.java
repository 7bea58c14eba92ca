/**
 * Fixtures for tests of whatever embeds sharedip: a clock that stands still, a builder and a checker of packets, a link that loses,
 * doubles and breaks frames, and a gateway on memory links with its surroundings. They depend on no test framework.
 */
@NullMarked
package io.sharedip.testing;

import org.jspecify.annotations.NullMarked;
