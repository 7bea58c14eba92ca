/**
 * The demo: a host, three guests and two outside machines, each a Linux stack of its own, with the gateway between them. Real
 * programs make the traffic, and a short report says for each claim whether it held, with the evidence.
 */
@NullMarked
package io.sharedip.examples.demo;

import org.jspecify.annotations.NullMarked;
