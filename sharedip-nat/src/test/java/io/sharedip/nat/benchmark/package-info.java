/** How fast the engine is: JMH benchmarks, run by {@code docs/benchmark.sh}, and the test that the fast path allocates nothing. */
@NullMarked
package io.sharedip.nat.benchmark;

import org.jspecify.annotations.NullMarked;
