/**
 * What the text forms share: reading words with their positions, numbers within limits, and errors that name the place and
 * the cure. Not exported.
 */
@NullMarked
package io.sharedip.internal.text;

import org.jspecify.annotations.NullMarked;
