/** Which MAC and IP addresses a guest's link may use. */
@NullMarked
package io.sharedip.binding;

import org.jspecify.annotations.NullMarked;
