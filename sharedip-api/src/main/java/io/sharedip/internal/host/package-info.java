/** What the host's kernel tells of its sockets, for messages about ports: shared by the adapters. */
@NullMarked
package io.sharedip.internal.host;

import org.jspecify.annotations.NullMarked;
