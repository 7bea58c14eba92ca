/** Small programs to begin with: a gateway inside another program. */
@NullMarked
package io.sharedip.examples.embed;

import org.jspecify.annotations.NullMarked;
