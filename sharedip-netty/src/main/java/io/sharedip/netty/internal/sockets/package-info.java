/** The host's sockets as a gateway uses them: streams, listeners, datagrams, echo; all of it on one event loop. */
@NullMarked
package io.sharedip.netty.internal.sockets;

import org.jspecify.annotations.NullMarked;
