/** What guests are told by the gateway's DNS: names, answers of the gateway's own, block lists, and where other questions go. */
@NullMarked
package io.sharedip.dns;

import org.jspecify.annotations.NullMarked;
