/** Who gives a gateway its turns: SPI for event loops and threads that drive an engine. */
@NullMarked
package io.sharedip.driver;

import org.jspecify.annotations.NullMarked;
