/** The filter chain in the form in which packets meet it. */
@NullMarked
package io.sharedip.nat.internal.filter;

import org.jspecify.annotations.NullMarked;
