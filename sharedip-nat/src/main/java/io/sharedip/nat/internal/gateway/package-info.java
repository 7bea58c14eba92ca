/**
 * What surrounds the engine in a running gateway: the queue of changes, the thread for events, the keeper of claimed ports, and the
 * gateway's side of each link. Here are the threads and the waiting that the engine has none of.
 */
@NullMarked
package io.sharedip.nat.internal.gateway;

import org.jspecify.annotations.NullMarked;
