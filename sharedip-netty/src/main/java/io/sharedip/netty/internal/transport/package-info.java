/** Netty's transports behind one face, so that nothing else knows which of them are on the class path. */
@NullMarked
package io.sharedip.netty.internal.transport;

import org.jspecify.annotations.NullMarked;
