/**
 * The control socket: how the commands ask a running gateway.
 *
 * <p>A client connects to a unix socket, sends a request as one line of JSON and reads the answer as one line of JSON; it may then
 * ask again on the same connection. The directory of the socket belongs to one user alone, and that is all the access control there
 * is: whoever may enter it may change the gateway.
 *
 * <pre>
 * {"v":1,"command":"forward-add","forward":"tcp 8080 -&gt; web:80"}
 * {"v":1,"ok":true,"result":null}
 * {"v":1,"ok":false,"error":{"kind":"syntax","setting":"forward","value":"tcp 8080","problem":"lacks ...","cure":"write ..."}}
 * </pre>
 *
 * <p>Requests and waiting are bounded. Answers are written while they are made, so that a table of millions of flows needs no room as
 * text; a client that does not read loses its connection, and never holds up the gateway or another client.
 */
@NullMarked
package io.sharedip.examples.gateway.control;

import org.jspecify.annotations.NullMarked;
